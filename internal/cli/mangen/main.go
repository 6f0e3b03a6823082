// Mangen writes the man pages of fob, one for each verb, into a directory: go run ./internal/cli/mangen assets/man.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"fob/internal/cli"
)

// pageDate is on every page. It is set by hand when the pages change much: the same sources give the same pages.
var pageDate = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: mangen DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "mangen:", err)
		os.Exit(1)
	}
}

// write replaces the pages in dir.
func write(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		return err
	}
	for _, page := range old { // of verbs that are gone
		if err := os.Remove(page); err != nil {
			return err
		}
	}
	root := cli.Command()
	quiet(root)
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Fob", Manual: "Fob", Date: &pageDate}, dir)
}

// quiet leaves the line with the day of generation out of every page.
func quiet(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	for _, verb := range cmd.Commands() {
		quiet(verb)
	}
}
