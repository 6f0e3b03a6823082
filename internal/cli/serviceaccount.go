package cli

import (
	"encoding/json"
	"strings"

	"fob/oauth"
)

// fromServiceAccount takes from a Google service account's key file what its preset asks for, and the key.
func (f *face) fromServiceAccount(ask *addAsk, c *changes) error {
	if ask.preset != "" && ask.preset != serviceAccountPreset || ask.issuer != "" {
		return misused("leave --preset and --issuer out", "--service-account is a profile of its own")
	}
	if ask.account != "-" && !strings.HasPrefix(ask.account, "@") {
		return misused("write --service-account @FILE, or - for standard input", "the key file of a service account is a secret, and every process on this computer can read a command line")
	}
	if ask.account == "-" {
		if err := c.useStdin("--service-account"); err != nil {
			return err
		}
	}
	text, err := f.fileValue("--service-account", ask.account)
	if err != nil {
		return err
	}
	account, err := oauth.ParseServiceAccount([]byte(text))
	if err != nil {
		return failed("malformed", "make a key of the type JSON for the service account in the provider's console", "%s", err)
	}
	ask.preset = serviceAccountPreset
	ask.pairs = append([]string{"email=" + account.ClientEmail}, ask.pairs...)
	c.add("token_endpoint", account.TokenURI)
	c.add("assertion_audience", account.TokenURI)
	if account.KeyID != "" {
		c.add("private_key_id", account.KeyID)
	}
	if len(ask.scopes) > 0 { // Google reads the scope from the assertion
		claims, err := json.Marshal(map[string]string{"scope": strings.Join(ask.scopes, " ")})
		if err != nil {
			return err
		}
		c.add("assertion_claims", string(claims))
		ask.scopes = nil
	}
	return c.addSecret("private_key", account.PrivateKey.Reveal())
}

// serviceAccountPreset is the preset for Google's service accounts.
const serviceAccountPreset = "google-service-account"
