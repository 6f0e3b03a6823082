package session

import (
	"testing"

	"fob/oauth"
	"fob/profiles"
)

// What a profile says of algorithms reaches the client, F-158.
func TestAlgorithmsReachTheClient(t *testing.T) {
	for key, value := range map[string]func(*oauth.Client) string{
		"token_endpoint_auth_signing_alg":                func(c *oauth.Client) string { return c.AuthSigningAlg },
		"dpop_signing_alg":                               func(c *oauth.Client) string { return c.DPoPAlg },
		"request_object_signing_alg":                     func(c *oauth.Client) string { return c.RequestObjectSigningAlg },
		"request_object_encryption_alg":                  func(c *oauth.Client) string { return c.RequestObjectEncryptionAlg },
		"request_object_encryption_enc":                  func(c *oauth.Client) string { return c.RequestObjectEncryptionEnc },
		"authorization_signed_response_alg":              func(c *oauth.Client) string { return c.AuthorizationSignedResponseAlg },
		"id_token_signed_response_alg":                   func(c *oauth.Client) string { return c.IDTokenAlg },
		"id_token_encrypted_response_alg":                func(c *oauth.Client) string { return c.IDTokenEncryptionAlg },
		"id_token_encrypted_response_enc":                func(c *oauth.Client) string { return c.IDTokenEncryptionEnc },
		"userinfo_signed_response_alg":                   func(c *oauth.Client) string { return c.UserInfoSignedResponseAlg },
		"introspection_signed_response_alg":              func(c *oauth.Client) string { return c.IntrospectionSigningAlg },
		"backchannel_authentication_request_signing_alg": func(c *oauth.Client) string { return c.BackchannelSigningAlg },
	} {
		field, known := profiles.FieldByKey(key)
		if !known {
			t.Errorf("there is no field %s", key)
			continue
		}
		choice := field.Choices[len(field.Choices)-1].Value // not the default
		p := profiles.Profile{Name: "x"}
		if err := p.Set(key, choice); err != nil {
			t.Error(err)
		}
		c := &client{profile: p, Client: new(oauth.Client)}
		if err := c.configure(); err != nil {
			t.Error(err)
		}
		if got := value(c.Client); got != choice {
			t.Errorf("%s=%s: the client has %q", key, choice, got)
		}
	}
}
