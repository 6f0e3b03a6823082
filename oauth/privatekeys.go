package oauth

import jose "github.com/go-jose/go-jose/v4"

// PrivateKeys are the client's own keys: for signing (assertions, request
// objects) and for decrypting what the server encrypts to it, by their use.
type PrivateKeys struct {
	keys []jose.JSONWebKey
}
