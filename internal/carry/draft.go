package carry

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fob/oauth"
	"fob/profiles"
)

// draft is a profile that is being put together. Each value is judged as the profile's own editor would judge it.
type draft struct {
	*reading
	p       profiles.Profile
	name    string // as the source calls it
	secrets map[string]oauth.Secret
	left    []Left
	vars    variables
	bases   []string // addresses that are called with its token, as they were written
}

func (r *reading) draft(name string, vars variables) *draft {
	return &draft{reading: r, name: name, vars: vars, secrets: map[string]oauth.Secret{}}
}

func (d *draft) leave(what, why string) {
	d.left = append(d.left, Left{What: clean(what), Why: clean(why)})
}

// resolved is a value with its variables put in; what holds an unknown one is left behind, under the name of what.
func (d *draft) resolved(what, value string) (string, bool) {
	if !utf8.ValidString(value) {
		d.leave(what, "is not text")
		return "", false
	}
	if strings.Contains(value, "{%") {
		d.leave(what, "is made by a template tag, which Fob does not run")
		return "", false
	}
	value, unknown := d.vars.resolve(value)
	if unknown != "" {
		d.leave(what, "its variable {{"+unknown+"}} is not defined in what was read")
		return "", false
	}
	return value, true
}

// set gives a field a value as the source writes it. An empty value says nothing.
func (d *draft) set(key string, values ...string) {
	var all []string
	for _, value := range values {
		if value == "" {
			continue
		}
		value, ok := d.resolved(key, value)
		if !ok {
			return
		}
		if value = strings.TrimSpace(value); value != "" {
			all = append(all, value)
		}
	}
	if len(all) == 0 {
		return
	}
	if err := d.p.Set(key, all...); err != nil {
		d.leave(key, problemText(err))
	}
}

// problemText is what is wrong with a value, which it never repeats.
func problemText(err error) string {
	var problem profiles.Problem
	if errors.As(err, &problem) {
		return problem.Message
	}
	return "is not a value that Fob takes"
}

// secret takes a secret, for the keychain. It says whether the source names one, even if its value is elsewhere.
func (d *draft) secret(key, value string) bool {
	if value == "" {
		return false
	}
	resolved, ok := d.resolved(key, value)
	switch {
	case !ok:
	case resolved == "":
		d.leave(key, "its variable is empty in what was read")
	case profiles.ValidateValue(key, resolved) != nil:
		d.leave(key, "is not a "+strings.ReplaceAll(key, "_", " ")+" that Fob takes")
	default:
		d.secrets[key] = oauth.Secret(resolved)
	}
	return true
}

// token leaves a token out, as every token is: whoever can log in gets a fresh one.
func (d *draft) token(what, value string) {
	if value != "" && onlyVariable(value) == "" {
		d.leave(what, "tokens are left out on purpose; a login gets fresh ones")
	}
}

// password leaves a password out.
func (d *draft) password(what, value string) {
	if value != "" {
		d.leave(what, "Fob keeps no passwords of people; it asks for it at a login")
	}
}

// parameter gives the request of a kind ("authorize" or "token") one more parameter, or the field that stands for it.
func (d *draft) parameter(kind, name, value string) {
	name, ok := d.resolved(kind+"_params", name)
	if !ok || name == "" {
		return
	}
	switch name {
	case "audience", "resource", "prompt", "login_hint", "acr_values", "max_age", "ui_locales", "response_mode", "claims", "display", "authorization_details":
		if kind == "authorize" || name == "audience" || name == "resource" {
			if len(d.p.Get(name)) == 0 || name == "resource" {
				d.set(name, append(d.p.Get(name), value)...)
			}
			return
		}
	case "state", "nonce", "code_challenge", "code_challenge_method", "code_verifier":
		return // made anew for each request
	case "request", "request_uri", "id_token_hint", "code":
		d.leave(name, "belongs to one request and is not kept")
		return
	}
	if value, ok = d.resolved(kind+"_params."+name, value); !ok {
		return
	}
	if err := d.p.Set(kind+"_params."+name, value); err != nil {
		d.leave(kind+"_params."+name, problemText(err))
	}
}

// finish judges the profile and adds it to what was found, unless the same one is there already.
func (d *draft) finish() {
	if d.p.APIBaseURL == "" {
		d.p.APIBaseURL = d.baseURL()
	}
	d.p.Name = d.uniqueName(nil)
	for _, pair := range d.options.Set {
		if err := d.p.Set(pair[0], pair[1]); err != nil {
			d.leave(pair[0], problemText(err))
		}
	}
	if d.p.TokenEndpointAuthMethod == "none" && d.secrets["client_secret"] != "" {
		d.p.TokenEndpointAuthMethod = "" // a client with a secret shows it
	}
	needs := d.judge()
	if twin := d.twin(); twin != nil {
		return
	}
	if len(d.found.Drafts) == draftsMax {
		d.reading.leave(d.p.Name, "more than "+strconv.Itoa(draftsMax)+" profiles in one file")
		return
	}
	d.p.Name = d.uniqueName(d.found.Drafts)
	for _, l := range d.left {
		d.reading.leaveOf(d.p.Name, l.What, l.Why)
	}
	d.found.Drafts = append(d.found.Drafts, Draft{Profile: d.p, Secrets: d.secrets, Needs: needs})
}

// judge takes out what makes the profile invalid, and returns what is missing.
func (d *draft) judge() (needs []profiles.Problem) {
	for range 50 { // each turn takes a value out
		needs = nil
		changed := false
		for _, problem := range d.p.Validate() {
			if len(d.p.Get(problem.Key)) == 0 || problem.Key == "name" {
				needs = append(needs, problem)
				continue
			}
			why := problem.Message
			if strings.Contains(why, "plain http") {
				why += ", or accept it with allow_http=true"
			}
			d.leave(problem.Key, why)
			if d.p.Set(problem.Key) == nil && len(d.p.Get(problem.Key)) == 0 {
				changed = true
				break
			}
			needs = append(needs, problem)
		}
		if !changed {
			return needs
		}
	}
	return needs
}

// twin is a draft with the same settings: a collection repeats them for many requests.
func (d *draft) twin() *Draft {
	for i := range d.found.Drafts {
		other := &d.found.Drafts[i]
		a, b := d.p.Clone(), other.Profile.Clone()
		a.Name, b.Name, a.APIBaseURL, b.APIBaseURL = "", "", "", ""
		if a.Equal(b) && (d.p.APIBaseURL == other.Profile.APIBaseURL || sameHost(d.p.APIBaseURL, other.Profile.APIBaseURL)) && sameSecrets(d.secrets, other.Secrets) && d.p.Environment == other.Profile.Environment {
			if other.Profile.APIBaseURL == "" {
				other.Profile.APIBaseURL = d.p.APIBaseURL
			}
			return other
		}
	}
	return nil
}

func sameHost(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	return err == nil && err2 == nil && u.Host == v.Host
}

func sameSecrets(a, b map[string]oauth.Secret) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if b[key] != value {
			return false
		}
	}
	return true
}

// baseURL is what the addresses that the profile's token is sent to have in common: the variable that they begin with, or their
// host.
func (d *draft) baseURL() string {
	for _, raw := range d.bases {
		head, _, _ := strings.Cut(raw, "}}")
		if strings.HasPrefix(raw, "{{") && onlyVariable(head+"}}") != "" {
			if value, unknown := d.vars.resolve(head + "}}"); unknown == "" {
				if good := webAddress(value); good != "" {
					return good
				}
			}
		}
	}
	for _, raw := range d.bases {
		if value, unknown := d.vars.resolve(raw); unknown == "" {
			if good := webAddress(value); good != "" {
				u, err := url.Parse(good)
				if err == nil {
					return u.Scheme + "://" + u.Host
				}
			}
		}
	}
	return ""
}

// webAddress is a text as an API's base address, "" when it cannot be one. Anything but http and https is none.
func webAddress(text string) string {
	text, _, _ = strings.Cut(text, "?")
	if profiles.ValidateValue("api_base_url", text) != nil {
		return ""
	}
	return text
}

// uniqueName is the source's name as a profile's, different from all others.
func (d *draft) uniqueName(others []Draft) string {
	name := profileName(d.name)
	if name == "" {
		name = profileName(d.source.Name)
	}
	if name == "" {
		name = "imported"
	}
	taken := func(name string) bool {
		return slices.ContainsFunc(others, func(o Draft) bool { return o.Profile.Name == name })
	}
	for n, free := 2, name; ; n++ {
		if !taken(free) {
			return free
		}
		suffix := " " + strconv.Itoa(n)
		free = strings.TrimSpace(cut(name, 64-len(suffix))) + suffix
	}
}

// profileName makes a name out of any text: what a name may not hold is taken out.
func profileName(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '/':
			return '-'
		case !printable(r):
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(cut(strings.TrimLeft(strings.TrimSpace(text), "- "), 64))
}

func cut(text string, runes int) string {
	for utf8.RuneCountInString(text) > runes {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
