package cli

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) profileRegister() *cobra.Command {
	var update, show, remove, asJSON bool
	cmd := &cobra.Command{
		Use: "register NAME", Short: "Register the profile's client at its server",
		Long: `Registers a client with the profile's redirect URIs, scope and keys at its authorization server (RFC 7591) and writes the client id that it
was given into the profile; a client secret goes to the keychain. ` + "`fob profile add --register`" + ` does so for a new profile.

Where the server lets a registration be managed (RFC 7592), --show asks what it holds, --update sends the profile's present settings, and --delete
deletes the client there.`,
		Example: "  fob profile register work\n  fob profile register work --show\n  fob profile register work --update\n  fob profile register work --delete",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			ways := 0
			for _, given := range []bool{update, show, remove} {
				if given {
					ways++
				}
			}
			if ways > 1 {
				return misused("", "--update, --show and --delete exclude each other")
			}
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			if remove {
				var actual string
				_, err := withName(ctx, client, args[0], func(name string) (struct{}, error) {
					actual = name
					return struct{}{}, client.Unregister(ctx, name)
				})
				if err == nil {
					f.say("deleted the client of %s at the server", actual)
				}
				return err
			}
			ask, done := client.Register, "registered"
			switch {
			case update:
				ask, done = client.UpdateRegistration, "updated the registration of"
			case show:
				ask, done = client.Registration, ""
			}
			return f.registration(ctx, client, args[0], ask, done, asJSON)
		},
	}
	cmd.Flags().BoolVar(&update, "update", false, "send the profile's present settings to the server")
	cmd.Flags().BoolVar(&show, "show", false, "show what the server holds of the client")
	cmd.Flags().BoolVar(&remove, "delete", false, "delete the client at the server")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the registration as JSON")
	return cmd
}

func (f *face) registration(ctx context.Context, client *agent.Client, name string, ask func(context.Context, string) (agent.Registration, error), done string, asJSON bool) error {
	var actual string
	r, err := withName(ctx, client, name, func(name string) (agent.Registration, error) {
		actual = name
		return ask(ctx, name)
	})
	if err != nil {
		return err
	}
	if done != "" {
		f.say("%s %s: its client id is %s", done, actual, r.ClientID)
		if r.ExpiresAt != nil {
			f.say("its client secret ends %s", relative(*r.ExpiresAt, time.Now()))
		}
	}
	switch {
	case asJSON:
		return f.printJSON(r)
	case done != "":
		return nil
	}
	return f.print(registrationText(r, time.Now()))
}

func registrationText(r agent.Registration, now time.Time) string {
	rows := [][]string{{"client id", r.ClientID}}
	if r.ExpiresAt != nil {
		rows = append(rows, []string{"secret ends", moment(*r.ExpiresAt) + ", " + relative(*r.ExpiresAt, now)})
	}
	managed := "no: the server keeps it as it is"
	if r.Managed {
		managed = "yes: --update and --delete work"
	}
	text := table(append(rows, []string{"managed", managed}))
	var metadata map[string]any
	if json.Unmarshal(r.Metadata, &metadata) != nil {
		return text
	}
	return text + claimsText("what the server holds", metadata, now)
}
