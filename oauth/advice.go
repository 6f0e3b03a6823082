package oauth

import (
	_ "embed" // vendorerrors.json
	"encoding/json"
	"net/url"
	"strings"
	"sync"
)

// vendorErrorsJSON is what the errors of the big vendors mean. The order counts:
// of one vendor's, the first that fits is the right one.
//
//go:embed vendorerrors.json
var vendorErrorsJSON string

type vendorError struct {
	Vendor, Match, Sentence, Remedy, Kind string
}

var (
	vendorErrorsOnce sync.Once
	vendorErrorsList []vendorError
)

// vendorErrors is read on first use: `fob token` must not pay for it.
func vendorErrors() []vendorError {
	vendorErrorsOnce.Do(func() {
		if json.Unmarshal([]byte(vendorErrorsJSON), &vendorErrorsList) != nil {
			vendorErrorsList = nil // a test holds that it can be read
		}
		for i := range vendorErrorsList {
			vendorErrorsList[i].Match = strings.ToLower(vendorErrorsList[i].Match)
		}
	})
	return vendorErrorsList
}

// Advice says what an error means that its vendor has a number or a sentence
// of its own for (AADSTS50011, "Service not found"), and what to do about it.
// It knows more than Code.Explain; known is false when it knows nothing.
func (e *Error) Advice() (sentence, remedy string, known bool) {
	found, known := e.vendorError()
	return found.Sentence, found.Remedy, known
}

func (e *Error) vendorError() (vendorError, bool) {
	if e.Code == "" && e.Description == "" {
		return vendorError{}, false
	}
	said := strings.ToLower(string(e.Code) + " " + e.Description)
	vendor := vendorOf(e.Endpoint)
	for _, v := range vendorErrors() {
		switch {
		case vendor != "" && !strings.HasPrefix(v.Vendor, vendor):
		case vendor == "" && !underOwnName(v.Vendor):
		case says(said, v.Match):
			return v, true
		}
	}
	return vendorError{}, false
}

// says: AADSTS50 is not said by AADSTS50011, nor invalid_auth by
// invalid_authorization.
func says(text, match string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], match)
		if i < 0 {
			return false
		}
		begin, end := from+i, from+i+len(match)
		if (begin == 0 || !inWord(text[begin-1]) || !inWord(match[0])) &&
			(end == len(text) || !inWord(text[end]) || !inWord(match[len(match)-1])) {
			return true
		}
		from = begin + 1
	}
}

func inWord(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '_' }

// vendorOf tells a vendor by its address; "" when it may be anybody's.
func vendorOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	host := "." + strings.ToLower(u.Hostname())
	for _, v := range [...][2]string{
		{".microsoftonline.com", "Microsoft"}, {".microsoftonline.us", "Microsoft"}, {".chinacloudapi.cn", "Microsoft"},
		{".windows.net", "Microsoft"}, {".live.com", "Microsoft"}, {".b2clogin.com", "Microsoft"}, {".ciamlogin.com", "Microsoft"},
		{".auth0.com", "Auth0"}, {".okta.com", "Okta"}, {".oktapreview.com", "Okta"}, {".okta-emea.com", "Okta"},
		{".google.com", "Google"}, {".googleapis.com", "Google"}, {".github.com", "GitHub"}, {".slack.com", "Slack"},
		{".facebook.com", "Facebook"}, {".salesforce.com", "Salesforce"}, {".force.com", "Salesforce"},
		{".spotify.com", "Spotify"}, {".atlassian.com", "Atlassian"},
	} {
		if strings.HasSuffix(host, v[0]) {
			return v[1]
		}
	}
	if strings.Contains(u.Path, "/realms/") {
		return "Keycloak"
	}
	return ""
}

// underOwnName: vendors whose servers also stand under their customers'
// names. The codes of the others are too common to be told elsewhere.
func underOwnName(vendor string) bool {
	switch vendor {
	case "Microsoft", "Microsoft B2C", "Auth0", "Okta", "Keycloak":
		return true
	}
	return false
}
