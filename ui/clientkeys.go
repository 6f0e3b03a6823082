package ui

import (
	"bytes"
	"encoding/json"
	"slices"

	"fob/internal/agent"
	"fob/profiles"
)

// usesKey says whether a profile signs or decrypts with a key of its own.
func usesKey(p profiles.Profile) bool {
	field, ok := profiles.FieldByKey("private_key")
	return ok && field.Shown(p)
}

// keyAlg is the algorithm for a new key of a profile: the one that it signs with.
func keyAlg(p profiles.Profile) string {
	for _, alg := range []string{p.TokenEndpointAuthSigningAlg, p.AssertionSigningAlg, p.RequestObjectSigningAlg, p.BackchannelAuthenticationRequestSigningAlg} {
		if alg != "" && alg[0] != 'H' && alg != "none" {
			return alg
		}
	}
	if p.Grant() == profiles.GrantOAuth1 {
		return "RS256" // RFC 5849 §3.4.3 signs with RSA only
	}
	return "ES256"
}

// onKeys copies the public halves of the selected profile's keys, to be registered at the server (F-182).
func (w *Window) onKeys() {
	name := w.selected
	w.actions.keys(name, func(set json.RawMessage, err error) {
		if err != nil {
			w.said(name, "", err)
			return
		}
		w.copyKeys(name, set, "Public keys copied.")
	})
}

func (w *Window) copyKeys(name string, set json.RawMessage, done string) {
	var pretty bytes.Buffer
	if json.Indent(&pretty, set, "", "  ") == nil {
		set = pretty.Bytes()
	}
	w.actions.clipboard.SetContent(string(set))
	w.said(name, done, nil)
}

// onMakeKey makes a key for the selected profile, after asking where it would replace one.
func (w *Window) onMakeKey(view agent.ProfileView) {
	name, alg := w.selected, keyAlg(view.Profile)
	has := slices.Contains(view.Secrets, "private_key")
	text := "An " + alg + " key is made and kept in the keychain. Its public half is copied: register that at the server."
	yes := "Make a key"
	if has {
		text += " The key that the profile has now is gone then, and what the server encrypts to it stays unreadable."
		yes = "Replace the key"
	}
	w.confirm("A new private key for "+name, text, yes, has, func() {
		w.actions.makeKey(name, alg, has, func(set json.RawMessage, err error) {
			if err != nil {
				w.said(name, "", err)
				return
			}
			w.copyKeys(name, set, "Key made, public half copied.")
			w.loadDetails()
		})
	})
}
