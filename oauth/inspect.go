package oauth

import (
	"encoding/base64"
	"strings"
)

// Kinds of JWT.
const (
	Signed    = "signed"    // JWS with a signature or MAC (RFC 7515)
	Encrypted = "encrypted" // JWE: only the header can be read (RFC 7516)
	Unsecured = "unsecured" // JWS with alg none (RFC 7519 section 6)
)

// JWT is a decoded token. Nothing about it has been verified: show it, decide
// nothing by it.
type JWT struct {
	Kind   string         `json:"kind"`             // Signed, Encrypted or Unsecured
	Header map[string]any `json:"header"`           // numbers are json.Number
	Claims map[string]any `json:"claims,omitempty"` // nil when encrypted
}

// maxJWT is more than any header can carry to a server.
const maxJWT = maxBody

// InspectJWT decodes a JWT in compact form without verifying it, and without
// a network. Space around it and a leading "Bearer" are taken off. The error
// is ErrMalformed and never repeats the input.
func InspectJWT(compact string) (*JWT, error) {
	s := strings.TrimSpace(compact)
	if len(s) > 7 && strings.EqualFold(s[:7], "bearer ") {
		s = strings.TrimSpace(s[7:])
	}
	return parseJWT(s)
}

func parseJWT(s string) (*JWT, error) {
	if len(s) > maxJWT {
		return nil, &reasoned{ErrMalformed, "it is larger than 1 MiB"}
	}
	var parts [5]string
	n := 0
	for rest, more := s, true; more; n++ {
		if n == len(parts) {
			return nil, &reasoned{ErrMalformed, "it has more than five parts"}
		}
		parts[n], rest, more = strings.Cut(rest, ".")
	}
	if n != 3 && n != 5 {
		return nil, &reasoned{ErrMalformed, "it has neither three parts (signed) nor five (encrypted)"}
	}
	header, err := decodePart(parts[0])
	if err != nil {
		return nil, &reasoned{ErrMalformed, "its header is not base64url of a JSON object"}
	}
	if n == 5 { // RFC 7516 section 9: five parts, or "enc" in the header
		return &JWT{Kind: Encrypted, Header: header}, nil
	}
	claims, err := decodePart(parts[1])
	if err != nil {
		return nil, &reasoned{ErrMalformed, "its claims are not base64url of a JSON object"}
	}
	if _, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, &reasoned{ErrMalformed, "its signature is not base64url"}
	}
	jwt := &JWT{Kind: Signed, Header: header, Claims: claims}
	if alg := text(header, "alg"); strings.EqualFold(alg, "none") || parts[2] == "" {
		jwt.Kind = Unsecured
	}
	return jwt, nil
}

func decodePart(part string) (map[string]any, error) {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, err
	}
	return decodeObject(raw)
}
