package session

import (
	"context"

	"fob/oauth"
)

// PublicKeys are the public halves of the profile's private keys, as a JWK set to register at the server (RFC 7517 §5).
func (e *Engine) PublicKeys(ctx context.Context, name string) ([]byte, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return nil, e.unknownProfile(name)
	}
	c, err := e.localClient(ctx, p)
	if err != nil {
		return nil, Explain(name, err)
	}
	if c.PrivateKeys == nil {
		return nil, &Error{Kind: Failed, Code: CodeNoSecret, Sentence: "profile " + name + ": there is no private key", Remedy: "make one: fob keys " + quoteArg(name) + " --make ES256"}
	}
	return c.PrivateKeys.Public(), nil
}

// MakeKey makes a private key for alg and stores it as the profile's. One that is there is replaced only if asked.
func (e *Engine) MakeKey(ctx context.Context, name, alg string, replace bool) ([]byte, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return nil, e.unknownProfile(name)
	}
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return nil, Explain(name, err)
	}
	if kept["private_key"] != "" && !replace {
		return nil, &Error{Kind: Failed, Code: CodeProfileExists, Sentence: "profile " + name + ": there is a private key already", Remedy: "the server knows its public half: replace it with --replace, and register the new one"}
	}
	private, keys, err := oauth.GeneratePrivateKey(alg)
	if err != nil {
		return nil, &Error{Kind: Misused, Code: CodeNoSecret, Sentence: "profile " + name + ": " + err.Error(), Remedy: "use ES256, ES384, ES512, EdDSA, PS256 or RS256"}
	}
	if err := e.PutProfile(ctx, p, map[string]string{"private_key": private.Reveal(), "private_key_password": ""}, "", false); err != nil {
		return nil, err
	}
	return keys.WithKeyID(p.PrivateKeyID).Public(), nil
}
