package profiles

import (
	"strings"
	"unicode"
)

// accountFields say whose login it is. Only issuer and subject together identify an account (OpenID Connect Core §5.7): names and
// e-mail addresses change hands.
var accountFields = []Field{
	{
		Key: "expected_subject", Label: "Always this account", Group: GroupAccount, Kind: KindText, Advanced: true,
		Help: "The account that this profile is for, as the server identifies it (sub). A login as another one is refused. " +
			"`fob profile pin` fills it in from the login there is.",
		Example: "248289761001",
		RFC:     "OpenID Connect Core 1.0 §5.7",
		When:    "a person logs in",
		shown:   attended,
		check:   checkPlain,
		member:  func(p *Profile) any { return &p.ExpectedSubject },
	},
	{
		Key: "expected_issuer", Label: "Vouched for by", Group: GroupAccount, Kind: KindURL, Advanced: true,
		Default: "the profile's own issuer",
		Help:    "The issuer (iss) that expected_subject is an account of.",
		Example: "https://login.example.com/realms/work",
		RFC:     "OpenID Connect Core 1.0 §5.7",
		When:    "a person logs in",
		shown:   attended,
		check:   checkIssuer,
		member:  func(p *Profile) any { return &p.ExpectedIssuer },
	},
	{
		Key: "expected_account", Label: "Name of the account", Group: GroupAccount, Kind: KindText, Advanced: true,
		Default: "expected_subject",
		Help: "What people call that account. It stands in messages, and is filled in on the login page as the login hint; " +
			"it decides nothing.",
		Example: "ana@example.com",
		When:    "a person logs in",
		shown:   attended,
		check:   checkPlain,
		member:  func(p *Profile) any { return &p.ExpectedAccount },
	},
	{
		Key: "account_id_member", Label: "Identified by", Group: GroupAccount, Kind: KindText, Advanced: true,
		Default: "sub, or id and its kin",
		Help: "Which member of the server's answer identifies the account, where there is no ID token: of the token answer or of " +
			"that at the UserInfo endpoint. Dots lead into objects and lists.",
		Example: "data.0.id",
		When:    "a person logs in",
		shown:   attended,
		check:   checkMemberPath,
		member:  func(p *Profile) any { return &p.AccountIDMember },
	},
}

func attended(p Profile) bool { return p.Attended() }

// Pinned says that the profile is for one account alone.
func (p Profile) Pinned() bool { return p.ExpectedSubject != "" }

// Hint is the login_hint to send: the profile's own, else the name of the account that it is pinned to, if that is one to log in by.
func (p Profile) Hint() string {
	if p.LoginHint != "" || !p.Pinned() || p.ExpectedAccount == p.ExpectedSubject || strings.ContainsFunc(p.ExpectedAccount, unicode.IsSpace) {
		return p.LoginHint
	}
	return p.ExpectedAccount
}

// ChoosesAccount says that a login can ask the server to let the person choose the account (OpenID Connect Core §3.1.2.1).
func (p Profile) ChoosesAccount() bool { return usesAuthorization(p) }

// Another is the profile for another account at the same server: what p says of its own account is left out.
func (p Profile) Another(name string) Profile {
	p = p.Clone()
	p.Name = name
	p.ExpectedSubject, p.ExpectedIssuer, p.ExpectedAccount = "", "", ""
	if p.Grant() != GrantCIBA { // which cannot be asked for without
		p.LoginHint = ""
	}
	return p
}

// validateAccount finds a pin that is half of one.
func (p *Profile) validateAccount() []Problem {
	switch {
	case !p.Pinned() && p.ExpectedIssuer != "":
		return []Problem{{Key: "expected_issuer", Message: "is set and expected_subject is not; both together identify an account (OpenID Connect Core §5.7)"}}
	case !p.Pinned() && p.ExpectedAccount != "":
		return []Problem{{Key: "expected_account", Message: "is set and expected_subject is not, and a name identifies nobody; log in and run fob profile pin " + shellWord(p.Name)}}
	case p.Pinned() && !p.Attended():
		return []Problem{{Key: "expected_subject", Message: "is set, and with the grant " + p.Grant() + " nobody logs in"}}
	case p.Pinned() && p.MultiTenantIssuer && p.ExpectedIssuer == "":
		return []Problem{{Key: "expected_issuer", Message: missing + "; the same subject is another account at another tenant"}}
	}
	return nil
}
