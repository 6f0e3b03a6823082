package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

// keyAlgs are the algorithms that a key is made for.
var keyAlgs = []string{"ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256"}

func (f *face) keysVerb() *cobra.Command {
	var alg string
	var replace bool
	cmd := &cobra.Command{
		Use: "keys NAME", Short: "Print the public half of the profile's keys, or make one",
		Long: `Prints the public halves of the profile's private keys as a JWK set (RFC 7517), to register them at the server or to serve them as jwks_uri.

--make makes a private key, keeps it in the keychain as the profile's private_key and prints its public half. The private half never leaves the
keychain.`,
		Example: "  fob keys work > jwks.json\n  fob keys work --make ES256\n  fob keys work --make PS256 --replace",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if replace && alg == "" {
				return misused("add --make ALG", "--replace is for a key that is made")
			}
			ctx := cmd.Context()
			client, err := f.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			set, err := withName(ctx, client, args[0], func(name string) (json.RawMessage, error) {
				if alg != "" {
					return client.MakeKey(ctx, name, alg, replace)
				}
				return client.Keys(ctx, name)
			})
			if err != nil {
				return err
			}
			if alg != "" {
				f.say("made a key for %s; the server has to know its public half", alg)
			}
			return f.printJSON(set)
		},
	}
	cmd.Flags().StringVar(&alg, "make", "", "make a key for this `ALG`: ES256, ES384, ES512, EdDSA, PS256 or RS256")
	cmd.Flags().BoolVar(&replace, "replace", false, "with --make: replace the key that is there")
	cmd.RegisterFlagCompletionFunc("make", cobra.FixedCompletions(keyAlgs, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
