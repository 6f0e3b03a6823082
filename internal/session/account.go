package session

import (
	"strconv"
	"strings"
)

// accountMembers name who logged in, in the claims of an ID token or in a provider's own answer at its userinfo endpoint: what a
// person knows the account by comes first. Dots lead into objects and lists.
var accountMembers = []string{
	"email", "preferred_username", "upn", // OpenID Connect Core §5.1, Entra
	"login",                // GitHub
	"username",             // Discord, GitLab, Bitbucket
	"response.email",       // Naver
	"kakao_account.email",  // Kakao
	"account.email",        // DigitalOcean
	"data.username",        // X
	"data.0.login",         // Twitch
	"items.0.display_name", // Stack Exchange
	"display_name",         // Spotify
	"properties.nickname",  // Kakao
	"response.nickname",    // Naver
	"name",                 // Reddit, Facebook, and OpenID Connect's
	"user",                 // Slack
	"nickname",
	"sub", "id",
}

// account names who logged in, by the first of the usual members there is. It is for people: iss and sub identify
// (OIDC Core §5.7), see otherAccount.
func account(claims map[string]any) string {
	for _, path := range accountMembers {
		if who := textAt(claims, path); who != "" {
			// Discord's older names are one only with their number.
			if number := textAt(claims, "discriminator"); path == "username" && number != "" && strings.Trim(number, "0") != "" {
				who += "#" + number
			}
			return who
		}
	}
	return ""
}

// textAt is the text at the end of a path, or "".
func textAt(value any, path string) string {
	for member := range strings.SplitSeq(path, ".") {
		switch in := value.(type) {
		case map[string]any:
			value = in[member]
		case []any:
			i, err := strconv.Atoi(member)
			if err != nil || i >= len(in) {
				return ""
			}
			value = in[i]
		default:
			return ""
		}
	}
	text, _ := value.(string)
	return text
}

// otherAccount says that the claims are of another account than the record's. An e-mail address or a name proves nothing:
// "The sub (subject) and iss (issuer) Claims, used together, are the only Claims that an RP can rely upon as a stable
// identifier" (OIDC Core §5.7).
func (r *record) otherAccount(claims map[string]any) bool {
	iss, sub := textAt(claims, "iss"), textAt(claims, "sub")
	return sub != "" && r.Subject != "" && (sub != r.Subject || iss != "" && r.Issuer != "" && iss != r.Issuer)
}
