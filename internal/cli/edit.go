package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

func (f *face) profileEdit() *cobra.Command {
	return &cobra.Command{
		Use: "edit NAME", Short: "Edit a profile in your editor",
		Long: `Opens the profile as JSON in $VISUAL, else $EDITOR. What you save is checked; when something is wrong the editor opens again with the
reason on top. Saving the text unchanged gives up, and what you wrote stays in a file. Changing the name renames.`,
		Example: "  fob profile edit work\n  EDITOR=nano fob profile edit work", Args: words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.withProfile(cmd.Context(), args[0], func(client *agent.Client, view agent.ProfileView) error {
				return f.edit(cmd.Context(), client, view)
			})
		},
	}
}

func (f *face) edit(ctx context.Context, client *agent.Client, view agent.ProfileView) error {
	before, err := profileJSON(view.Profile)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "fob-edit-")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "profile.json")
	offered, remarks := before, ""
	for {
		if err := os.WriteFile(path, []byte(remarks+offered), 0o600); err != nil {
			return err
		}
		if err := f.runEditor(ctx, path); err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		saved := withoutRemarks(string(text))
		if saved == before {
			os.RemoveAll(dir)
			f.say("profile %s is unchanged", view.Profile.Name)
			return nil
		}
		problem := f.putEdited(ctx, client, view.Profile, saved)
		if problem == nil {
			return os.RemoveAll(dir)
		}
		var known *agent.Error
		if saved == offered || !errors.As(problem, &known) || known.Kind != agent.Misused {
			f.hint("what you wrote is kept in %s", path)
			return problem
		}
		f.say("%s", known.Sentence)
		offered = saved
		remarks = "// " + clean(known.Sentence) + "\n// Mend it and save; save it unchanged to give up. These lines are left out.\n"
	}
}

// putEdited writes the profile that text describes. An error of kind Misused is one that editing can mend.
func (f *face) putEdited(ctx context.Context, client *agent.Client, before profiles.Profile, text string) error {
	var p profiles.Profile
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return invalid(jsonPlace(text, err))
	}
	if err := checkMembers(text, before); err != nil {
		return err
	}
	if problems := p.Validate(); len(problems) > 0 {
		return invalid(&profiles.InvalidError{Name: p.Name, Problems: problems})
	}
	edit := agent.ProfileEdit{Profile: p}
	if p.Name != before.Name {
		edit.Rename = before.Name
	}
	if err := client.PutProfile(ctx, edit); err != nil {
		return err
	}
	f.say("changed profile %s", p.Name)
	return nil
}

// checkMembers refuses members that neither this version nor the profile knew before: a key mistyped in an editor would
// otherwise be kept and do nothing.
func checkMembers(text string, before profiles.Profile) error {
	kept, err := profileJSON(before)
	if err != nil {
		return err
	}
	var now, old map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &now); err != nil {
		return misused("", "%s", err)
	}
	if err := json.Unmarshal([]byte(kept), &old); err != nil {
		return err
	}
	for key := range now {
		if _, known := profiles.FieldByKey(key); known || old[key] != nil {
			continue
		}
		var none profiles.Profile
		return misused("`fob profile fields` lists the keys", "%s", none.Set(key, "x"))
	}
	return nil
}

// jsonPlace adds line and column to a JSON syntax error.
func jsonPlace(text string, err error) error {
	var any any
	var syntax *json.SyntaxError
	if !errors.As(json.Unmarshal([]byte(text), &any), &syntax) {
		return err
	}
	before := text[:min(max(int(syntax.Offset)-1, 0), len(text))]
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndexByte(before, '\n')
	return fmt.Errorf("line %d, column %d: %w", line, column, syntax)
}

// withoutRemarks takes the lines off that edit put on top.
func withoutRemarks(text string) string {
	for strings.HasPrefix(text, "//") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// profileJSON is the profile as profiles.json writes it, indented, with a newline.
func profileJSON(p profiles.Profile) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return "", err
	}
	return indented.String() + "\n", nil
}

// runEditor runs the user's editor on path and waits for it.
func (f *face) runEditor(ctx context.Context, path string) error {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	var cmd *exec.Cmd
	switch {
	case runtime.GOOS == "windows":
		words := strings.Fields(editor)
		if len(words) == 0 {
			words = []string{"notepad"}
		}
		cmd = exec.CommandContext(ctx, words[0], append(slices.Clone(words[1:]), path)...)
	case editor == "":
		cmd = exec.CommandContext(ctx, "vi", path)
	default:
		// The shell splits the variable as every Unix program that honours it does; the path stays out of its hands.
		cmd = exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", path)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f.In, f.Out, f.Err
	if err := cmd.Run(); err != nil {
		f.hint("what you wrote is kept in %s", path)
		return failed("editor", "set VISUAL or EDITOR to the editor you like", "the editor ended badly: %s", err)
	}
	return nil
}
