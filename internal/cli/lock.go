package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) lockVerb() *cobra.Command {
	var screen string
	cmd := &cobra.Command{
		Use: "lock", Short: "Hand out nothing until unlocked",
		Long: `Locks Fob: until ` + "`fob unlock`" + `, and across restarts of the agent, it hands out no token in any form, makes no request with one, changes no
profile and logs in nobody. Verbs that would do so end with exit code 3 and the code "locked". Logins are kept alive meanwhile: Fob refreshes behind the
lock. A login that waits for the browser already is let finish; its token stays behind the lock. ` + "`fob logout`" + ` works.

--on-screen-lock on locks whenever the desktop locks its screen, and unlocks with it what it had locked; off is the default.`,
		Example: "  fob lock\n  fob lock --on-screen-lock on", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("on-screen-lock") {
				return f.lockOnScreen(cmd.Context(), screen)
			}
			return f.setLock(cmd.Context(), (*agent.Client).Lock, "locked; unlock with fob unlock")
		},
	}
	cmd.Flags().StringVar(&screen, "on-screen-lock", "", "lock with the desktop's screen from now on: `on|off`")
	cmd.RegisterFlagCompletionFunc("on-screen-lock", cobra.FixedCompletions([]string{"on", "off"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *face) unlockVerb() *cobra.Command {
	return &cobra.Command{
		Use: "unlock", Short: "Hand out tokens again",
		Long:    "Ends what `fob lock` or the screen lock began. Whoever can run this command as you can unlock: see docs/security.md for what the lock is good for.",
		Example: "  fob unlock", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.setLock(cmd.Context(), (*agent.Client).Unlock, "unlocked")
		},
	}
}

func (f *face) setLock(ctx context.Context, set func(*agent.Client, context.Context) error, done string) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := set(client, ctx); err != nil {
		return err
	}
	f.say("%s", done)
	return nil
}

func (f *face) lockOnScreen(ctx context.Context, value string) error {
	if value != "on" && value != "off" {
		return misused("write --on-screen-lock on or --on-screen-lock off", "--on-screen-lock %s: there is no such choice", value)
	}
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	settings, err := client.Settings(ctx)
	if err != nil {
		return err
	}
	settings.LockOnScreenLock = value == "on"
	if err := client.PutSettings(ctx, settings); err != nil {
		return err
	}
	if settings.LockOnScreenLock {
		f.say("Fob locks with the screen from now on")
	} else {
		f.say("Fob no longer locks with the screen")
	}
	return nil
}

// sayLock says that Fob is locked, beside what is shown all the same.
func (f *face) sayLock(client *agent.Client) {
	if lock := client.Greeting().Lock; lock != nil {
		f.say("Fob is %s: it hands out nothing", lock.Words())
		f.hint("unlock it: fob unlock")
	}
}
