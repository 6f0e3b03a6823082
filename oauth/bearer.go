package oauth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
)

// JWTBearer trades a JWT that somebody trusted signed for a token (RFC 7523
// section 2.1). [Client.MakeAssertion] makes one.
func (c *Client) JWTBearer(ctx context.Context, assertion Secret, r TokenRequest) (*Token, error) {
	jwt, err := parseJWT(strings.TrimSpace(assertion.Reveal()))
	if err != nil || jwt.Kind == Unsecured { // "MUST be digitally signed or have a MAC" (section 3)
		return nil, &Error{what: "token endpoint", Err: requestError("the assertion is not a signed JWT")}
	}
	return c.ask(ctx, url.Values{
		"grant_type": {GrantJWTBearer}, "assertion": {strings.TrimSpace(assertion.Reveal())},
	}, r, nil)
}

// SAMLBearer trades a SAML 2.0 assertion for a token (RFC 7522 section 2.1).
// assertion is its XML, or the XML in base64 of any kind.
func (c *Client) SAMLBearer(ctx context.Context, assertion []byte, r TokenRequest) (*Token, error) {
	encoded, err := encodeSAML(assertion)
	if err != nil {
		return nil, &Error{what: "token endpoint", Err: err}
	}
	return c.ask(ctx, url.Values{"grant_type": {GrantSAML2Bearer}, "assertion": {encoded}}, r, nil)
}

// encodeSAML: "MUST be encoded using base64url … SHOULD NOT be line wrapped
// and … pad characters ("=") SHOULD NOT be included" (RFC 7522 section 2.1).
// The XML stays as it is, byte for byte: it is signed.
func encodeSAML(assertion []byte) (string, error) {
	assertion = bytes.TrimSpace(assertion)
	if text := bytes.TrimPrefix(assertion, []byte("\xef\xbb\xbf")); !bytes.HasPrefix(text, []byte("<")) {
		raw, err := decodeBase64(string(assertion))
		if err != nil {
			return "", requestError("the SAML assertion is neither XML nor base64 of XML")
		}
		assertion = raw
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(assertion, []byte("\xef\xbb\xbf"))))
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	for {
		tok, err := d.Token()
		if err != nil {
			return "", requestError("the SAML assertion is not XML")
		}
		root, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		switch root.Name.Local {
		case "Assertion", "EncryptedAssertion":
			return base64.RawURLEncoding.EncodeToString(assertion), nil
		}
		// A whole samlp:Response is what a browser gets; the grant takes "a
		// single SAML 2.0 Assertion".
		return "", requestError("the XML is a " + clean(root.Name.Local, maxCode) + ", not a SAML Assertion")
	}
}
