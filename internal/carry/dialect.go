package carry

import (
	"slices"
	"strings"

	"fob/profiles"
)

// words are the names of one thing: theirs and ours.
type words struct{ theirs, ours string }

// dialect is how a tool writes the settings of one protocol down. The same table reads and writes, so that what was written is
// understood.
type dialect struct {
	grant  string  // the name of their setting for the grant
	grants []words // its values
	texts  []words // settings that hold one text, and the field of a profile that holds the same
	// method is their setting for the client's authentication, methods its values; a public client is the one without a secret.
	method  string
	methods []words
	tokens  []string // settings that hold tokens
	// ignored are settings that say how the tool goes about it, or that every request makes anew.
	ignored []string
}

// read takes a tool's settings into a draft. The names are all that the source has, so that nothing is overlooked.
func (s dialect) read(d *draft, names []string, get func(string) string) {
	if s.grant != "" {
		d.grant(get(s.grant), s.grants)
	}
	secret := false
	for _, w := range s.texts {
		switch f, _ := profiles.FieldByKey(w.ours); f.Kind {
		case profiles.KindSecret:
			if d.secret(w.ours, get(w.theirs)) && w.ours == "client_secret" {
				secret = true
			}
		case profiles.KindBool:
			if get(w.theirs) == "true" {
				d.set(w.ours, "true")
			}
		default:
			d.set(w.ours, get(w.theirs))
		}
	}
	d.password("password", get("password"))
	for _, name := range s.tokens {
		d.token(name, get(name))
	}
	if method := get(s.method); method != "" {
		i := slices.IndexFunc(s.methods, func(w words) bool { return w.theirs == method })
		switch {
		case i < 0:
			d.leave(s.method, "is a way that Fob does not know")
		case secret:
			d.set("token_endpoint_auth_method", s.methods[i].ours)
		case s.methods[i].ours == "client_secret_post": // the client id alone in the body
			d.set("token_endpoint_auth_method", "none")
		}
	}
	for _, name := range names {
		known := name == s.grant || name == s.method || name == "password" || slices.Contains(s.tokens, name) || slices.Contains(s.ignored, name) ||
			slices.ContainsFunc(s.texts, func(w words) bool { return w.theirs == name })
		if value := get(name); !known && value != "" && value != "false" {
			d.leave(name, "Fob has no field for it")
		}
	}
}

// grant sets the grant type by a tool's name of it.
func (d *draft) grant(theirs string, known []words) {
	if theirs == "" {
		return
	}
	i := slices.IndexFunc(known, func(w words) bool { return strings.EqualFold(w.theirs, theirs) })
	if i < 0 {
		d.leave("grant_type", "is a grant that Fob does not know")
		return
	}
	if ours := known[i].ours; ours != profiles.DefaultGrantType {
		d.set("grant_type", ours)
	}
}

// write gives a tool the settings of a profile, in the order of the table.
func (s dialect) write(out *outgoing, put func(name, value string)) bool {
	i := slices.IndexFunc(s.grants, func(w words) bool { return w.ours == out.p.Grant() })
	if s.grant != "" {
		if i < 0 {
			out.refuse("grant_type", "has no grant "+out.p.Grant())
			return false
		}
		put(s.grant, s.grants[i].theirs)
		out.done("grant_type")
	}
	secret := false
	for _, w := range s.texts {
		f, _ := profiles.FieldByKey(w.ours)
		if f.Kind == profiles.KindSecret {
			if place := out.place(w.ours); place != "" {
				put(w.theirs, place)
				secret = secret || w.ours == "client_secret"
			}
			continue
		}
		if value := out.take(w.ours); value != "" {
			put(w.theirs, value)
		}
	}
	if s.method == "" {
		return true
	}
	switch method := out.p.TokenEndpointAuthMethod; {
	case method == "":
	case method == "none" && secret: // would be read back as the secret's way
	case method == "none":
		put(s.method, theirs(s.methods, "client_secret_post"))
		out.done("token_endpoint_auth_method")
	case theirs(s.methods, method) == "":
		out.refuse("token_endpoint_auth_method", "knows no "+method)
	case !secret:
		out.refuse("token_endpoint_auth_method", "says it only beside a secret, and none is kept for this profile")
	default:
		put(s.method, theirs(s.methods, method))
		out.done("token_endpoint_auth_method")
	}
	return true
}

// theirs is a tool's word for ours.
func theirs(all []words, ours string) string {
	for _, w := range all {
		if w.ours == ours {
			return w.theirs
		}
	}
	return ""
}

// scheme reads the word in front of a token. Bearer is what there is without saying so.
func (d *draft) scheme(word string) {
	if word = strings.TrimSpace(word); !strings.EqualFold(word, "Bearer") {
		d.set("token_header_scheme", word)
	}
}

// scheme is the word in front of a token, for a tool that has a text for it; there is false where nothing is to be said.
func (o *outgoing) scheme() (word string, there bool) {
	switch word := o.p.TokenHeaderScheme; {
	case word == "":
		return "", false
	case strings.EqualFold(word, "Bearer"):
		o.refuse("token_header_scheme", "puts Bearer in front anyway, as Fob does")
		return word, true
	case word == "none":
		o.done("token_header_scheme")
		return "", true
	}
	word = o.take("token_header_scheme")
	return word, word != ""
}
