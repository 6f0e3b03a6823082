package proxy

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// sameOrigin refuses what a page of another site makes a browser ask, unless the page is one of those that may. Programs
// that are no browsers send neither header.
func (x *exchange) sameOrigin() *Refusal {
	h := x.in.Header
	origins := h.Values("Origin")
	foreign := &Refusal{http.StatusForbidden, "proxy_origin", "a page of another site may not use this proxy", "if it is yours: fob proxy … --origin ORIGIN"}
	if len(origins) > 1 {
		return foreign
	}
	if len(origins) == 1 {
		origin := strings.ToLower(origins[0])
		if host, plain := strings.CutPrefix(origin, "http://"); plain && x.proxy.hosts[hostOf(host)] && hostOf(host) == hostOf(x.in.Host) {
			return nil // a page of the API's, shown through this proxy
		}
		if !x.proxy.origins[origin] {
			return foreign
		}
		x.origin = origins[0]
		return nil
	}
	switch h.Get("Sec-Fetch-Site") { // Fetch Metadata: also where a browser sends no Origin, as for an image
	case "", "none", "same-origin":
		return nil
	}
	return foreign
}

// asksFirst: the request is a CORS preflight of a page that may.
func (x *exchange) asksFirst() bool {
	return x.origin != "" && x.in.Method == http.MethodOptions && x.in.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers a browser that asks whether the page may.
func (x *exchange) preflight() bool {
	if !x.asksFirst() {
		return false
	}
	h, asked := x.w.Header(), x.in.Header
	x.allow(h)
	h.Set("Access-Control-Allow-Methods", asked.Get("Access-Control-Request-Method"))
	if names := asked.Get("Access-Control-Request-Headers"); names != "" {
		h.Set("Access-Control-Allow-Headers", names)
	}
	if asked.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Max-Age", "600")
	x.entry.Status = http.StatusNoContent
	x.w.WriteHeader(http.StatusNoContent)
	return true
}

// allow lets the page read the answer. What the API allows to others is not for pages that use this proxy.
func (x *exchange) allow(h http.Header) {
	if x.in.Header.Get("Origin") == "" {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	if x.origin == "" {
		return
	}
	names := slices.Sorted(maps.Keys(h))
	h.Set("Access-Control-Allow-Origin", x.origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Add("Vary", "Origin")
	if len(names) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(names, ", "))
	}
}
