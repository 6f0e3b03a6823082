package authserver

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Fault is one way to misbehave.
type Fault string

// Faults of the token endpoint that hit the whole answer.
const (
	TokenUnavailable Fault = "token: 503 with Retry-After"
	TokenBusy        Fault = "token: 429 with Retry-After"
	TokenError       Fault = "token: 500"
	TokenHTML        Fault = "token: 502 with an HTML page"
	// TokenLost drops the connection after the request was carried out: a refresh token was
	// rotated, and the client does not learn its successor.
	TokenLost Fault = "token: carried out, answer lost"
	// TokenGateway is TokenLost behind a gateway, which says that it got no answer.
	TokenGateway Fault = "token: carried out, 504"
	// TokenLate waits for Faults.SetDelay after the request was carried out.
	TokenLate Fault = "token: carried out, answer slow"
	// TokenCut drops the connection before anything was carried out.
	TokenCut Fault = "token: connection cut before"
	// TokenSlow waits for Faults.SetDelay before the request is carried out.
	TokenSlow      Fault = "token: slow"
	TokenHuge      Fault = "token: 10 MB answer"
	TokenEndless   Fault = "token: answer without end"
	TokenTruncated Fault = "token: half an answer"
	TokenRedirect  Fault = "token: 307 to another origin"
	InvalidGrant   Fault = "token: invalid_grant"
	InvalidClient  Fault = "token: invalid_client"
)

// Faults of what a successful token answer holds.
const (
	NoIDToken Fault = "token answer: no id_token"
	// NoRefreshToken hits refresh requests alone: the refresh token is not rotated and not
	// repeated, so the client's own stays good (RFC 6749 section 6).
	NoRefreshToken    Fault = "refresh answer: no refresh_token"
	NoExpiresIn       Fault = "token answer: no expires_in"
	WrongTokenType    Fault = "token answer: token_type mac"
	NoAccessToken     Fault = "token answer: no access_token"
	NoIssuedTokenType Fault = "token exchange answer: no issued_token_type"
)

// Faults of the id_token. But for the last six the token is signed properly and lies.
const (
	WrongNonce    Fault = "id_token: wrong nonce"
	NoNonce       Fault = "id_token: no nonce"
	WrongIssuer   Fault = "id_token: wrong iss"
	WrongAudience Fault = "id_token: wrong aud"
	// ExtraAudience adds a second, untrusted audience without azp.
	ExtraAudience   Fault = "id_token: second aud"
	WrongSubject    Fault = "id_token: wrong sub"
	ExpiredIDToken  Fault = "id_token: expired an hour ago"
	FutureIDToken   Fault = "id_token: issued in an hour"
	NoExpiry        Fault = "id_token: no exp"
	WrongAuthTime   Fault = "id_token: signed in an hour ago"
	WrongAtHash     Fault = "id_token: at_hash of another token"
	WrongCHash      Fault = "id_token: c_hash of another code"
	WrongSHash      Fault = "id_token: s_hash of another state"
	WrongACR        Fault = "id_token: another acr"
	AlgNone         Fault = "id_token: alg none"
	AlgHS256        Fault = "id_token: alg HS256, keyed with the public key"
	UnknownKid      Fault = "id_token: unknown kid"
	ForeignKey      Fault = "id_token: signed by another issuer's key under our kid"
	BrokenSignature Fault = "id_token: broken signature"
	UnknownCrit     Fault = "id_token: unknown crit header"
)

// Faults of the other endpoints.
const (
	WrongState     Fault = "authorize: wrong state"
	MissingState   Fault = "authorize: no state"
	WrongIss       Fault = "authorize: foreign iss"
	MissingIss     Fault = "authorize: no iss"
	AccessDenied   Fault = "authorize: access_denied"
	AuthorizeHTML  Fault = "authorize: HTML in error_description"
	DiscoveryDown  Fault = "discovery: 503"
	DiscoveryOther Fault = "discovery: another issuer"
	JWKSDown       Fault = "jwks: 503"
	// JWKSOdd publishes keys that no library reads beside the good ones.
	JWKSOdd                    Fault = "jwks: unreadable keys among the good ones"
	RevokeUnavailable          Fault = "revoke: 503 with Retry-After"
	UserinfoOther              Fault = "userinfo: another sub"
	UserinfoAlgNone            Fault = "userinfo jwt: alg none"
	UserinfoBroken             Fault = "userinfo jwt: broken signature"
	IntrospectionInactive      Fault = "introspect: active false"
	IntrospectionWrongAudience Fault = "introspection jwt: wrong aud"
	IntrospectionAlgNone       Fault = "introspection jwt: alg none"
	APIUnavailable             Fault = "api: 503 with Retry-After"
)

// Faults of proofs of possession.
const (
	// DPoPNonceAgain answers use_dpop_nonce although the nonce is good.
	DPoPNonceAgain Fault = "dpop: use_dpop_nonce for a good nonce"
	// NoDPoPNonce leaves DPoP-Nonce out, also with use_dpop_nonce.
	NoDPoPNonce Fault = "dpop: no nonce in the answer"
	// BearerForDPoP calls a token a bearer token that is bound to a key.
	BearerForDPoP Fault = "token answer: token_type Bearer"
)

// Faults of pushed authorization requests.
const (
	PARUnavailable Fault = "par: 503 with Retry-After"
	// PARExpired ends the time of a request_uri when it is handed out.
	PARExpired Fault = "par: request_uri expired at once"
)

// Faults of polls for a device code or an auth_req_id, and of what starts them.
const (
	PollCut Fault = "poll: connection cut"
	// PollHangs answers nothing until the client gives up.
	PollHangs    Fault = "poll: no answer"
	PollSlowDown Fault = "poll: slow_down"
	PollDenied   Fault = "poll: access_denied"
	PollExpired  Fault = "poll: expired_token"
	NoInterval   Fault = "device: no interval"
)

// Faults of authorization responses in a JWT (JARM); those of plain ones hit its claims too.
const (
	ResponseWrongAudience Fault = "response jwt: wrong aud"
	ResponseExpired       Fault = "response jwt: expired"
	ResponseAlgNone       Fault = "response jwt: alg none"
	ResponseForeignKey    Fault = "response jwt: signed by another issuer's key under our kid"
	ResponseBroken        Fault = "response jwt: broken signature"
)

// Faults of what was asked for beyond scopes.
const (
	// MangledJWE breaks whatever is encrypted to a client next.
	MangledJWE Fault = "jwe: broken ciphertext"
	// ACRIgnored signs users in at the weakest level, whatever acr_values says.
	ACRIgnored Fault = "authorize: acr_values ignored"
	// FewerDetails grants less than authorization_details asks for: the first object, with one
	// entry in each of its lists.
	FewerDetails Fault = "authorize: fewer authorization_details granted"
)

// Faults of registration, and of protected resource metadata.
const (
	RegistrationDown    Fault = "register: 503 with Retry-After"
	RegistrationRefused Fault = "register: invalid_client_metadata"
	// RegistrationOther registers properly and answers with other redirect_uris.
	RegistrationOther    Fault = "register: other redirect_uris in the answer"
	ResourceMetadataDown Fault = "resource metadata: 503"
	ResourceOther        Fault = "resource metadata: another resource"
	ResourceOtherServer  Fault = "resource metadata: another authorization server"
)

// UntilCleared makes a fault last.
const UntilCleared = -1

// Faults are switches for misbehaviour, changeable while the server runs. The zero value is a
// well-behaved server.
type Faults struct {
	mu         sync.Mutex // guards everything
	left       map[Fault]int
	applied    map[Fault]int
	chance     map[Fault]float64
	random     *rand.Rand
	delay      time.Duration
	retryAfter time.Duration
}

// Set applies a fault to the next n requests that it fits, or [UntilCleared]; 0 clears it.
func (f *Faults) Set(fault Fault, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.make()
	f.left[fault] = n
}

// make makes the maps; mu is held.
func (f *Faults) make() {
	if f.left == nil {
		f.left, f.applied, f.chance = map[Fault]int{}, map[Fault]int{}, map[Fault]float64{}
	}
}

// SetChance applies a fault to each request that it fits with a probability, beside what [Faults.Set] counts out; 0 ends
// that. random decides, and is not used for anything else then.
func (f *Faults) SetChance(fault Fault, probability float64, random *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.make()
	f.chance[fault], f.random = probability, random
}

// Clear ends every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.left)
	clear(f.chance)
}

// SetDelay says how long [TokenSlow] and [TokenLate] take.
func (f *Faults) SetDelay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// SetRetryAfter says what Retry-After asks for, in whole seconds rounded up; at first 1 s.
func (f *Faults) SetRetryAfter(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retryAfter = d
}

// Applied returns how often a fault took effect.
func (f *Faults) Applied(fault Fault) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.applied[fault]
}

// take reports whether a fault applies now, and counts it.
func (f *Faults) take(fault Fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.left[fault]
	if p := f.chance[fault]; n == 0 && (p == 0 || f.random.Float64() >= p) {
		return false
	}
	if n > 0 {
		f.left[fault]--
	}
	f.applied[fault]++
	return true
}

// first returns the first of these faults that applies now.
func (f *Faults) first(faults ...Fault) (Fault, bool) {
	for _, fault := range faults {
		if f.take(fault) {
			return fault, true
		}
	}
	return "", false
}

// wait returns the delay, retry the Retry-After.
func (f *Faults) wait() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.delay
}

func (f *Faults) retry() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(f.retryAfter, time.Second)
}
