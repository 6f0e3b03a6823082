package session

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"fob/internal/forms"
	"fob/oauth"
	"fob/oauth/oauth1"
)

// Text returns a form of the profile's token, refreshed if need be, as it goes to the clipboard.
func (e *Engine) Text(ctx context.Context, name string, form Form) (string, error) {
	filled, err := e.Fill(ctx, FormRequest{Name: name, Form: form})
	return filled.Text, err
}

// Copied remembers the form that somebody copied, for the next time.
func (e *Engine) Copied(name string, form Form) {
	if form == "" || form == FormAccessToken {
		return
	}
	e.mu.Lock()
	l := e.logins[name]
	news := l != nil && l.copied != form
	if news {
		l.copied = form
	}
	e.mu.Unlock()
	if news {
		e.changed(name)
	}
}

// Fill returns the profile's token in a form, refreshed if need be.
func (e *Engine) Fill(ctx context.Context, r FormRequest) (Filled, error) {
	filled, err := e.fill(ctx, r)
	if err != nil {
		return Filled{}, Explain(r.Name, err)
	}
	return filled, nil
}

func (e *Engine) fill(ctx context.Context, r FormRequest) (Filled, error) {
	form, err := e.form(r.Form)
	if err != nil {
		return Filled{}, err
	}
	if err := r.check(); err != nil {
		return Filled{}, err
	}
	e.reload()
	t, c, err := e.inHand(ctx, r.Name)
	if err != nil {
		return Filled{}, err
	}
	p := c.profile
	given := forms.Given{Profile: p.Name, AccessToken: t.AccessToken.Reveal(), IDToken: t.IDToken.Reveal(), TokenType: t.Type, ExpiresAt: t.ExpiresAt, Scope: t.Scope,
		API: p.APIBaseURL, Method: r.Method, Body: r.Body, Var: r.Var}
	if form.Kind == forms.Own {
		if status, err := e.one(r.Name); err == nil {
			given.Account = status.Account
		}
	}
	if form.NeedsID && given.IDToken == "" {
		return Filled{}, &Error{Kind: Failed, Code: CodeNoIDToken, Sentence: "profile " + r.Name + ": this login has no id_token", Remedy: "add openid to the profile's scope and log in again"}
	}
	if err := c.carries(form, t); err != nil {
		return Filled{}, err
	}
	if form.Kind != forms.Alone && form.Kind != forms.Value {
		if err := e.addRequest(&given, form, r, c, t); err != nil {
			return Filled{}, err
		}
	}
	text, err := form.Text(given)
	if err != nil {
		return Filled{}, &Error{Kind: Failed, Code: CodeForm, Sentence: "profile " + r.Name + ": form " + form.Name + ": " + err.Error(), Remedy: "`fob forms` lists the others"}
	}
	return Filled{Text: text, Note: given.Good()}, nil
}

// form finds a form by its name.
func (e *Engine) form(name Form) (forms.Form, error) {
	found, ok := forms.Find(string(name), nil)
	if ok {
		return found, nil
	}
	own, err := forms.Read(filepath.Dir(e.file.Path()))
	if found, ok = forms.Find(string(name), own); ok {
		return found, nil
	}
	if err != nil { // it may be the one that cannot be used
		return found, &Error{Kind: Misused, Code: CodeForm, Sentence: "there is no form " + string(name) + ": " + err.Error(), Remedy: "mend it with `fob forms add`"}
	}
	return found, &Error{Kind: Misused, Code: CodeForm, Sentence: "there is no form " + string(name), Remedy: "`fob forms` lists those that there are"}
}

var variableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// check refuses what would make a request of its own beside the profile's.
func (r FormRequest) check() error {
	if r.Var != "" && !variableName().MatchString(r.Var) {
		return &Error{Kind: Misused, Code: CodeForm, Sentence: r.Var + " is no name for a variable", Remedy: "use letters, digits and _, and no digit first"}
	}
	for _, h := range r.Header {
		if name := strings.ToLower(h.Name); name == "authorization" || name == "dpop" {
			return &Error{Kind: Misused, Code: CodeForm, Sentence: "the header " + h.Name + " is Fob's to write", Remedy: "leave it out"}
		}
	}
	return nil
}

// carries says why a form cannot carry the profile's token, if it cannot.
func (c *client) carries(form forms.Form, t *tokens) error {
	name := quoteArg(c.profile.Name)
	switch {
	case form.Kind == forms.Value && (t.Type == typeDPoP || t.Type == typeOAuth1):
		return &Error{Kind: Failed, Code: CodeNeedsRequest, Sentence: "profile " + c.profile.Name + ": a " + t.Type + " token is used with a proof made for each request, and the form " + form.Name + " has no place for one",
			Remedy: "take a whole request: fob copy " + name + " --as curl, or --as http; or let Fob make it: fob request " + name + " GET /…"}
	case form.Kind == forms.Call && c.CertificateBound && c.Certificate != nil:
		return &Error{Kind: Failed, Code: CodeNeedsRequest, Sentence: "profile " + c.profile.Name + ": its token is bound to a TLS certificate, whose key stays in the keychain: the form " + form.Name + " would be refused",
			Remedy: "let Fob make the request: fob request " + name + " GET /…"}
	}
	return nil
}

// addRequest adds the request that a form is about, with the credential that lets it in.
func (e *Engine) addRequest(given *forms.Given, form forms.Form, r FormRequest, c *client, t *tokens) error {
	address, err := c.addressOf(r.URL)
	if err != nil {
		return err
	}
	proof := t.Type == typeDPoP || t.Type == typeOAuth1
	switch {
	case address == "" && form.NeedsAPI:
		return &Error{Kind: Failed, Code: CodeNoAPI, Sentence: "profile " + r.Name + ": the form " + form.Name + " is a request, and the profile names no API", Remedy: "set api_base_url in the profile, or name the request: METHOD URL"}
	case address == "" && proof && form.Kind == forms.Own:
		return nil // the template may do without a header
	case form.Kind == forms.Headers && !proof && r.URL == "" && form.Name == FormHeader.name():
		address = "" // the header is the same for every request
	}
	if given.Method == "" {
		given.Method = http.MethodGet
		if r.Body != "" || form.Kind != forms.Headers && c.formPlaced() {
			given.Method = http.MethodPost // a form has no other place
		}
	}
	if r.Body != "" && t.Type == typeOAuth1 {
		return &Error{Kind: Failed, Code: CodeNeedsRequest, Sentence: "profile " + r.Name + ": OAuth 1.0a may sign a request's body, and a form cannot", Remedy: "let Fob make the request: fob request " + quoteArg(r.Name) + " POST /… -d …"}
	}
	credential, err := e.credential(c, t, given.Method, address, "")
	if err != nil {
		return err
	}
	if credential.Form != "" && r.Body != "" {
		return &Error{Kind: Failed, Code: CodeNeedsRequest, Sentence: "profile " + r.Name + ": its API takes the token in the body, which is given already", Remedy: "let Fob make the request: fob request " + quoteArg(r.Name) + " POST /… -d …"}
	}
	for _, h := range append(credential.Header, r.Header...) {
		given.Header = append(given.Header, forms.Field(h))
	}
	if credential.Form != "" {
		given.Body, given.Form = credential.Form, true
	}
	if address != "" {
		given.URL = credential.URL
	}
	if form.Name == FormHeader.name() && len(given.Header) == 0 {
		return &Error{Kind: Failed, Code: CodeNoHeader, Sentence: "profile " + r.Name + ": its API takes the credential in the address or in a form, not in a header", Remedy: "copy a curl command: fob copy " + quoteArg(r.Name) + " --as curl"}
	}
	given.Once = proof && address != ""
	return nil
}

func (f Form) name() string { return string(f) }

// addressOf is the address that a form is about: the API's, one below it, or the one that the user named.
func (c *client) addressOf(ref string) (string, error) {
	base := c.profile.APIBaseURL
	if ref == "" {
		return base, nil
	}
	if u, err := url.Parse(ref); err == nil && u.IsAbs() {
		return ref, nil
	}
	if base == "" {
		return "", &Error{Kind: Failed, Code: CodeNoAPI, Sentence: "profile " + c.profile.Name + ": " + ref + " is a path, and the profile names no API that it is below", Remedy: "set api_base_url in the profile, or write the whole URL"}
	}
	to, err := oauth.ResolveURL(base, ref)
	if err != nil {
		return "", &Error{Kind: Misused, Code: CodeForeignURL, Sentence: "profile " + c.profile.Name + ": " + err.Error(), Remedy: "write a path below " + base + ", or the whole URL"}
	}
	return to.String(), nil
}

// formPlaced says that the profile's credential travels in a form-encoded body.
func (c *client) formPlaced() bool {
	return c.profile.TokenPlacement == oauth.InBody || isOAuth1(c.profile) && oauth1.Placement(c.profile.OAuthSignaturePlacement) == oauth1.InBody
}

// quoteArg makes text one word for a POSIX shell.
func quoteArg(text string) string { return forms.Shell(text) }
