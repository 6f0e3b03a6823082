package cli

import "github.com/spf13/cobra"

func (f *face) demoVerb() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Start a demo server to log in to",
		Long: `Starts a small authorization server and API inside the agent, on this computer alone, and makes a profile for it. It prints the
profile's name. Nothing leaves the machine.`,
		Example: "  fob demo\n  fob login \"$(fob demo)\"", Args: words(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := f.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			name, err := client.Demo(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.print(name + "\n"); err != nil {
				return err
			}
			f.say("the demo server runs in the agent; its profile is %s", name)
			f.hint("log in with `fob login %s`, then call its API with the token:", name)
			all, err := client.Status(cmd.Context(), name)
			if err == nil && len(all) == 1 && all[0].APIBaseURL != "" {
				f.hint(`fob header %s | curl -H @- %s`, name, all[0].APIBaseURL)
			} else {
				f.hint("fob token %s", name)
			}
			return nil
		},
	}
}
