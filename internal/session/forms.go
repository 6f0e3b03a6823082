package session

import (
	"context"
	"net/http"
	"strings"

	"fob/oauth"
	"fob/oauth/oauth1"
)

// Text returns a form of the profile's token, refreshed if need be, as it goes to the clipboard.
func (e *Engine) Text(ctx context.Context, name string, form Form) (string, error) {
	h, err := e.Token(ctx, name, -1)
	if err != nil {
		return "", err
	}
	switch form {
	case FormAccessToken, "":
		return h.AccessToken, nil
	case FormIDToken:
		if h.IDToken == "" {
			return "", &Error{Kind: Failed, Code: CodeNoIDToken, Sentence: "profile " + name + ": this login has no id_token", Remedy: "add openid to the profile's scope and log in again"}
		}
		return h.IDToken, nil
	case FormHeader, FormCurl:
		text, err := e.requestText(ctx, name, form)
		if err != nil {
			return "", Explain(name, err)
		}
		return text, nil
	}
	return "", &Error{Kind: Misused, Code: CodeForm, Sentence: "there is no form " + string(form), Remedy: "use access_token, id_token, header or curl"}
}

// requestText is what lets a GET of the profile's API in, as its headers or as a curl command: with a proof or a signature made for
// that request where the token needs one.
func (e *Engine) requestText(ctx context.Context, name string, form Form) (string, error) {
	t, c, err := e.inHand(ctx, name)
	if err != nil {
		return "", err
	}
	address := c.profile.APIBaseURL
	if form == FormCurl && address == "" {
		return "", &Error{Kind: Failed, Code: CodeNoAPI, Sentence: "profile " + name + ": a curl command needs to know the API", Remedy: "set api_base_url in the profile"}
	}
	if form == FormHeader && t.Type != typeDPoP && t.Type != typeOAuth1 {
		address = "" // the header is the same for every request
	}
	method := http.MethodGet
	if form == FormCurl && c.formPlaced() {
		method = http.MethodPost // a form has no other place
	}
	credential, err := e.credential(c, t, method, address, "")
	if err != nil {
		return "", err
	}
	var lines []string
	for _, h := range credential.Header {
		lines = append(lines, h.Name+": "+h.Value)
	}
	if form == FormHeader {
		if len(lines) == 0 {
			return "", &Error{Kind: Failed, Code: CodeNoHeader, Sentence: "profile " + name + ": its API takes the credential in the address or in a form, not in a header", Remedy: "copy a curl command: fob copy " + quoteArg(name) + " --as curl"}
		}
		return strings.Join(lines, "\n"), nil
	}
	command := []string{"curl"}
	for _, line := range lines {
		command = append(command, "-H", quoteArg(line))
	}
	if credential.Form != "" {
		command = append(command, "-d", quoteArg(credential.Form))
	}
	return strings.Join(append(command, quoteArg(credential.URL)), " "), nil
}

// formPlaced says that the profile's credential travels in a form-encoded body.
func (c *client) formPlaced() bool {
	return c.profile.TokenPlacement == oauth.InBody || isOAuth1(c.profile) && oauth1.Placement(c.profile.OAuthSignaturePlacement) == oauth1.InBody
}

// quoteArg makes text one word for a POSIX shell.
func quoteArg(text string) string {
	plain := text != ""
	for _, r := range text {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+=,", r)) {
			plain = false
		}
	}
	if plain {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
