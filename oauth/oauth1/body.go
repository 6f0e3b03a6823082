package oauth1

import (
	"bytes"
	"encoding/base64"
	"hash"
	"io"
	"mime"
	"net/http"
	"strings"
)

const formType = "application/x-www-form-urlencoded"

// maxForm bounds a form that is read to be signed: Twitter's media uploads,
// the largest in the field, are 5 MB and a third more in base64.
const maxForm = 16 << 20

// body is what matters of a request's body.
type body struct {
	form bool   // it is a form, or could become one
	text string // the form
	hash string // oauth_body_hash
}

// readBody reads as much of the body as the signature needs, and leaves r as
// able to be sent as before.
func (c *Client) readBody(r *http.Request) (body, error) {
	empty := r.Body == nil || r.Body == http.NoBody
	switch {
	case isForm(r):
		text, err := readForm(r)
		return body{form: true, text: text}, err
	case !c.BodyHash || c.method() == Plaintext:
		return body{form: empty && mayHaveBody(r.Method)}, nil
	case empty && c.placement() == InBody:
		return body{form: mayHaveBody(r.Method)}, nil // it will be a form, and forms have no hash
	}
	sum, err := hashBody(r, c.hasher())
	return body{hash: sum}, err
}

// isForm: "single-part", form-encoded, and so declared (RFC 5849 section
// 3.4.1.3.1). A compressed form is no form as it travels.
func isForm(r *http.Request) bool {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return false
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == formType
}

func mayHaveBody(method string) bool {
	switch strings.ToUpper(method) {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	}
	return false
}

// noForm: the protocol parameters shall go where there is no place for them
// (RFC 5849 section 3.5.2).
func noForm(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return requestError("a " + clean(r.Method, maxCode) + " request without a form cannot carry the signature in its body; use the header or the query")
	}
	return requestError("the body is not a form, so it cannot carry the signature; use the header or the query")
}

func readForm(r *http.Request) (string, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return "", nil
	}
	if r.GetBody != nil {
		again, err := r.GetBody()
		if err != nil {
			return "", requestError("the body cannot be read: " + clean(err.Error(), maxDescription))
		}
		defer again.Close()
		data, err := readAll(again)
		return string(data), err
	}
	data, err := buffer(r)
	return string(data), err
}

// buffer reads a body that can be read only once, and puts it back.
func buffer(r *http.Request) ([]byte, error) {
	defer r.Body.Close()
	data, err := readAll(r.Body)
	if err != nil {
		return nil, err
	}
	setBody(r, data)
	return data, nil
}

func readAll(from io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxForm+1))
	switch {
	case err != nil:
		return nil, requestError("the body cannot be read: " + clean(err.Error(), maxDescription))
	case len(data) > maxForm:
		return nil, requestError("the body is larger than the 16 MiB that are read to be signed; give the request a GetBody, and send no form")
	}
	return data, nil
}

func setBody(r *http.Request, data []byte) {
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	r.Body, _ = r.GetBody()
	if len(data) == 0 {
		r.Body, r.GetBody = http.NoBody, func() (io.ReadCloser, error) { return http.NoBody, nil }
	}
	r.ContentLength = int64(len(data))
	r.Header.Del("Content-Length")
}

// hashBody: the hash of the signature method over the body, or over nothing
// where there is none (draft-eaton-oauth-bodyhash-00 section 3.2). The draft
// defines it for SHA-1; servers with SHA-2 methods take the same step.
func hashBody(r *http.Request, h hash.Hash) (string, error) {
	switch {
	case r.Body == nil || r.Body == http.NoBody:
	case r.GetBody != nil:
		again, err := r.GetBody()
		if err != nil {
			return "", requestError("the body cannot be read: " + clean(err.Error(), maxDescription))
		}
		defer again.Close()
		if _, err := io.Copy(h, again); err != nil {
			return "", requestError("the body cannot be read: " + clean(err.Error(), maxDescription))
		}
	default:
		data, err := buffer(r)
		if err != nil {
			return "", err
		}
		h.Write(data)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}
