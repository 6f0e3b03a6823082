package oauth

import (
	"fmt"
	"io"
	"strings"
)

// ServiceAccount is a Google service account's key file.
type ServiceAccount struct {
	ClientEmail string
	TokenURI    string
	PrivateKey  Secret // PEM
	KeyID       string // private_key_id
	ProjectID   string
}

// Format writes whose it is, whatever the verb: behind a pointer in a struct fmt does
// not ask a Secret how it prints.
func (s ServiceAccount) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "service account "+s.ClientEmail)
}

// ParseServiceAccount reads the JSON file that Google's console hands out
// under "Keys" of a service account.
func ParseServiceAccount(data []byte) (ServiceAccount, error) {
	fail := func(why string) (ServiceAccount, error) { return ServiceAccount{}, requestError(why) }
	obj, err := decodeObject(data)
	if err != nil {
		return fail("the service account file is not a JSON object")
	}
	if kind := text(obj, "type"); kind != "service_account" {
		return fail("the file is of type " + clean(kind, maxCode) + ", not service_account; get one at the " +
			"provider's console under the service account's keys")
	}
	s := ServiceAccount{
		ClientEmail: text(obj, "client_email"), TokenURI: text(obj, "token_uri"),
		PrivateKey: Secret(text(obj, "private_key")), KeyID: text(obj, "private_key_id"), ProjectID: text(obj, "project_id"),
	}
	switch {
	case s.ClientEmail == "":
		return fail("the service account file has no client_email")
	case s.PrivateKey == "":
		return fail("the service account file has no private_key")
	}
	if _, err := parseEndpoint("token_uri", s.TokenURI); err != nil {
		return ServiceAccount{}, err
	}
	return s, nil
}

// Claims are those of the account's assertion: scopes are a claim there, and
// the audience is the token endpoint. subject is the person to act for where
// an administrator allows that; mostly it is empty.
func (s ServiceAccount) Claims(scope []string, subject string) AssertionClaims {
	a := AssertionClaims{
		Issuer: s.ClientEmail, Subject: subject, OmitSubject: subject == "", Audience: s.TokenURI,
		Lifetime: maxAssertionLifetime, KeyID: s.KeyID, Alg: "RS256",
	}
	if len(scope) > 0 {
		a.Extra = map[string]any{"scope": strings.Join(scope, " ")}
	}
	return a
}
