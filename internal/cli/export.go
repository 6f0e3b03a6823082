package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/internal/carry"
)

func (f *face) profileExport() *cobra.Command {
	var as, to string
	cmd := &cobra.Command{
		Use: "export NAME…", Short: "Print profiles without secrets, for Fob or for another tool",
		Long: `Prints a profile as profiles.json holds it; ` + "`fob profile import`" + ` reads it. --as writes for another tool: a Postman collection (and an
environment, into a folder), an Insomnia export, a Bruno collection (a folder), or an OpenAPI document with securitySchemes. Endpoints
that the issuer alone knows are asked for.

No file ever holds a secret or a token: variables without a value stand in their places. What the format cannot hold is listed on
standard error.`,
		Example: `  fob profile export work > work.json
  fob profile export work staging --as postman -o postman/
  fob profile export work --as bruno -o collection/
  fob profile export work --as openapi`,
		Args: words(1, -1), ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			names, directive := f.completeNames(cmd, nil, typed)
			return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) }), directive
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.export(cmd.Context(), args, as, to) },
	}
	cmd.Flags().StringVar(&as, "as", "fob", "the `FORMAT`: postman, insomnia, bruno or openapi")
	cmd.Flags().StringVarP(&to, "output", "o", "", "write to this `FILE`, or into this folder")
	cmd.RegisterFlagCompletionFunc("as", completeFormats(carry.Format.Writes))
	return cmd
}

func (f *face) export(ctx context.Context, names []string, as, to string) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var items []carry.Item
	for _, name := range names {
		view, err := withName(ctx, client, name, func(name string) (agent.ProfileView, error) { return client.Profile(ctx, name) })
		if err != nil {
			return err
		}
		if slices.ContainsFunc(items, func(i carry.Item) bool { return i.Profile.Name == view.Profile.Name }) {
			continue
		}
		items = append(items, carry.Item{Profile: view.Profile, Secrets: view.Secrets})
	}
	if as == "fob" {
		text, err := ownJSON(items)
		if err != nil {
			return err
		}
		return f.exportTo(to, []carry.File{{Path: "fob.json", Text: text}})
	}
	if !slices.ContainsFunc(carry.Formats(), func(format carry.Format) bool { return format.ID == as && format.Writes() }) {
		return misused("one of postman, insomnia, bruno, openapi", "fob writes no %s", as)
	}
	for i := range items {
		if !items[i].NeedsEndpoints(as) {
			continue
		}
		found, err := client.Discover(ctx, items[i].Profile.Issuer)
		if err != nil {
			f.say("profile %s: its endpoints are not in it: %s", items[i].Profile.Name, err)
			continue
		}
		items[i].Complete(found.AuthorizationEndpoint, found.TokenEndpoint)
	}
	written, err := carry.Export(as, items)
	if err != nil {
		return err
	}
	for _, left := range written.Left {
		f.say("not carried over: %s", leftLine(left))
	}
	if len(written.Files) == 0 {
		return failed("nothing_written", "", "%s has no way to say any of it", as)
	}
	if as == "bruno" && to == "" {
		return misused("name the folder: -o FOLDER", "a Bruno collection is a folder")
	}
	return f.exportTo(to, written.Files)
}

// ownJSON is what `fob profile import` reads: one profile, or an array of them.
func ownJSON(items []carry.Item) (string, error) {
	if len(items) == 1 {
		return profileJSON(items[0].Profile)
	}
	var all []any
	for _, item := range items {
		all = append(all, item.Profile)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return string(text) + "\n", err
}

// exportTo writes the files into a folder, the first one into a file, or the first one to standard output.
func (f *face) exportTo(to string, files []carry.File) error {
	if to == "" {
		if len(files) > 1 {
			f.hint("-o FOLDER writes %s as well", files[1].Path)
		}
		return f.print(files[0].Text)
	}
	info, err := os.Stat(to)
	isFile := err == nil && info.Mode().IsRegular() || errors.Is(err, os.ErrNotExist) && filepath.Ext(to) != ""
	if isFile {
		if err := os.WriteFile(to, []byte(files[0].Text), 0o644); err != nil {
			return err
		}
		f.say("wrote %s", to)
		if len(files) > 1 {
			f.hint("-o FOLDER writes %s as well", files[1].Path)
		}
		return nil
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := (carry.Written{Files: files}).Into(to); err != nil {
		return err
	}
	for _, file := range files {
		f.say("wrote %s", filepath.Join(to, filepath.FromSlash(file.Path)))
	}
	return nil
}
