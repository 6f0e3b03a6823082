package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the build: -ldflags "-X fob/internal/cli.version=1.2.3".
var version string

// Version is the version of this build: the released one, else what the Go tool knows of the sources, else "devel".
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func (f *face) versionVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Long: "Prints the version of this command. It asks nobody and starts nothing.",
		Example: "  fob version\n  fob version --json", Args: words(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return f.printJSON(map[string]string{"version": Version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			return f.print("fob " + Version() + "\n")
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
