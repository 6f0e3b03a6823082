package session

import (
	"context"
	"strings"
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
	case FormHeader:
		return "Authorization: " + h.Authorization(), nil
	case FormCurl:
		s, err := e.one(name)
		if err != nil {
			return "", err
		}
		if s.APIBaseURL == "" {
			return "", &Error{Kind: Failed, Code: CodeNoAPI, Sentence: "profile " + name + ": a curl command needs to know the API", Remedy: "set api_base_url in the profile"}
		}
		return "curl -H " + quoteArg("Authorization: "+h.Authorization()) + " " + quoteArg(s.APIBaseURL), nil
	}
	return "", &Error{Kind: Misused, Code: CodeForm, Sentence: "there is no form " + string(form), Remedy: "use access_token, id_token, header or curl"}
}

// Authorization is the value of the Authorization header (RFC 6750 §2.1).
func (h Handout) Authorization() string {
	scheme := h.TokenType
	if scheme == "" || strings.EqualFold(scheme, "bearer") {
		scheme = "Bearer" // servers write it in all ways, and so do picky APIs expect it
	}
	return scheme + " " + h.AccessToken
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
