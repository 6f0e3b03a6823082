package profiles

import (
	"strconv"
	"strings"
)

const missing = "is missing"

// ValidateValue checks one value of a field while it is typed. The error is a [Problem]. An empty value is the default,
// and wrong only where the field is required. A list may be given as one text with its values separated by spaces or
// line breaks, parameters as KEY=VALUE with one in each line. Plain http is refused: [Profile.ValidateValue] knows whether
// the profile allows it.
func ValidateValue(key, value string) error {
	f, parameter, ok := lookup(key)
	if !ok {
		return unknownKey(key)
	}
	var values []string
	switch {
	case parameter != "":
		if value != "" {
			values = []string{parameter + "=" + value}
		}
	case f.Kind == KindList:
		values = splitList(f, []string{value})
	case f.Kind == KindParameters:
		for line := range strings.Lines(value) {
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
				values = append(values, line)
			}
		}
	case f.Kind == KindSecret:
		if value != "" {
			values = []string{value}
		}
	default:
		if value = strings.TrimSpace(value); value != "" {
			values = []string{value}
		}
	}
	if len(values) == 0 && f.Required {
		return Problem{Key: key, Message: missing}
	}
	if bad, found := f.checkAll(values); found {
		bad.Key = key
		return bad
	}
	return nil
}

// ValidateValue is the function of that name for a field of this profile.
func (p Profile) ValidateValue(key, value string) error {
	err := ValidateValue(key, value)
	if problem, is := err.(Problem); is && problem.Message == plainHTTP && p.AllowHTTP {
		return nil
	}
	return err
}

// Validate returns everything that is wrong with the profile, in the order of the fields; nil when it can be used. It
// checks what can be known without asking anybody: whether the server agrees is for the login to find out.
func (p Profile) Validate() []Problem {
	var all []Problem
	for i := range table {
		f := &table[i]
		if f.member == nil {
			continue
		}
		all = append(all, f.validate(&p)...)
		switch f.Key {
		case "issuer":
			all = append(all, p.validateServer()...)
		case "client_id":
			all = append(all, p.validateClient()...)
		case "redirect_uri":
			all = append(all, p.validateRedirect()...)
		case "expected_account":
			all = append(all, p.validateAccount()...)
		case "fapi_profile":
			all = append(all, p.validateFAPI()...)
		case "temporary_credential_params":
			all = append(all, p.validateGrant()...)
		case "token_params":
			for _, name := range p.TokenParams.names() {
				if p.sentTwice(name) {
					all = append(all, Problem{Key: "token_params." + name,
						Message: "would be sent twice, " + name + " is set as well; keep one (RFC 6749 §3.2)"})
				}
			}
		}
	}
	return append(all, p.secretProblems()...)
}

func (f *Field) validate(p *Profile) []Problem {
	if m, ok := f.member(p).(*Parameters); ok {
		var all []Problem
		for _, name := range m.names() {
			if bad := f.check(name + "=" + (*m)[name]); bad != "" {
				all = append(all, Problem{Key: f.Key + "." + name, Message: bad})
			}
		}
		return all
	}
	if !f.Required && !isSet(f.member(p)) {
		return nil
	}
	values := f.values(p, "")
	if len(values) == 0 && f.Required {
		return []Problem{{Key: f.Key, Message: missing}}
	}
	for _, v := range values {
		if v == "" {
			return []Problem{{Key: f.Key, Message: "has an empty value in its list; remove it"}}
		}
	}
	if bad, found := f.checkAll(values); found && !(bad.Message == plainHTTP && p.AllowHTTP) {
		return []Problem{bad}
	}
	return nil
}

// secretProblems says of every secret that stood in the file where it belongs. Its value is not known any more.
func (p Profile) secretProblems() []Problem {
	var all []Problem
	for _, key := range p.secrets {
		message := "is a secret in plain text in profiles.json and is not used; remove it from the file"
		f := row(key)
		switch {
		case f != nil && f.Kind == KindPEM:
			message = "holds a private key, which is not used; keep the certificate alone in the file, and store its key with `fob profile set " +
				shellWord(p.Name) + " tls_client_key=@FILE`"
		case f != nil && f.Kind == KindSecret:
			message = "is in plain text in profiles.json and is not used; remove it from the file and store it with `fob profile set " +
				shellWord(p.Name) + " " + key + "=@FILE` (or " + key + "=- to read it from stdin)"
		}
		all = append(all, Problem{Key: key, Message: message})
	}
	return all
}

// shellWord writes a name as it has to be typed.
func shellWord(name string) string {
	if name == "" {
		return "NAME"
	}
	if strings.ContainsAny(name, " \t\"'\\$`!&|;<>()*?[]{}~#") {
		return strconv.Quote(name)
	}
	return name
}
