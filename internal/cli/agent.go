package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) agentVerb() *cobra.Command {
	var noTray bool
	cmd := &cobra.Command{
		Use: "agent", Short: "Run the agent in this terminal",
		Long:    `Runs the process that owns the tokens, until Ctrl-C or ` + "`fob stop`" + `. Every other verb starts it by itself, in the background.`,
		Example: "  fob agent\n  fob agent --no-tray",
		Args:    words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := agent.HomeFromEnv()
			if err != nil {
				return err
			}
			if f.hooks.Agent == nil {
				return failed("no_agent", "", "this program has no agent in it")
			}
			if code := f.hooks.Agent(cmd.Context(), home, noTray, f.Err); code != 0 {
				return exitCode(code)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&noTray, "no-tray", false, "show no tray icon")
	return cmd
}

func (f *face) stopVerb() *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "Stop the agent",
		Long:    "Stops the agent. Logins stay in the keychain; the next command starts an agent that finds them again.",
		Example: "  fob stop", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := agent.HomeFromEnv()
			if err != nil {
				return err
			}
			client := agent.NewClient(home)
			defer client.Close()
			err = client.Stop(cmd.Context())
			var known *agent.Error
			if errors.As(err, &known) && known.Kind == agent.Unreachable {
				f.say("no agent is running")
				return nil // it is stopped, which is what was asked for
			}
			if err == nil {
				f.say("stopped the agent")
			}
			return err
		},
	}
}
