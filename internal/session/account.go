package session

import (
	"encoding/json"
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

// account names who logged in, by the first of the usual members there is. It is for people: see who.
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
	text, _ := valueAt(value, path).(string)
	return text
}

// idAt is textAt, also of a whole number.
func idAt(value any, path string) string {
	switch id := valueAt(value, path).(type) {
	case string:
		return id
	case json.Number:
		return id.String()
	}
	return ""
}

// valueAt is what is at the end of a path, or nil.
func valueAt(value any, path string) any {
	for member := range strings.SplitSeq(path, ".") {
		switch in := value.(type) {
		case map[string]any:
			value = in[member]
		case []any:
			i, err := strconv.Atoi(member)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			value = in[i]
		default:
			return nil
		}
	}
	return value
}
