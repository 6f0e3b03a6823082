package authserver

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// DPoP says how the server takes proofs of possession (RFC 9449).
type DPoP struct {
	// Required refuses token requests without a proof; see Client.DPoPBoundTokens for one client.
	Required bool
	// Nonce demands a nonce of the server's in the proofs at the token and the PAR endpoint
	// (section 8), ResourceNonce one of the API's at the protected API (section 9). Every answer
	// there brings a new one.
	Nonce, ResourceNonce bool
	// NonceTTL is how long a nonce is taken; 0 is a minute.
	NonceTTL time.Duration
	// Algs are the algorithms of proofs; nil takes ES*, RS*, PS* and EdDSA.
	Algs []string
}

// proofWindow is how far iat may lie on either side of now: section 11.1 wants "a relatively brief
// period", on the order of seconds or minutes.
const proofWindow = time.Minute

func (d *DPoP) algs() []goidc.SignatureAlgorithm {
	if d.Algs == nil {
		return clientAlgs
	}
	algs := make([]goidc.SignatureAlgorithm, len(d.Algs))
	for i, alg := range d.Algs {
		algs[i] = goidc.SignatureAlgorithm(alg)
	}
	return algs
}

// nonces are the nonces that one endpoint has handed out.
type nonces struct {
	ttl time.Duration

	mu     sync.Mutex // guards issued
	issued map[string]time.Time
}

func newNonces(ttl time.Duration) *nonces {
	if ttl == 0 {
		ttl = time.Minute
	}
	return &nonces{ttl: ttl, issued: map[string]time.Time{}}
}

// next makes a nonce.
func (n *nonces) next() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.issued, func(_ string, at time.Time) bool { return time.Since(at) >= n.ttl })
	nonce := random(8)
	n.issued[nonce] = time.Now()
	return nonce
}

// good reports whether a nonce is ours and fresh.
func (n *nonces) good(nonce string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := n.issued[nonce]
	return ok && time.Since(at) < n.ttl
}

// refusal is an error code of the protocol with words.
type refusal struct{ code, description string }

// badProof is the error of section 7.1 and section 5.
func badProof(format string, args ...any) *refusal {
	return &refusal{"invalid_dpop_proof", "DPoP proof: " + fmt.Sprintf(format, args...)}
}

// checkProof makes the checks of section 4.3, in its order, and returns the thumbprint of the key.
// access is the token that came with the proof, "" at the token endpoint; wanted are the nonces of
// which one is demanded, nil for none.
func (s *Server) checkProof(r *http.Request, access string, wanted *nonces) (jkt string, no *refusal) {
	proofs := r.Header.Values("DPoP")
	if len(proofs) != 1 {
		return "", badProof("%d headers", len(proofs))
	}
	jws, err := jose.ParseSignedCompact(proofs[0], s.opts.DPoP.algs())
	if err != nil {
		return "", badProof("no JWT signed with an asymmetric algorithm that is taken here")
	}
	head := jws.Signatures[0].Protected
	if head.ExtraHeaders[jose.HeaderType] != "dpop+jwt" {
		return "", badProof("typ is not dpop+jwt")
	}
	if head.JSONWebKey == nil || !head.JSONWebKey.Valid() || !head.JSONWebKey.IsPublic() {
		return "", badProof("jwk is no public key")
	}
	payload, err := jws.Verify(head.JSONWebKey)
	if err != nil {
		return "", badProof("the signature does not verify")
	}
	var claims struct {
		ID       string `json:"jti"`
		Method   string `json:"htm"`
		URI      string `json:"htu"`
		IssuedAt *int64 `json:"iat"`
		Hash     string `json:"ath"`
		Nonce    string `json:"nonce"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.ID == "" || claims.IssuedAt == nil {
		return "", badProof("jti and iat are required")
	}
	sum, err := head.JSONWebKey.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", badProof("jwk: %v", err)
	}
	jkt = base64.RawURLEncoding.EncodeToString(sum)
	switch age := time.Since(time.Unix(*claims.IssuedAt, 0)); {
	case claims.Method != r.Method:
		return "", badProof("htm %q in a %s request", claims.Method, r.Method)
	case claims.URI != requestOf(r.Context()).url:
		// Section 4.2: htu is "without query and fragment parts".
		return "", badProof("htu %q at %s", claims.URI, requestOf(r.Context()).url)
	case access != "" && claims.Hash != hash(access):
		return "", badProof("ath is not that of the access token")
	case wanted != nil && (!wanted.good(claims.Nonce) || s.faults.take(DPoPNonceAgain)):
		return "", &refusal{"use_dpop_nonce", "the proof needs the nonce of this answer"}
	case age > proofWindow || age < -proofWindow:
		return "", badProof("iat is %v away", age.Round(time.Second))
	}
	if err := s.replays.once("dpop " + jkt + " " + claims.ID); err != nil {
		return "", badProof("%v", err)
	}
	return jkt, nil
}

// urlOf is the URL of a request as its client should see it, without query: what htu says.
func (s *Server) urlOf(r *http.Request) string {
	u := url.URL{Scheme: s.base.Scheme, Host: s.base.Host, Path: r.URL.Path, RawPath: r.URL.RawPath}
	if s.mtlsHost != "" && strings.EqualFold(r.Host, s.mtlsHost) {
		u.Host = s.mtlsHost
	}
	return u.String()
}

// proveToken checks the proof of a token or PAR request, if there is one, before go-oidc does,
// which knows no nonces and other error codes. False says that the answer is made.
func (s *Server) proveToken(a *answer, r *http.Request) bool {
	if s.opts.DPoP == nil {
		return true
	}
	s.offerNonce(a, s.tokenNonces)
	if r.Header.Get("DPoP") == "" {
		return true
	}
	_, no := s.checkProof(r, "", s.tokenNonces)
	if no != nil {
		a.refuse(http.StatusBadRequest, no.code, no.description)
	}
	return no == nil
}

// offerNonce puts the next nonce on an answer (section 8.2).
func (s *Server) offerNonce(a *answer, n *nonces) {
	if n != nil && !s.faults.take(NoDPoPNonce) {
		a.header.Set("DPoP-Nonce", n.next())
	}
}

// proveAccess holds the use of an access token to the key that it is bound to (section 7): a bound
// token comes under the scheme DPoP with a proof, an unbound one under Bearer.
func (s *Server) proveAccess(r *http.Request, scheme, token string, cnf *goidc.TokenConfirmation) *refusal {
	bound := cnf != nil && cnf.JWKThumbprint != ""
	if !strings.EqualFold(scheme, "DPoP") {
		if bound {
			// Section 7.2: such a token is not to be taken as a bearer token.
			return &refusal{"invalid_token", "the access token is bound to a key and came without a proof"}
		}
		return nil
	}
	if !bound {
		return &refusal{"invalid_token", "the access token is not bound to a key"}
	}
	jkt, no := s.checkProof(r, token, s.apiNonces)
	if no == nil && jkt != cnf.JWKThumbprint {
		no = &refusal{"invalid_token", "the access token is bound to another key"}
	}
	return no
}

// dpopChallenge is the WWW-Authenticate of section 7.1.
func (s *Server) dpopChallenge(no *refusal) string {
	value := `DPoP realm="fob-demo"`
	if no != nil {
		value += fmt.Sprintf(`, error="%s", error_description="%s"`, no.code, strings.ReplaceAll(no.description, `"`, "'"))
	}
	algs := make([]string, 0, len(clientAlgs))
	for _, alg := range s.opts.DPoP.algs() {
		algs = append(algs, string(alg))
	}
	slices.Sort(algs)
	return value + `, algs="` + strings.Join(algs, " ") + `"`
}
