package authserver

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// frontResponse is an authorization response on its way to the client: parameters in the query, in
// the fragment or in a form that the browser posts, plainly or in a JWT (JARM).
type frontResponse struct {
	params   map[string]any
	redirect *url.URL // without parameters
	fragment bool
	form     bool
	jarm     bool
}

var (
	formActionRE = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`<form id="auth-response" method="post" action="([^"]*)"`)
	})
	formInputRE = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"/>`)
	})
)

// readResponse finds the authorization response in what go-oidc answered; nil if it is none.
func readResponse(a *answer) *frontResponse {
	f := &frontResponse{params: map[string]any{}}
	if m := formActionRE().FindStringSubmatch(a.body.String()); a.status == http.StatusOK && m != nil {
		u, err := url.Parse(html.UnescapeString(m[1]))
		if err != nil {
			return nil
		}
		f.form, f.redirect = true, u
		for _, in := range formInputRE().FindAllStringSubmatch(a.body.String(), -1) {
			f.params[in[1]] = html.UnescapeString(in[2])
		}
	} else {
		u, err := url.Parse(a.header.Get("Location"))
		if err != nil || a.status != http.StatusSeeOther || !u.IsAbs() {
			return nil
		}
		values := u.Query()
		if f.fragment = u.EscapedFragment() != ""; f.fragment {
			if values, err = url.ParseQuery(u.EscapedFragment()); err != nil {
				return nil
			}
			u.Fragment, u.RawFragment = "", ""
		} else {
			u.RawQuery = ""
		}
		f.redirect = u
		for k := range values {
			f.params[k] = values.Get(k)
		}
	}
	if jwt, ok := f.params["response"].(string); ok {
		_, claims, err := decodeJWT(jwt)
		if err != nil {
			return nil
		}
		f.jarm, f.params = true, claims
	}
	return f
}

// write replaces the answer by the response.
func (f *frontResponse) write(a *answer) {
	values := url.Values{}
	for k, v := range f.params {
		values.Set(k, fmt.Sprint(v))
	}
	switch {
	case f.form:
		var b strings.Builder
		b.WriteString(`<html><body onload="javascript:document.forms[0].submit()"><form method="post" action="` + html.EscapeString(f.redirect.String()) + `">`)
		for k, v := range values {
			b.WriteString(`<input type="hidden" name="` + html.EscapeString(k) + `" value="` + html.EscapeString(v[0]) + `"/>`)
		}
		b.WriteString("</form></body></html>\n")
		a.replace(http.StatusOK, "text/html; charset=utf-8", b.String())
	case f.fragment:
		a.header.Set("Location", f.redirect.String()+"#"+values.Encode())
	default:
		// What the registered URI has in its own query was read with the parameters.
		a.header.Set("Location", f.redirect.String()+"?"+values.Encode())
	}
}

// completeResponse adds to an authorization response what go-oidc leaves out, signs what is in it
// anew in the client's way, and applies every fault.
func (s *Server) completeResponse(ctx context.Context, a *answer) error {
	f := readResponse(a)
	rec := requestOf(ctx)
	if f == nil || rec.client == nil {
		return nil
	}
	if f.params["code"] == nil && f.params["error"] == nil && f.params["access_token"] == nil && f.params["id_token"] == nil {
		return nil
	}
	c := s.clientOf(rec.client.ID)
	if f.params["error"] == "invalid_request" && s.unmetACR(rec) {
		f.params["error"] = "unmet_authentication_requirements" // RFC 9470 section 5
	}
	if f.params["access_token"] != nil {
		f.params["expires_in"] = fmt.Sprint(seconds(s.opts.AccessTokenTTL)) // RFC 6749 section 4.2.2
	}
	if id := asString(f.params["id_token"]); id != "" {
		id, err := s.remakeIDToken(c, id, bound{
			access: asString(f.params["access_token"]), code: asString(f.params["code"]), state: asString(f.params["state"]),
		})
		if err != nil {
			return err
		}
		f.params["id_token"] = id
	}
	s.spoilResponse(f.params)
	if f.jarm {
		jwt, err := s.signFor(c, c.ResponseAlg, "JWT", f.params, s.spoilJARM(f.params))
		if err == nil {
			jwt, err = s.encrypt(c, c.ResponseEncryption, jwt)
		}
		if err != nil {
			return err
		}
		f.params = map[string]any{"response": jwt}
	}
	f.write(a)
	return nil
}

// spoilResponse applies the faults of the authorization response.
func (s *Server) spoilResponse(params map[string]any) {
	if fault, ok := s.faults.first(AccessDenied, AuthorizeHTML); ok {
		delete(params, "code")
		params["error"] = "access_denied"
		params["error_description"] = "the user said no"
		if fault == AuthorizeHTML {
			params["error_description"] = `<script>alert(1)</script><a href="http://elsewhere.invalid">click</a>`
		}
	}
	if s.faults.take(WrongState) {
		params["state"] = "not-" + asString(params["state"])
	}
	if s.faults.take(MissingState) {
		delete(params, "state")
	}
	if s.faults.take(WrongIss) {
		params["iss"] = "http://elsewhere.invalid"
	}
	if s.faults.take(MissingIss) {
		delete(params, "iss")
	}
}

// spoilJARM applies the faults of a response JWT and returns the one that hits its signature.
func (s *Server) spoilJARM(params map[string]any) Fault {
	if s.faults.take(ResponseWrongAudience) {
		params["aud"] = "another-client"
	}
	if s.faults.take(ResponseExpired) {
		params["exp"] = 946684800 // the year 2000
	}
	fault, _ := s.faults.first(ResponseAlgNone, ResponseForeignKey, ResponseBroken)
	return map[Fault]Fault{ResponseAlgNone: AlgNone, ResponseForeignKey: ForeignKey, ResponseBroken: BrokenSignature}[fault]
}

// clientOf returns what is registered under an id; one that the server has forgotten meanwhile is
// a client without wishes.
func (s *Server) clientOf(id string) Client {
	if i := slices.IndexFunc(s.opts.Clients, func(c Client) bool { return c.ID == id }); i >= 0 {
		return s.opts.Clients[i]
	}
	if c, ok := s.registered.get(id); ok {
		return clientOfRecord(&c)
	}
	return Client{ID: id}
}
