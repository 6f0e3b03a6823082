package oauth

import "strings"

// tenantID stands for a tenant in the issuer of a document for many of them
// (Microsoft Entra; OpenID Connect has no such thing).
const tenantID = "{tenantid}"

// sameIssuer reports whether a document is of the issuer that was asked. A
// template, where it is allowed, must be the issuer asked but for one segment
// of its path.
func sameIssuer(document, asked string, template bool) bool {
	if document == asked {
		return true
	}
	before, after, found := strings.Cut(document, tenantID)
	return template && found && oneSegment(asked, before, after)
}

// oneSegment reports whether s is before, one path segment, and after.
func oneSegment(s, before, after string) bool {
	rest, ok := strings.CutPrefix(s, before)
	if !ok || !strings.HasSuffix(before, "/") || strings.Count(before, "/") < 3 || !strings.HasSuffix(rest, after) {
		return false
	}
	return tenantName(strings.TrimSuffix(rest, after))
}

func tenantName(s string) bool {
	return s != "" && len(s) <= maxCode && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == "" &&
		s != "." && s != ".."
}

// tenantIssuer fills the tenant of an id_token into a template; "" when there
// is none that could be one.
func tenantIssuer(template, tid string) string {
	if !strings.Contains(template, tenantID) {
		return template
	}
	if !tenantName(tid) {
		return ""
	}
	return strings.Replace(template, tenantID, tid, 1)
}

// oneTenantOf reports whether iss is the login's issuer where that is a
// template: some tenant of it. Which one, the id_token says.
func (a *Authorization) oneTenantOf(iss string) bool {
	return a.client != nil && a.client.TemplateIssuer && sameIssuer(a.Issuer, iss, true)
}
