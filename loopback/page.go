package loopback

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// The page's parts. Style and script are inline, allowed by their hashes; no
// request ever follows from the page (RFC 9700 §4.2).
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// policy is the Content-Security-Policy, made when the first page is sent.
var policy = sync.OnceValue(func() string { return policyFor(pageJS, "'none'") })

func policyFor(script, formAction string) string {
	return "default-src 'none'; img-src data:; style-src " + hashOf(pageCSS) +
		"; script-src " + hashOf(script) +
		"; base-uri 'none'; form-action " + formAction + "; frame-ancestors 'none'"
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is what one answer says.
type page struct {
	kind   string // ok, no, wait or stray: colour and glyph
	title  string
	text   string
	detail string // what the server said, as it came; escaped when sent

	script, policy, referrer string // other than the usual ones
	noscript                 string // said where scripts are off
}

const goBack = "You can close this tab and go back to Fob."

// responsePage answers the response itself. It does not say that the login
// worked: the code is not redeemed yet, and Fob will tell.
func responsePage(values url.Values) page {
	code := values.Get("error")
	if code == "" && len(values["denied"]) > 0 && values.Get("oauth_token") == "" {
		code = "access_denied" // OAuth 1.0a, as some say it
	}
	if code == "" {
		return page{kind: "ok", title: "You can go back to Fob",
			text: "The sign-in page has answered. Fob finishes the login and tells you how it went. You can close this tab."}
	}
	title, text := refusal(code)
	return page{kind: "no", title: title, text: text + " " + goBack, detail: serverWords(code, values.Get("error_description"))}
}

// refusal puts the registered codes into words: RFC 6749 §4.1.2.1 and OpenID
// Connect Core §3.1.2.6.
func refusal(code string) (title, text string) {
	switch code {
	case "access_denied":
		return "Access was not granted", "The sign-in was cancelled, or the server does not allow it for this account."
	case "login_required", "interaction_required", "account_selection_required":
		return "The server wants you to sign in", "It could not go on without asking you something."
	case "consent_required":
		return "The server wants your consent", "It could not go on without asking you."
	case "server_error":
		return "The server had a problem", "Something went wrong on its side. Trying again later may help."
	case "temporarily_unavailable":
		return "The server is busy", "It cannot answer right now. Trying again in a while may help."
	case "invalid_scope":
		return "The server refused the scopes", "A scope that this profile asks for is unknown there or not allowed."
	case "unauthorized_client", "invalid_client":
		return "The server refused this client", "The client id of this profile may not sign in this way there."
	case "invalid_request", "unsupported_response_type", "invalid_target", "invalid_request_object", "request_not_supported":
		return "The server refused the request", "It does not accept what this profile asks for."
	}
	return "The server said no", "The sign-in was not granted."
}

// serverWords is the error as the server put it, on one line, cut to what
// somebody reads.
func serverWords(code, description string) string {
	words := code
	if description != "" {
		words += ": " + description
	}
	words = oneLine(words)
	if runes := []rune(words); len(runes) > 300 {
		words = string(runes[:299]) + "…"
	}
	return words
}

// oneLine is a text from elsewhere without line breaks and what cannot be
// seen.
func oneLine(words string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c): // also turns off text-direction tricks
			return -1
		}
		return c
	}, strings.ToValidUTF8(words, "\uFFFD"))
}

func strayPage(reason string) page {
	p := page{kind: "stray", title: "This is not what Fob waits for"}
	switch reason {
	case StrayRepeat:
		return page{kind: "ok", title: "Already received",
			text: "Fob has had the answer to this login; opening the page again changes nothing. " + goBack}
	case StrayLate:
		p.title = "This login has ended"
		p.text = "Fob does not wait for it any more: it was cancelled, or it took too long. Start again from Fob."
	case StrayHost:
		p.text = "Fob is waiting for a login here, but this request was made for another address. Nothing was taken from it."
	case StrayPath:
		p.text = "Fob is waiting for a login on this port, but not at this path. Nothing was taken from the request."
	case StrayMethod, StrayBody:
		p.text = "The request came in a form that this login does not use. Nothing was taken from it."
	case StrayNoState:
		p.text = "The answer carries no state, so Fob cannot tell that it belongs to this login. Nothing was taken from it. If you were signing in, start again from Fob."
	case StrayState:
		p.title = "This belongs to another login"
		p.text = "The answer was made for a different login than the one Fob waits for, perhaps an older tab. Nothing was taken from it. Finish the sign-in in the newest tab, or start again from Fob."
	}
	return p
}

// glyph stands in the badge: state is a shape and a word, never colour alone.
func glyph(kind string) string {
	switch kind {
	case "ok":
		return `<path d="M6 12.5l4 4 8-9"/>`
	case "wait":
		return `<path d="M6.500 12.500v.1M12 12.500v.1M17.500 12.500v.1"/>`
	case "no":
		return `<path d="M7 7l10 10M17 7L7 17"/>`
	}
	return `<path d="M9 9a3 3 0 1 1 4.4 2.6c-1 .6-1.4 1.1-1.4 2.2M12 17.4v.1"/>`
}

// send writes the page with its headers.
func (p page) send(w http.ResponseWriter, status int) {
	detail := ""
	if p.detail != "" {
		detail = `<p class="detail"><span>The server’s words</span><code>` + html.EscapeString(p.detail) + `</code></p>`
	}
	if p.noscript != "" {
		detail = `<noscript><p class="detail">` + html.EscapeString(p.noscript) + `</p></noscript>`
	}
	if p.script == "" {
		p.script, p.policy, p.referrer = pageJS, policy(), "no-referrer"
	}
	body := strings.NewReplacer(
		"{{style}}", pageCSS, "{{script}}", p.script,
		"{{kind}}", p.kind, "{{glyph}}", glyph(p.kind),
		"{{title}}", html.EscapeString(p.title), "{{text}}", html.EscapeString(p.text), "{{detail}}", detail,
	).Replace(pageHTML)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", p.referrer)
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Connection", "close")
	w.WriteHeader(status)
	// The browser may be gone; the response counts all the same.
	_, _ = w.Write([]byte(body))
	_ = http.NewResponseController(w).Flush()
}
