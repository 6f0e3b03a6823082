package oauth

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document):
// the client_id is an address, and what the client says about itself is there.

// maxClientDocument: servers need not read more (section 6.6 of the draft).
const maxClientDocument = 5 << 10

// ErrClientDocument means that servers would refuse the document.
const ErrClientDocument failure = "the client ID metadata document cannot be used"

func documentError(why string) error { return &reasoned{ErrClientDocument, why} }

// CheckClientDocumentURL checks an address that is to be a client_id. The
// error is ErrClientDocument; the warning is about what servers may dislike.
func CheckClientDocumentURL(address string) (warning string, err error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return "", documentError("its address is not a URL such as https://app.example.com/client.json")
	case u.Scheme != "https":
		return "", documentError("its address is not https")
	case u.User != nil:
		return "", documentError("its address holds a user")
	case strings.Contains(address, "#"):
		return "", documentError("its address has a fragment")
	case u.Path == "":
		return "", documentError("its address has no path")
	}
	for _, s := range strings.Split(strings.ToLower(u.EscapedPath()), "/") {
		if s = strings.ReplaceAll(s, "%2e", "."); s == "." || s == ".." {
			return "", documentError("its address has a segment . or ..")
		}
	}
	if u.RawQuery != "" || u.ForceQuery {
		return "its address has a query, which some servers refuse", nil
	}
	return "", nil
}

// ClientDocument returns the document to put at an address, so that the
// address is a client_id. Begin with NativeClient; an authentication method
// must need no shared secret.
func ClientDocument(address string, c ClientMetadata) ([]byte, error) {
	if _, err := CheckClientDocumentURL(address); err != nil {
		return nil, err
	}
	obj := c.object()
	obj["client_id"] = address
	data, err := json.MarshalIndent(obj, "", "  ")
	if err != nil {
		return nil, documentError("a member is not JSON")
	}
	data = append(data, '\n')
	if _, err := ReadClientDocument(address, data); err != nil {
		return nil, err
	}
	return data, nil
}

// ReadClientDocument reads a document and checks it as a server would.
func ReadClientDocument(address string, data []byte) (*ClientMetadata, error) {
	if _, err := CheckClientDocumentURL(address); err != nil {
		return nil, err
	}
	if len(data) > maxClientDocument {
		return nil, documentError("it has " + strconv.Itoa(len(data)) + " bytes, and servers read " + strconv.Itoa(maxClientDocument))
	}
	obj, err := decodeObject(data)
	if err != nil {
		return nil, err
	}
	// "using simple string comparison"
	if id := text(obj, "client_id"); id != address {
		return nil, documentError("its client_id is " + clean(id, maxURI) + ", not its address " + clean(address, maxURI))
	}
	for name := range obj {
		if strings.HasPrefix(name, "client_secret") {
			return nil, documentError("it has " + clean(name, maxCode) + ", which everybody could read")
		}
	}
	delete(obj, "client_id")
	c := new(ClientMetadata)
	if err := c.take(obj); err != nil {
		return nil, err
	}
	if err := c.checkPublic(); err != nil {
		return nil, err
	}
	return c, nil
}

// checkPublic refuses what needs or gives away a secret.
func (c *ClientMetadata) checkPublic() error {
	switch method := c.TokenEndpointAuthMethod; {
	case method == "": // RFC 7591 section 2: "the default is client_secret_basic"
		return documentError("it does not say token_endpoint_auth_method, and the default needs a secret; say none")
	case sharesSecret(method):
		return documentError("its token_endpoint_auth_method " + clean(method, maxCode) + " needs a shared secret")
	case method == AuthPrivateKeyJWT && c.JWKSURI == "" && len(c.JWKS) == 0:
		return documentError("private_key_jwt needs jwks_uri or jwks")
	case len(c.RedirectURIs) == 0:
		return documentError("it has no redirect_uris")
	}
	keys, _ := c.JWKS["keys"].([]any)
	for _, k := range keys {
		key, _ := k.(map[string]any)
		if _, private := key["d"]; private || text(key, "kty") == "oct" {
			return documentError("its jwks holds a key that is not public")
		}
	}
	return nil
}

// FetchClientDocument fetches a document that is to be used as client_id and
// checks it as a server would, and that it lists the redirect URI: both
// spellings of a loopback one, since which is used depends on the computer.
func FetchClientDocument(ctx context.Context, hc *http.Client, address, redirectURI string) (*ClientMetadata, error) {
	const what = "client ID metadata document"
	if _, err := CheckClientDocumentURL(address); err != nil {
		return nil, &Error{what: what, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &Error{what: what, Err: ErrRequest}
	}
	req.Header.Set("Accept", "application/json")
	// "MUST NOT automatically follow HTTP redirects": servers do not.
	ans, err := send(ctx, hc, req, &errand{what: what, now: time.Now()})
	if err != nil {
		return nil, err
	}
	if ans.status != http.StatusOK {
		return nil, ans.unusable(documentError("it is not served with status 200"))
	}
	if kind, _, err := mime.ParseMediaType(ans.header.Get("Content-Type")); err != nil || kind != "application/json" &&
		(!strings.HasPrefix(kind, "application/") || !strings.HasSuffix(kind, "+json")) {
		return nil, ans.unusable(documentError("it is not served as application/json"))
	}
	c, err := ReadClientDocument(address, ans.body)
	if err != nil {
		return nil, ans.unusable(err)
	}
	for _, uri := range LoopbackTwins(redirectURI) {
		if redirectURI != "" && !c.RegistersRedirect(uri) {
			return nil, ans.unusable(documentError("its redirect_uris do not list " + clean(uri, maxURI)))
		}
	}
	return c, nil
}

// ClientWay is a way to come by a client_id at a server.
type ClientWay string

// The ways, in the order in which they are tried.
const (
	WayRegistered ClientWay = "registered"   // by hand before: a preset or a profile has it
	WayDocument   ClientWay = "document"     // a client ID metadata document
	WayRegister   ClientWay = "registration" // dynamic client registration
	WayAsk        ClientWay = "ask"          // a person registers at the provider's console
)

// ClientWays lists the ways that are open at a server, best first: registered
// says that there is a client_id for it already, document is the address of
// the caller's client ID metadata document, "" for none. The last is always
// WayAsk.
func ClientWays(m *Metadata, registered bool, document string) []ClientWay {
	var ways []ClientWay
	if registered {
		ways = append(ways, WayRegistered)
	}
	if _, err := CheckClientDocumentURL(document); err == nil && m != nil && m.ClientIDMetadataDocumentSupported {
		ways = append(ways, WayDocument)
	}
	if m != nil && m.RegistrationEndpoint != "" {
		ways = append(ways, WayRegister)
	}
	return append(ways, WayAsk)
}
