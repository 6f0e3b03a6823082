package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/profiles"
)

const rootLong = `Fob hangs on your OS keychain: OAuth tokens for developers, one click away.

It logs you in with your browser, keeps the tokens in the keychain, refreshes them before they end, and hands them out
to scripts. One agent owns the tokens; this command asks it and starts it when it is not running.

Results go to standard output, alone; everything else goes to standard error. --json gives every list and view as JSON.

Exit codes:
  0  done
  1  failed
  2  misused: unknown profile, unknown key, wrong flags
  3  log in first, or unlock Fob: a person is needed
  4  the agent cannot be reached
  5  the network, the server or the keychain is away: try again

Environment:
  FOB_HOME   keeps everything (configuration, data, socket) under this directory
  FOB_SOCKET the socket of an agent on another machine that ssh forwards (see docs/ssh.md)
  FOB_STORE  where secrets rest: keychain (default), file (sealed with a passphrase), memory (forgotten when the agent ends)
  FOB_PASSPHRASE_FILE
             the file, of mode 0600, that holds the passphrase of FOB_STORE=file; read by the agent
  FOB_LOG    what the agent logs at least: debug, info (default), warn, error; read when it starts
  BROWSER    the browser that login opens, given the address as its last argument`

const rootExample = `  fob demo                                  a server to try it with
  fob login Demo                            log in with the browser
  fob header Demo | curl -H @- http://…     use the token
  fob token Demo --min-ttl 5m               the token alone, with at least 5 minutes left
  fob status                                every profile and its state
  fob login --url https://mcp.example.com   log in to an API by its address`

// root is the command tree of one run.
func (f *face) root() *cobra.Command {
	root := &cobra.Command{
		Use: "fob", Version: Version(), Short: "OAuth tokens for developers, from your OS keychain", Long: rootLong, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true, DisableSuggestions: true, DisableAutoGenTag: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRun:  func(*cobra.Command, []string) { f.entered = true },
		Args:              noSuchVerb,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("fob {{.Version}}\n")
	root.SetIn(f.In)
	root.SetOut(f.Out)
	root.SetErr(f.Err)
	root.PersistentFlags().BoolVar(&f.noStart, "no-start", false, "do not start the agent when it is not running")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misused("run `"+cmd.CommandPath()+" --help` for its flags", "%s%s", where(cmd), err)
	})

	groups := []struct {
		id, title string
		verbs     []*cobra.Command
	}{
		{"use", "Tokens:", []*cobra.Command{
			f.loginVerb(), f.tokenVerb(), f.headerVerb(),
			f.copyVerb(), f.printVerb(), f.formsVerb(),
			f.execVerb(), f.curlVerb(), f.requestVerb(),
			f.proxyVerb(), f.credentialVerb(),
			f.refreshVerb(), f.exchangeVerb(), f.logoutVerb(),
		}},
		{"see", "Looking:", []*cobra.Command{f.statusVerb(), f.showVerb(), f.whoamiVerb(), f.introspectVerb(), f.inspectVerb(), f.traceVerb(), f.windowVerb()}},
		{"edit", "Profiles:", []*cobra.Command{f.profileVerb(), f.keysVerb()}},
		{"own", "Fob itself:", []*cobra.Command{
			f.agentVerb(), f.stopVerb(),
			f.lockVerb(), f.unlockVerb(),
			f.demoVerb(),
			f.storeVerb(), f.doctorVerb(), f.logVerb(),
			f.versionVerb(), f.completionVerb(),
		}},
	}
	for _, group := range groups {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
		for _, verb := range group.verbs {
			verb.GroupID = group.id
			root.AddCommand(verb)
		}
	}
	help := f.helpVerb(root)
	help.GroupID = "own"
	root.SetHelpCommand(help)
	return root
}

// helpVerb is cobra's, but for a verb that there is not: that is misuse.
func (f *face) helpVerb(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [VERB]", Short: "Explain a verb", Long: "Explains a verb, as VERB --help does.", Example: "  fob help token\n  fob help profile add",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var verbs []string
			if at, rest, err := root.Find(args); err == nil && len(rest) == 0 {
				for _, verb := range at.Commands() {
					if verb.IsAvailableCommand() {
						verbs = append(verbs, cobra.CompletionWithDesc(verb.Name(), verb.Short))
					}
				}
			}
			return verbs, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			at := root
			for _, word := range args {
				i := slices.IndexFunc(at.Commands(), func(verb *cobra.Command) bool { return verb.Name() == word })
				if i < 0 {
					return noSuchVerb(at, []string{word})
				}
				at = at.Commands()[i]
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}

// noSuchVerb refuses an argument where a verb belongs and suggests the nearest one.
func noSuchVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var verbs []string
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			verbs = append(verbs, verb.Name())
		}
	}
	remedy := "run `" + cmd.CommandPath() + " --help` for what there is"
	if near := profiles.Nearest(verbs, args[0]); len(near) > 0 {
		remedy = "did you mean " + cmd.CommandPath() + " " + strings.Join(near, " or ") + "?"
	}
	return misused(remedy, "%sthere is no verb %s", where(cmd), args[0])
}

// words checks the number of arguments and says which ones are wanted; most < 0 is any number.
func words(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && (most < 0 || len(args) <= most) {
			return nil
		}
		return misused("run `"+cmd.CommandPath()+" --help` for examples", "usage: %s", cmd.UseLine())
	}
}

// where is the verb's name as the start of a sentence; the program's own name starts every line anyway.
func where(cmd *cobra.Command) string {
	if path, found := strings.CutPrefix(cmd.CommandPath(), "fob "); found {
		return path + ": "
	}
	return ""
}

// Command is the command tree, for whoever documents it.
func Command() *cobra.Command {
	f := &face{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	return f.root()
}
