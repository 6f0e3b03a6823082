package proxy

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Refusal is an answer of the proxy's own.
type Refusal struct {
	Status   int    `json:"-"`
	Code     string `json:"code"`
	Sentence string `json:"sentence"`
	Remedy   string `json:"remedy,omitempty"`
}

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>fob proxy</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}small{opacity:.7}</style>
<h1>{{.Sentence}}</h1><p>{{.Remedy}}</p><p><small>fob proxy · {{.Code}}</small></p></html>
`))
})

// refuse answers instead of the API: with a page where a person looks, with JSON otherwise. Fob-Error tells the answer from one
// of the API's. The connection ends with it: what may still come on it is not read.
func (x *exchange) refuse(no Refusal) {
	x.entry.Status, x.entry.Note = no.Status, no.Sentence
	h := x.w.Header()
	x.allow(h)
	h.Set("Fob-Error", no.Code)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Connection", "close")
	if no.Status == http.StatusUnauthorized { // RFC 9110 §15.5.2 wants a challenge; this one no browser takes for its own
		h.Set("WWW-Authenticate", `Fob error="`+no.Code+`"`)
	}
	// A body that comes slowly is not waited for when the answer is out.
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(lingering))
	if strings.Contains(x.in.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		x.w.WriteHeader(no.Status)
		_ = page().Execute(x.w, no)
		return
	}
	h.Set("Content-Type", "application/json")
	x.w.WriteHeader(no.Status)
	_ = json.NewEncoder(x.w).Encode(struct {
		Error Refusal `json:"error"`
	}{no}) // a client that went away needs no answer
}

// lingering is how long what is still coming is read, so that the client gets to see the answer.
const lingering = time.Second

// oneLine makes text fit for a header.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text)
}
