package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) storeVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "store", Short: "Show where secrets rest; unlock, move, clean up",
		Long: `Shows where tokens and secrets rest: in the keychain of the operating system, or, where there is none, in files sealed with a
passphrase (fob store move file, or FOB_STORE=file), which have to be unlocked each time the agent starts.`,
		Example: "  fob store\n  fob store --json\n  fob store move file\n  fob store unlock\n  fob store clean", Args: noSuchVerb,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.withStore(cmd.Context(), func(_ *agent.Client, view agent.StoreView) error {
				if asJSON {
					return f.printJSON(view)
				}
				if err := f.print(storeText(view)); err != nil {
					return err
				}
				for _, note := range view.Notes {
					f.hint("%s", note)
				}
				if view.LeftOver > 0 {
					f.hint("see what is left over, and remove it: fob store clean")
				}
				if view.Problem != nil {
					f.hint("%s", view.Problem.Remedy)
					return exitCode(agent.Failed)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(f.storeUnlock(), f.storePassphrase(), f.storeMove(), f.storeClean())
	return cmd
}

// withStore asks the agent about its store and hands the answer to work.
func (f *face) withStore(ctx context.Context, work func(*agent.Client, agent.StoreView) error) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	view, err := client.Store(ctx)
	if err != nil {
		return err
	}
	return work(client, view)
}

func storeText(v agent.StoreView) string {
	rows := [][]string{{"store", storeName(v.Kind)}}
	add := func(label, value string) {
		if value != "" {
			rows = append(rows, []string{label, value})
		}
	}
	if p := v.Problem; p != nil {
		add("problem", p.Sentence)
	}
	add("kept by", v.Owner)
	add("in", v.Collection)
	if v.Items != nil {
		add("items", fmt.Sprint(*v.Items))
	}
	if v.Problem == nil {
		add("takes", v.Holds())
		add("lasts", v.Survives())
	}
	if v.Sealed > 0 {
		add("files", v.SealedIn)
	}
	if v.LeftOver > 0 {
		add("left over", fmt.Sprintf("%d from profiles that are gone", v.LeftOver))
	}
	for _, home := range slices.Sorted(maps.Keys(v.OtherHomes)) {
		name := "home " + home
		if home == "" {
			name = "without FOB_HOME"
		}
		add(name, fmt.Sprintf("%d items in the same keychain", v.OtherHomes[home]))
	}
	return table(rows)
}

func storeName(kind string) string {
	switch kind {
	case "keychain":
		return "the keychain"
	case "file":
		return "files sealed with a passphrase"
	case "memory":
		return "the agent's memory"
	}
	return kind
}

func (f *face) storeUnlock() *cobra.Command {
	return &cobra.Command{
		Use: "unlock", Short: "Open the file store with its passphrase",
		Long: `Gives the agent the passphrase of the file store; it asks at a terminal, or reads one line of standard input. The agent opens the store and
keeps it open until it stops; it does not keep the passphrase. The first time, the passphrase that you choose makes the store: nothing opens it
without, so keep it somewhere safe.

A server that starts alone gives the passphrase in a file: FOB_PASSPHRASE_FILE names it (mode 0600), or systemd does
(LoadCredential=fob-passphrase:FILE).`,
		Example: "  fob store unlock\n  fob store unlock < passphrase.txt", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.withStore(cmd.Context(), func(client *agent.Client, view agent.StoreView) error {
				if view.Kind != "file" {
					return noPassphrase(view)
				}
				code := ""
				if view.Problem != nil {
					code = view.Problem.Code
				}
				switch {
				case code == "":
					f.say("the file store is open already")
					return nil
				case !needsPassphrase(code):
					return failed(code, view.Problem.Remedy, "%s", view.Problem.Sentence)
				}
				return f.unlock(cmd.Context(), client, code)
			})
		},
	}
}

// needsPassphrase says whether a passphrase mends an error of this code.
func needsPassphrase(code string) bool {
	return code == agent.CodeStoreLocked || code == agent.CodeStoreNew || code == agent.CodeStoreWrong
}

// triesMax is how often a terminal may get the passphrase wrong.
const triesMax = 3

// unlock asks for the passphrase and gives it to the agent; code is why it is needed.
func (f *face) unlock(ctx context.Context, client *agent.Client, code string) error {
	create := code == agent.CodeStoreNew
	for try := 1; ; try++ {
		var passphrase string
		var err error
		if create {
			passphrase, err = f.newPassphrase(ctx, "choose a passphrase for the file store")
		} else {
			passphrase, err = f.readSecret(ctx, "passphrase of the file store")
		}
		if err != nil {
			return err
		}
		err = client.UnlockStore(ctx, passphrase, create)
		var known *agent.Error
		if errors.As(err, &known) && known.Code == agent.CodeStoreWrong && isTerminal(f.In) && try < triesMax {
			f.say("%s", known.Sentence)
			continue
		}
		switch {
		case err != nil:
			return err
		case create:
			f.say("the file store is made, and open until the agent stops")
			f.hint("nothing opens it without this passphrase: keep it somewhere safe")
		default:
			f.say("the file store is open until the agent stops")
		}
		return nil
	}
}

// newPassphrase asks for a passphrase twice at a terminal: nobody sees what is typed.
func (f *face) newPassphrase(ctx context.Context, what string) (string, error) {
	passphrase, err := f.readSecret(ctx, what)
	if err != nil || !isTerminal(f.In) {
		return passphrase, err
	}
	again, err := f.readSecret(ctx, "once more")
	if err == nil && again != passphrase {
		err = failed("store", "try again", "the two passphrases differ; nothing was changed")
	}
	return passphrase, err
}

// opening asks the agent for something; when the file store is locked and a person is there, it asks for the passphrase and asks again.
func opening[T any](ctx context.Context, f *face, client *agent.Client, ask func() (T, error)) (T, error) {
	answer, err := ask()
	var known *agent.Error
	if !errors.As(err, &known) || !needsPassphrase(known.Code) || !f.conversing() {
		return answer, err
	}
	f.say("%s", known.Sentence)
	if err := f.unlock(ctx, client, known.Code); err != nil {
		return answer, err
	}
	return ask()
}

func (f *face) storePassphrase() *cobra.Command {
	return &cobra.Command{
		Use: "passphrase", Short: "Change the passphrase of the file store",
		Long: `Asks for the passphrase of the file store and for a new one, which replaces it at once. Standard input that is no terminal gives both, a line
each. What was copied from the folder before still opens with the old one.`,
		Example: "  fob store passphrase", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return f.withStore(ctx, func(client *agent.Client, view agent.StoreView) error {
				switch {
				case view.Kind != "file":
					return noPassphrase(view)
				case view.Problem != nil && !(view.Problem.Code == agent.CodeStoreLocked || view.Problem.Code == agent.CodeStoreWrong):
					return failed(view.Problem.Code, view.Problem.Remedy, "%s", view.Problem.Sentence)
				}
				before, after, err := f.twoPassphrases(ctx)
				if err != nil {
					return err
				}
				if err := client.SetStorePassphrase(ctx, before, after); err != nil {
					return err
				}
				f.say("the file store has a new passphrase")
				f.hint("where a file gives the passphrase to an agent (FOB_PASSPHRASE_FILE, a systemd credential), change it there too")
				return nil
			})
		},
	}
}

// noPassphrase is the error of a verb about the file store where another one is in use.
func noPassphrase(view agent.StoreView) error {
	return failed("store", "to use one: fob store move file", "secrets rest in %s, which has no passphrase of Fob's", storeName(view.Kind))
}

func (f *face) twoPassphrases(ctx context.Context) (before, after string, err error) {
	if !isTerminal(f.In) {
		text, err := f.readIn()
		if err != nil {
			return "", "", err
		}
		before, after, found := strings.Cut(strings.TrimRight(text, "\r\n"), "\n")
		if !found || strings.Contains(after, "\n") {
			return "", "", misused("give the old one and the new one, a line each", "standard input does not hold two passphrases")
		}
		return strings.TrimSuffix(before, "\r"), after, nil
	}
	if before, err = f.readSecret(ctx, "passphrase until now"); err != nil {
		return "", "", err
	}
	after, err = f.newPassphrase(ctx, "new passphrase")
	return before, after, err
}

func (f *face) storeMove() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "move keychain|file", Short: "Move every login and secret to another store",
		Long: `Moves all that Fob keeps for this home to the keychain of the operating system, or to files sealed with a passphrase, and remembers the choice.
Each item is copied and compared, then the new store is chosen, and only then are the items removed from the old one. Interrupted at any step
nothing is lost; the same command again finishes it. Tokens go on being handed out meanwhile.`,
		Example: "  fob store move file\n  fob store move keychain --yes", Args: words(1, 1),
		ValidArgs: []cobra.Completion{
			cobra.CompletionWithDesc("keychain", "of the operating system"), cobra.CompletionWithDesc("file", "sealed with a passphrase"),
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return f.withStore(ctx, func(client *agent.Client, view agent.StoreView) error {
				if view.Kind != args[0] && !yes {
					if err := f.confirm(ctx, fmt.Sprintf("move every login and secret from %s to %s?", storeName(view.Kind), storeName(args[0]))); err != nil {
						return err
					}
				}
				_, err := opening(ctx, f, client, func() (struct{}, error) { return struct{}{}, f.move(ctx, client, args[0]) })
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// confirm asks at a terminal whether to go on; where nobody can be asked, --yes says so.
func (f *face) confirm(ctx context.Context, question string) error {
	if !f.conversing() {
		return misused("say so with --yes", "nobody is there to ask: %s", question)
	}
	line, err := f.question(ctx, question+" [y/N] ")
	if err == nil && !isYes(line) {
		err = failed("cancelled", "", "nothing was changed")
	}
	return err
}

// progressAfter is how long something may take before a person wants to know how far it is.
const progressAfter = 500 * time.Millisecond

func (f *face) move(ctx context.Context, client *agent.Client, to string) error {
	began, last := time.Now(), agent.StoreMove{}
	shown := time.Time{}
	err := client.MoveStore(ctx, to, func(move agent.StoreMove) {
		last = move
		if now := time.Now(); now.Sub(began) > progressAfter && now.Sub(shown) > progressAfter && move.Step != "done" {
			what := map[string]string{"copy": "copied", "remove": "removed from the old store"}[move.Step]
			f.progress(fmt.Sprintf("%d of %d %s", move.Done, move.Total, what))
			shown = now
		}
	})
	f.endProgress()
	switch {
	case err != nil:
		return err
	case last.Note != "":
		f.say("secrets rest in %s now; %s", storeName(to), last.Note)
	case last.Total == 0:
		f.say("secrets rest in %s", storeName(to))
	default:
		f.say("moved %d items; secrets rest in %s now", last.Total, storeName(to))
	}
	return nil
}

// progress shows how far something is: at a terminal in a line that the next one overwrites.
func (f *face) progress(text string) {
	if !isTerminal(f.Err) || os.Getenv("TERM") == "dumb" {
		f.say("%s", text)
		return
	}
	f.setLive("fob: " + text)
}

// waiting says at a terminal what is waited for, once that takes long, until over is called.
func (f *face) waiting(what string) (over func()) {
	if !isTerminal(f.Err) || os.Getenv("TERM") == "dumb" {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-quit:
		case <-time.After(progressAfter):
			f.setLive("fob: " + clean(what) + "; Ctrl-C cancels")
			<-quit
			f.endProgress()
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// endProgress empties the line of progress.
func (f *face) endProgress() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live != "" {
		f.live = ""
		io.WriteString(f.Err, wipe)
	}
}

func (f *face) storeClean() *cobra.Command {
	var yes, asJSON bool
	var home string
	cmd := &cobra.Command{
		Use: "clean", Short: "Remove what is left over from profiles that are gone",
		Long: `Shows the items of Fob in the store that belong to no profile any more, and sealed files that no item names, and removes them when you say so.
Items of another FOB_HOME in the same keychain are never touched, unless you name that home; then all of its items are. Where the system
cannot list its keychain (Windows, macOS), only files are found.`,
		Example: "  fob store clean\n  fob store clean --yes\n  fob store clean --home 3f2a9c01d7e4", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			found, err := client.CleanStore(ctx, agent.StoreClean{Home: home})
			if err != nil {
				return err
			}
			if len(found.Items)+len(found.Files) == 0 {
				f.say("nothing is left over")
			}
			if !asJSON {
				if err := f.print(cleanText(found)); err != nil {
					return err
				}
			}
			if len(found.Items)+len(found.Files) > 0 && !(asJSON && !yes) {
				if !yes {
					if err := f.confirm(ctx, fmt.Sprintf("remove these %d?", len(found.Items)+len(found.Files))); err != nil {
						return err
					}
				}
				found.Remove = true
				if found, err = client.CleanStore(ctx, found); err != nil {
					return err
				}
				f.say("removed %d items and %d files", len(found.Items), len(found.Files))
			}
			if asJSON {
				return f.printJSON(found)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&home, "home", "", "remove every item of the home with this `mark`, which fob store shows")
	cmd.Flags().BoolVar(&yes, "yes", false, "remove without asking")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; without --yes nothing is removed")
	cmd.RegisterFlagCompletionFunc("home", cobra.NoFileCompletions)
	return cmd
}

func cleanText(found agent.StoreClean) string {
	var rows [][]string
	for _, name := range found.Items {
		rows = append(rows, []string{"item", name})
	}
	for _, file := range found.Files {
		rows = append(rows, []string{"file", file})
	}
	return table(rows)
}
