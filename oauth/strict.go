package oauth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

// FAPI 2.0 Security Profile, the strict switch. What is missing is said before
// anything is sent, all of it at once.

// strictAlg: section 5.4.1 of the profile.
func strictAlg(alg string) bool { return alg == "PS256" || alg == "ES256" || alg == "EdDSA" }

// strictAlgs are the algorithms of a list that the profile allows; all three
// when there is no list.
func strictAlgs(listed []string) []string {
	if listed == nil {
		return []string{"PS256", "ES256", "EdDSA"}
	}
	out := []string{}
	for _, alg := range listed {
		if strictAlg(alg) {
			out = append(out, alg)
		}
	}
	return out
}

// strictKey: "RSA keys … a minimum length of 2048 bits, elliptic curve keys …
// 224 bits" (section 5.4.1). It takes private and public keys.
func strictKey(key any) bool {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key.N.BitLen() >= 2048
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048
	case *ecdsa.PrivateKey:
		return key.Curve.Params().BitSize >= 224
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 224
	case ed25519.PrivateKey, ed25519.PublicKey:
		return true
	}
	return false
}

// strictProblems lists what keeps the client from asking for a token in any
// way (section 5.3.2) and at an endpoint where it authenticates by method.
func (c *Client) strictProblems(method string) []string {
	var list []string
	lacks := func(missing bool, what string) {
		if missing {
			list = append(list, what)
		}
	}
	m := c.Metadata
	tlsAuth := method == AuthTLS || method == AuthSelfSignedTLS
	lacks(method != AuthPrivateKeyJWT && !tlsAuth, "client authentication by private_key_jwt or mutual TLS (found "+clean(method, maxCode)+")")
	if method == AuthPrivateKeyJWT {
		lacks(c.AssertionAudience != "" && c.AssertionAudience != "issuer" && c.AssertionAudience != m.Issuer,
			"the issuer as the audience of the client assertion")
		lacks(c.AuthSigningAlg != "" && !strictAlg(c.AuthSigningAlg), "PS256, ES256 or EdDSA for the client assertion")
	}
	lacks(c.PrivateKeys != nil && slices.ContainsFunc(c.PrivateKeys.keys, func(k jose.JSONWebKey) bool { return !strictKey(k.Key) }), "private keys of at least 2048 bits (RSA) or 224 (EC)")
	lacks((tlsAuth || c.CertificateBound) && c.Certificate == nil, "a client certificate")
	lacks(!c.DPoP && !(c.CertificateBound && c.Certificate != nil), "sender-constrained tokens: DPoP, or certificate-bound ones")
	dpopAlg, dpopErr := c.dpopAlg()
	lacks(c.DPoP && (dpopErr != nil || !strictAlg(dpopAlg)), "PS256, ES256 or EdDSA for DPoP")
	lacks(c.AllowBearer, "bound tokens only, and the profile allows bearer ones")
	lacks(c.IDTokenAlg != "" && !strictAlg(c.IDTokenAlg), "PS256, ES256 or EdDSA for id_tokens")
	lacks(m.Issuer == "", "an issuer")
	lacks(c.AllowHTTP, "https everywhere, and the profile allows http")
	lacks(c.Quirks != nil && strings.EqualFold(c.Quirks.TokenMethod, http.MethodGet), "token requests by POST")
	if c.strictHTTPClient(); c.strictErr != nil {
		list = append(list, c.strictErr.Error())
	}
	return list
}

// strictCall refuses any request with client authentication that the profile
// does not allow.
func (c *Client) strictCall(method string) error {
	if !c.Strict {
		return nil
	}
	if c.Metadata == nil {
		return requestError("FAPI 2.0 (strict) needs the server's metadata")
	}
	return strictError(c.strictProblems(method))
}

// strictHTTPClient makes the client's requests; strictProblems says why when
// there is none.
func (c *Client) strictHTTPClient() *http.Client {
	c.strictOnce.Do(func() {
		hc := c.HTTP
		if hc == nil {
			hc = sharedClient()
		}
		if c.strictHTTP, c.strictErr = strictClient(hc); c.strictErr != nil {
			c.strictHTTP = &http.Client{Transport: refusing{c.strictErr}}
		}
	})
	return c.strictHTTP
}

// refusing sends nothing.
type refusing struct{ err error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

// strictAuthorization refuses a login that the profile does not allow.
func (c *Client) strictAuthorization(r AuthorizationRequest) error {
	if !c.Strict {
		return nil
	}
	method, _ := c.ChosenAuthMethod()
	list, m := c.strictProblems(method), c.Metadata
	if types := responseTypes(r.ResponseType); len(types) != 1 || types[0] != "code" {
		list = append(list, "response_type code")
	}
	if r.CodeChallengeMethod != "" && r.CodeChallengeMethod != ChallengeS256 {
		list = append(list, "PKCE with S256")
	}
	if m.PushedAuthorizationRequestEndpoint == "" {
		list = append(list, "a server that takes pushed requests (pushed_authorization_request_endpoint)")
	}
	if !m.AuthorizationResponseIssSupported {
		list = append(list, "a server that names itself in the response (authorization_response_iss_parameter_supported)")
	}
	if r.ResponseMode != "" && c.AuthorizationSignedResponseAlg != "" && !strictAlg(c.AuthorizationSignedResponseAlg) {
		list = append(list, "PS256, ES256 or EdDSA for the response")
	}
	if c.RequestObjectSigningAlg != "" && !strictAlg(c.RequestObjectSigningAlg) {
		list = append(list, "PS256, ES256 or EdDSA for request objects")
	}
	return strictError(list)
}

func strictError(list []string) error {
	if len(list) == 0 {
		return nil
	}
	return requestError("FAPI 2.0 (strict) needs: " + strings.Join(list, "; "))
}

// strictSuites are those that BCP 195 (RFC 9325 section 4.2) recommends for
// TLS 1.2, as section 5.2.1 of the profile demands. TLS 1.3 has no others.
func strictSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	}
}

// strictClient is a client like the given one that offers nothing weaker than
// the profile allows. It verifies names: skipping that is refused.
func strictClient(hc *http.Client) (*http.Client, error) {
	own := *hc
	rt := hc.Transport
	if rt == nil {
		rt = http.DefaultTransport
	}
	t, ok := rt.(*http.Transport)
	if !ok {
		return nil, errors.New("to set how TLS is spoken, and this HTTP client does not let it")
	}
	t = t.Clone()
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = new(tls.Config)
	}
	if t.TLSClientConfig.InsecureSkipVerify {
		return nil, errors.New("the server's certificate checked, and the profile skips that")
	}
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	t.TLSClientConfig.CipherSuites = strictSuites()
	own.Transport = t
	return &own, nil
}
