package session

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"

	"fob/internal/keychain"
	"fob/oauth"
	"fob/oauth/oauth1"
	"fob/profiles"
)

// Codes of problems that are Fob's own; those of a server are the OAuth error codes.
const (
	CodeUnknownProfile = "unknown_profile"
	CodeProfileInvalid = "profile_invalid"
	CodeProfileChanged = "profile_changed"
	CodeProfileExists  = "profile_exists"
	CodeProfilesUnread = "profiles_unread"
	CodeLoggedOut      = "logged_out"
	CodeLocked         = "locked"
	CodeTokenEnded     = "token_ended"
	CodeNotRefreshable = "not_refreshable"
	CodeMinTTL         = "min_ttl"
	CodeItemGone       = "tokens_gone"
	CodeKeychain       = "keychain"               // of any other trouble with it
	CodeKeyLocked      = "keychain_locked"        // somebody has to unlock it
	CodeKeyMissing     = "keychain_missing"       // it is not there (now), or has nothing to put items into
	CodeKeySlow        = "keychain_slow"          // it does not answer
	CodeStoreLocked    = "keychain_passphrase"    // the file store is locked
	CodeStoreNew       = "keychain_no_passphrase" // the file store is not made yet
	CodeStoreWrong     = "keychain_wrong_passphrase"
	CodeDiskFull       = "disk_full"
	CodeDisk           = "disk_refuses" // it is read-only, fails, or is somebody else's
	CodeAnswerLost     = "answer_lost"
	CodeItemOlder      = "keychain_older"
	CodeNoSecret       = "no_client_secret"
	CodeNoIDToken      = "no_id_token"
	CodeNoAPI          = "no_api_base_url"
	CodeForm           = "unknown_form"
	CodeRedirect       = "redirect_uri"
	CodeForeignURL     = "foreign_url"
	CodeNeedsRequest   = "needs_request"
	CodeNoHeader       = "no_header"
	CodePassword       = "password_needed"
	CodeOutOfBand      = "out_of_band"
	CodeNoBrowser      = "no_browser_flow"
	CodeNotWaiting     = "not_waiting"
	CodeOtherAccount   = "other_account"
	CodeNoAccount      = "no_account"
	CodeNotRegistered  = "not_registered"
	CodeForeignHost    = "foreign_host"
	CodeOpenAPI        = "open_api"
	CodeNoServer       = "no_authorization_server"
	CodeNoClient       = "no_client_id"
	CodeChooseServer   = "choose_server"
	CodeServerChanged  = "server_changed"
	CodeForgotten      = "registration_forgotten"
	CodeRegistration   = "registration"
	CodeClientDocument = "client_document"
	CodeStepUp         = "step_up"
	CodeNoEndpoint     = "no_endpoint"
	CodeInsecure       = "insecure"
	CodeMetadata       = "server_metadata"
	CodeForgottenAgain = "client_forgotten"
	CodeCancelled      = "cancelled"
	CodeTimeout        = "login_timeout"
	CodeNetwork        = "network"
	CodeTLS            = "tls" // no secure connection to the server
	CodePortal         = "captive_portal"
	CodeServer         = "server_answer"
	CodeBusy           = "busy" // others come first
	CodeStopping       = "agent_stopping"
	CodeInternal       = "internal"
)

// Explain makes one sentence and one remedy of an error about a profile: the only place where that is done. name may be "".
func Explain(name string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	said := explain(name, err)
	said.cause = err
	if name != "" && !strings.HasPrefix(said.Sentence, "profile "+name+": ") {
		said.Sentence = "profile " + name + ": " + said.Sentence
	}
	return said
}

func explain(name string, err error) *Error {
	var sealed *storeError
	var kept *keychain.Error
	var answer *oauth.Error
	again := "log in again: fob login " + quoteArg(name)
	var lost *lostAnswer
	var older *olderItem
	var other *otherAccount
	switch {
	case errors.As(err, &other):
		both := "or keep both: fob profile another " + nameOr(name)
		if other.holder != "" {
			both = "profile " + other.holder + " holds that one"
		}
		return &Error{Kind: Failed, Code: CodeOtherAccount, Sentence: other.Error(),
			Remedy: "the login of before is untouched; choose " + other.expected() + " at the provider: fob login --account " + nameOr(name) + "; " + both}
	case errors.As(err, &lost):
		said := explain(name, lost.error)
		said.Code, said.Sentence = CodeAnswerLost, "an answer of the server was lost at "+lost.at.Local().Format("15:04 on 2 January")+
			", when the network or the agent ended before it came, and the server does not take the refresh token of before once more: "+said.Sentence
		return said
	case errors.As(err, &older):
		said := explain(name, older.error)
		said.Code, said.Sentence = CodeItemOlder, "the keychain holds an older login than this machine had (was it restored from a backup?), and the server does not take it: "+said.Sentence
		return said
	case diskFull(err):
		return &Error{Kind: TryAgain, Code: CodeDiskFull, Sentence: "the disk is full: " + fullPath(err), Remedy: "make room there; nothing is lost, and Fob tries again by itself"}
	case diskRefused(err) != nil:
		path := diskRefused(err)
		return &Error{Kind: TryAgain, Code: CodeDisk, Sentence: "the disk refuses: " + path.Error(), Remedy: refusedRemedy(path)}
	case errors.Is(err, errCancelled):
		return &Error{Kind: Failed, Code: CodeCancelled, Sentence: "the login was cancelled"}
	case errors.Is(err, errLoginTimeout):
		return &Error{Kind: Failed, Code: CodeTimeout, Sentence: "nobody finished the login in time, or the browser's answer never came",
			Remedy: "log in again; if the page said that it was done, copy the link into another browser, and see that " +
				"the redirect URI registered at the server is the profile's (some servers' form-action policy stops the redirect)"}
	case errors.Is(err, errStrayAnswer):
		return &Error{Kind: Failed, Code: CodeTimeout, Sentence: "an answer came from the browser, but not this login's: an old tab, or a server that does not send state back",
			Remedy: "close old login tabs and log in again"}
	case errors.Is(err, context.Canceled):
		return &Error{Kind: Failed, Code: CodeStopping, Sentence: errStopping.Sentence, Remedy: errStopping.Remedy}
	case errors.As(err, &kept) && errors.As(err, &sealed):
		kind, code := keychainTrouble(err)
		return &Error{Kind: kind, Code: code, Sentence: "the new token could not be stored: " + keychainSentence(kept),
			Remedy: keychainRemedy(kept) + "; " + sealed.waits()}
	case errors.As(err, &kept):
		kind, code := keychainTrouble(err)
		return &Error{Kind: kind, Code: code, Sentence: keychainSentence(kept), Remedy: keychainRemedy(kept)}
	case errors.As(err, &sealed):
		return &Error{Kind: Failed, Code: CodeKeychain, Sentence: "the new token could not be stored: " + sealed.Error(), Remedy: "see fob doctor; " + sealed.waits()}
	case errors.As(err, &answer) && answer.Code != "" && !oauth.Transient(err) && !errors.Is(err, oauth.ErrForgotten) && !errors.Is(err, oauth.ErrFixed):
		return explainCode(name, answer)
	case errors.Is(err, oauth.ErrPortal):
		said := explainFailure(name, err)
		var portal *oauth.PortalError
		if errors.As(err, &portal) {
			said.Sentence = portal.Error()
		}
		return said
	case errors.Is(err, errTurn):
		return &Error{Kind: TryAgain, Code: CodeBusy, Sentence: errTurn.Error(), Remedy: "the login is kept; try again in a minute"}
	case answer == nil && errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: TryAgain, Code: CodeNetwork, Sentence: "no answer in time", Remedy: "try again"}
	case oauth.Transient(err):
		remedy := "the login is kept; Fob tries again by itself"
		if what := proxyRemedy(err); what != "" {
			remedy = what + "; " + remedy
		}
		return &Error{Kind: TryAgain, Code: transientCode(err), Sentence: outage(err), Remedy: remedy}
	case insecure(err):
		return &Error{Kind: TryAgain, Code: CodeTLS, Sentence: outage(err), Remedy: "see that this computer's clock is right, and tell whoever runs the server; the login is kept, and Fob tries again by itself"}
	}
	if said := explainFailure(name, err); said != nil {
		return said
	}
	switch {
	case refusedAnswer(err):
		return &Error{Kind: Failed, Code: CodeServer, Sentence: err.Error(), Remedy: again + "; if it stays, the server and the profile disagree: see the profile's issuer and client id"}
	}
	var code oauth.Code
	switch {
	case errors.As(err, &code): // what the server would say, known without asking it
		return explainCode(name, &oauth.Error{Code: code})
	case errors.As(err, &answer):
		return explainCode(name, answer)
	}
	return &Error{Kind: Failed, Code: CodeInternal, Sentence: err.Error(), Remedy: "see what was said to the server: fob trace " + nameOr(name) + "; then fob doctor"}
}

// failures are what package oauth refuses or cannot do, with what a person can do about it; the first that fits. {name} is the
// profile's name, as a shell takes it.
var failures = []struct {
	err    error
	code   string
	kind   Kind
	remedy string
}{
	{oauth.ErrForgottenAgain, CodeForgottenAgain, Failed, "ask whoever runs the server, or register a client there by hand: fob profile set {name} client_id=…"},
	{oauth.ErrForgotten, CodeForgotten, Failed, "register the client anew: fob profile register {name}"},
	{oauth.ErrFixed, CodeRegistration, Failed, "ask whoever runs the server to change the client, or register another one: fob profile register {name}"},
	{oauth.ErrUnmanaged, CodeRegistration, Failed, "change the client where it was registered, or register another one: fob profile register {name}"},
	{oauth.ErrInitialToken, CodeNoSecret, Failed, "get one from whoever runs the server and store it: fob profile set {name} initial_access_token=-"},
	{oauth.ErrClientMetadata, CodeRegistration, Failed, "see the profile's client_name, redirect_uri and algorithms: fob profile edit {name}"},
	{oauth.ErrRegistration, CodeRegistration, Failed, "ask whoever runs the server, or register a client there by hand: fob profile set {name} client_id=…"},
	{oauth.ErrClientDocument, CodeClientDocument, Failed, "see that the document is served at the client_id's address as it was made"},
	{oauth.ErrStepUp, CodeStepUp, Failed, "another login would not help: ask whoever runs the API what it wants, and put that into scope or acr_values of the profile"},
	{oauth.ErrScope, string(oauth.InvalidScope), Failed, "put the scope into the profile, as scope or extra_scope_to_consent, and log in again: fob login {name}"},
	{oauth.ErrNoRefreshToken, CodeNotRefreshable, LogInFirst, "log in again: fob login {name}"},
	{oauth.ErrNoEndpoint, CodeNoEndpoint, Failed, "if the server has one after all, set it in the profile: fob profile edit {name}"},
	{oauth.ErrInsecure, CodeInsecure, Failed, "use the https address; only a server on this machine or, with allow_http, one of your own network is spoken to without"},
	{oauth.ErrGuarded, CodeForeignHost, Failed, "if this is meant, make the profile by hand: fob profile add"},
	{oauth.ErrMetadata, CodeMetadata, Failed, "see that the profile's issuer is the server's own name for itself, or set the endpoints in the profile"},
	{oauth.ErrResource, CodeMetadata, Failed, "give the address that the API itself names, or make the profile by hand: fob profile add"},
	{oauth.ErrRequest, CodeProfileInvalid, Failed, "see the profile: fob profile edit {name}"},
	{oauth.ErrPortal, CodePortal, TryAgain, "open a page in the browser and log in to the network; Fob keeps the login and tries again by itself. " +
		"If the network is your own: see that issuer and endpoints are the server's, and that its certificate authority is known (ca_certificate)"},
	{oauth.ErrRedirect, CodeServer, Failed, "see that the issuer and the endpoints of the profile are the server's own addresses"},
	{oauth.ErrDeviceResponse, CodeServer, Failed, "see that the profile's device or backchannel endpoint is the server's"},
	{oauth.ErrIntrospection, CodeServer, Failed, "see the profile's introspection_endpoint, and whether the client may use it"},
	{oauth.ErrTooLarge, CodeServer, Failed, "see that the issuer and the endpoints of the profile are right"},
	{oauth.ErrNotJSON, CodeServer, Failed, "see that the issuer and the endpoints of the profile are right and that the network lets them through; some servers need quirks"},
}

// explainFailure is for what package oauth refuses itself; nil when it is none of that.
func explainFailure(name string, err error) *Error {
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return &Error{Kind: f.kind, Code: f.code, Sentence: err.Error(), Remedy: strings.ReplaceAll(f.remedy, "{name}", nameOr(name))}
		}
	}
	return nil
}

// refusedAnswer says that err is the protocol package's refusal of an answer.
func refusedAnswer(err error) bool {
	var check *oauth.CheckError
	if errors.As(err, &check) {
		return true
	}
	return slices.ContainsFunc(refusals, func(refused error) bool { return errors.Is(err, refused) })
}

var refusals = []error{oauth.ErrState, oauth.ErrIssuer, oauth.ErrNoIDToken, oauth.ErrTokenType, oauth.ErrNoToken, oauth.ErrResponse, oauth.ErrReused}

// explainLogin is Explain for the failure of a login itself: there, invalid_grant is no login that is over, but one that the
// server did not accept.
func explainLogin(p profiles.Profile, name string, err error) *Error {
	said := Explain(name, err)
	var kept *keychain.Error
	var waits *storeError
	switch {
	case said.Kind == TryAgain && errors.As(err, &kept) && !errors.As(err, &waits): // nothing was got that would be kept by itself later
		refused := *said
		refused.Kind = Failed
		return &refused
	case said.Kind == TryAgain && !storing(err):
		later := *said
		later.Remedy = "nothing was changed; log in again when it answers"
		if what := proxyRemedy(err); what != "" {
			later.Remedy = what + "; nothing was changed"
		}
		return &later
	}
	var answer *oauth.Error
	if !errors.As(err, &answer) || answer.Code != oauth.InvalidGrant {
		return said
	}
	own := &Error{Kind: Failed, Code: said.Code, cause: err, Sentence: "the server did not accept what this login brought", Remedy: "log in once more; if it stays, see fob trace " + quoteArg(name)}
	if p.Grant() == profiles.GrantPassword {
		own.Sentence, own.Remedy = "the server did not accept user name and password", "try again; the account may be locked, or need a second factor, which this grant cannot ask for"
	}
	if better, what, known := answer.Advice(); known {
		own.Sentence, own.Remedy = better, what
	}
	if answer.Description != "" {
		own.Sentence += " (the server says: " + answer.Description + ")"
	}
	own.Sentence = "profile " + name + ": " + own.Sentence
	return own
}

// explainCode is for an error that the authorization server sent.
func explainCode(name string, answer *oauth.Error) *Error {
	sentence, remedy := oauth1.Explain(answer.Code) // which knows OAuth 2's too
	better, what, known := answer.Advice()
	if known {
		sentence, remedy = better, what
	}
	if answer.Description != "" {
		sentence += " (the server says: " + answer.Description + ")"
	}
	said := &Error{Kind: Failed, Code: string(answer.Code), Sentence: sentence, Remedy: remedy}
	switch answer.Code {
	case oauth1.TokenExpired, oauth1.TokenRevoked, oauth1.TokenRejected, oauth1.TokenUsed, oauth1.PermissionDenied:
		said.Kind = LogInFirst
		said.Remedy = "log in again: fob login " + quoteArg(name)
	case oauth.InvalidGrant, oauth.LoginRequired, oauth.InteractionRequired, oauth.ConsentRequired,
		// What GitHub and Slack say instead of invalid_grant.
		"bad_refresh_token", "invalid_refresh_token":
		said.Kind = LogInFirst
		said.Remedy = "log in again: fob login " + quoteArg(name)
		if known {
			said.Remedy = what + "; then log in again: fob login " + quoteArg(name)
		}
	case "":
		said.Code, said.Sentence = CodeServer, answer.Error()
		said.Remedy = "see that the issuer and the endpoints of the profile are right and that the network lets them through"
		if errors.Is(answer, oauth.ErrRequest) { // nothing was sent
			said.Code, said.Remedy = CodeProfileInvalid, "ask for something else, or change the profile: fob profile edit "+quoteArg(name)
		}
	}
	return said
}

// outage says in words why a server could not be reached.
func outage(err error) string {
	where := "the server"
	var answer *oauth.Error
	if errors.As(err, &answer) && answer.Endpoint != "" {
		where = answer.Endpoint
	}
	var proxy *oauth.ProxyError
	if errors.As(err, &proxy) {
		if proxy.Status != "" {
			return where + " cannot be reached: " + proxy.Error()
		}
		where = strings.Join(strings.Fields("the proxy "+proxy.Proxy+" on the way to "+where), " ")
	}
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return where + " cannot be reached: there is no host named " + lookup.Name + ", or there is no network"
	case errors.As(err, &lookup):
		return where + " cannot be reached: the name " + lookup.Name + " cannot be looked up now"
	case errors.Is(err, syscall.ECONNREFUSED):
		return where + " cannot be reached: nothing listens there (connection refused)"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return where + " cannot be reached: there is no network"
	}
	return err.Error()
}

// proxyRemedy is what to do about a proxy that the way ends at; "" where it does not.
func proxyRemedy(err error) string {
	var proxy *oauth.ProxyError
	switch {
	case !errors.As(err, &proxy):
		return ""
	case strings.HasPrefix(proxy.Status, "407"):
		return "put user and password into the proxy's address, http://USER:PASSWORD@HOST:PORT: the profile's proxy, or HTTPS_PROXY when the agent starts (fob stop)"
	}
	return "see the proxy: the profile's, or HTTPS_PROXY as it was when the agent started (fob stop, then try again)"
}

func transientCode(err error) string {
	if answered(err) {
		return CodeServer
	}
	return CodeNetwork
}

// insecure says that the server was reached and no secure connection came about: its certificate has run out, or the two do not agree
// on how to speak. It has decided nothing about the login.
func insecure(err error) bool {
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	return errors.As(err, &certificate) || errors.As(err, &alert) || errors.As(err, &record)
}

// keychainTrouble tells what goes away without anybody touching Fob, which then goes on by itself, from what somebody has to mend; and a
// passphrase that a face can ask for from everything else.
func keychainTrouble(err error) (Kind, string) {
	switch {
	case errors.Is(err, keychain.ErrSealed):
		return TryAgain, CodeStoreLocked
	case errors.Is(err, keychain.ErrNoPassphrase):
		return TryAgain, CodeStoreNew
	case errors.Is(err, keychain.ErrWrongPassphrase):
		return Failed, CodeStoreWrong
	case errors.Is(err, keychain.ErrLocked):
		return TryAgain, CodeKeyLocked
	case errors.Is(err, keychain.ErrNoKeychain), errors.Is(err, keychain.ErrNoCollection):
		return TryAgain, CodeKeyMissing
	case errors.Is(err, keychain.ErrTimeout):
		return TryAgain, CodeKeySlow
	}
	return Failed, CodeKeychain
}

func keychainSentence(k *keychain.Error) string {
	text := k.Kind.Error()
	if k.Detail != "" {
		text += ": " + k.Detail
	}
	return text
}

func keychainRemedy(k *keychain.Error) string {
	if k.Remedy != "" {
		return k.Remedy
	}
	return "see fob doctor"
}

// storing says that err is about the keychain or the disk, which may be mended without touching the profile.
func storing(err error) bool {
	var kept *keychain.Error
	var sealed *storeError
	return errors.As(err, &kept) || errors.As(err, &sealed) || diskFull(err) || diskRefused(err) != nil
}

// trimName takes the profile's name off a sentence that is shown beside it.
func trimName(sentence, name string) string {
	return strings.TrimPrefix(sentence, "profile "+name+": ")
}

func (e *Engine) unknownProfile(name string) *Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.unknownLocked(name)
}

// unknownLocked names the profiles that are nearly called so; Engine.mu is held.
func (e *Engine) unknownLocked(name string) *Error {
	said := &Error{Kind: Misused, Code: CodeUnknownProfile, Sentence: "there is no profile " + quoteArg(name), Remedy: "see fob profile list, or add it: fob profile add " + quoteArg(name)}
	var near []string
	for _, known := range profiles.Nearest(e.order, name) {
		near = append(near, quoteArg(known))
	}
	if len(near) > 0 {
		said.Remedy = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return said
}
