package profiles

// redirectFields say how the answer comes back.
var redirectFields = []Field{
	{
		Key: "redirect_uri", Label: "Redirect URIs", Group: GroupRedirect, Kind: KindList, spaced: true,
		Default: DefaultRedirectURI,
		Help: "Where the browser brings the answer: this machine, on a port that the server accepts. Port 0 is any free port, " +
			"no port is 80. Several are tried in order.",
		Example: "http://127.0.0.1:8400/callback",
		RFC:     "RFC 8252 §7.3",
		When:    "the grant opens a browser",
		shown:   usesBrowser,
		check:   checkRedirect,
		member:  func(p *Profile) any { return &p.RedirectURI },
	},
	{
		Key: "browser", Label: "Browser", Group: GroupRedirect, Kind: KindCommand, Advanced: true,
		Default: "the desktop's browser",
		Help:    "The command that opens the login page; the address is added as its last argument.",
		Example: "firefox -P work",
		When:    "the grant opens a browser",
		shown:   usesBrowser,
		check:   checkCommand,
		member:  func(p *Profile) any { return &p.Browser },
	},
	{
		Key: "login_timeout", Label: "Login timeout", Group: GroupRedirect, Kind: KindDuration, Advanced: true,
		Default: "5m",
		Help:    "How long a login waits for you.",
		Example: "10m",
		When:    "a person logs in",
		shown:   func(p Profile) bool { return p.Attended() },
		check:   checkLoginTimeout,
		member:  func(p *Profile) any { return &p.LoginTimeout },
	},
	{
		Key: "listen_address", Label: "Listen address", Group: GroupRedirect, Kind: KindText, Advanced: true,
		Default: "the redirect URI's own",
		Help: "Where Fob listens for the redirect, when that is another address than the redirect URI says: in a " +
			"container whose port is forwarded. Beyond loopback anybody on that network can reach it during a login.",
		Example: "0.0.0.0:8400",
		RFC:     "RFC 8252 §8.3",
		When:    "the grant opens a browser",
		shown:   usesBrowser,
		check:   checkListen,
		member:  func(p *Profile) any { return &p.ListenAddress },
	},
}

// tokenFields say what to do with the token.
var tokenFields = []Field{
	{
		Key: "refresh_before", Label: "Refresh before", Group: GroupToken, Kind: KindDuration, Advanced: true,
		Default: "chosen from the token's lifetime",
		Help:    "How long before its end a token is refreshed.",
		Example: "5m",
		check:   checkBefore,
		member:  func(p *Profile) any { return &p.RefreshBefore },
	},
	{
		Key: "reminder_before", Label: "Remind before", Group: GroupToken, Kind: KindDuration, Advanced: true,
		Default: "10m",
		Help:    "How long before its end you are reminded of a token that cannot be refreshed.",
		Example: "30m",
		check:   checkBefore,
		member:  func(p *Profile) any { return &p.ReminderBefore },
	},
	{
		Key: "api_base_url", Label: "API base URL", Group: GroupToken, Kind: KindURL,
		Help:    "The API the token is for: the copied curl command calls it.",
		Example: "https://api.example.com/v1",
		check:   checkBaseURL,
		member:  func(p *Profile) any { return &p.APIBaseURL },
	},
	{
		Key: "token_placement", Label: "Token placement", Group: GroupToken, Kind: KindChoice, Advanced: true,
		Default: "header",
		Help: "Where the copied curl command puts the token. Addresses are logged and kept in histories: use query only " +
			"where the API takes nothing else.",
		Example: "header",
		RFC:     "RFC 6750 §2",
		Choices: placements,
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, placements) },
		member:  func(p *Profile) any { return &p.TokenPlacement },
	},
	{
		Key: "token_header_name", Label: "Token header", Group: GroupToken, Kind: KindText, Advanced: true,
		Default: "Authorization",
		Help:    "The header that carries the token, where that is not Authorization.",
		Example: "X-Api-Token",
		RFC:     "RFC 6750 §2.1",
		shown:   isOAuth2,
		check:   checkHeaderName,
		member:  func(p *Profile) any { return &p.TokenHeaderName },
	},
	{
		Key: "token_header_scheme", Label: "Token scheme", Group: GroupToken, Kind: KindText, Advanced: true,
		Default: "Bearer or DPoP in Authorization, none in another header",
		Help:    "The word in front of the token; none for the token alone.",
		Example: "Token",
		RFC:     "RFC 9110 §11.4",
		shown:   isOAuth2,
		check:   checkHeaderName,
		member:  func(p *Profile) any { return &p.TokenHeaderScheme },
	},
	{
		Key: "credential_hosts", Label: "Credential hosts", Group: GroupToken, Kind: KindList, Advanced: true, spaced: true,
		Help: "Hosts beside the API's that git, docker, cargo and their kin are handed this token for, through `fob credential`. " +
			"No other host gets it.",
		Example: "git.example.com",
		check:   checkCredentialHost,
		member:  func(p *Profile) any { return &p.CredentialHosts },
	},
	{
		Key: "credential_username", Label: "Credential user name", Group: GroupToken, Kind: KindText, Advanced: true,
		Default: "oauth2",
		Help:    "The user name that goes with the token where a tool wants both, as git and docker do.",
		Example: "x-access-token",
		check:   checkUsername,
		member:  func(p *Profile) any { return &p.CredentialUsername },
	},
	{
		Key: "agent_forwarding", Label: "Agent forwarding", Group: GroupToken, Kind: KindBool, Advanced: true,
		Default: "false",
		Help: "Let a `fob` on another machine or in a container have this profile's tokens, through the agent's share socket " +
			"that ssh forwards. Whoever is root there can ask for them, too.",
		Example: "true",
		check:   checkBool,
		member:  func(p *Profile) any { return &p.AgentForwarding },
	},
}

var placements = []Choice{{"", "Automatic"}, {"header", "Header"}, {"body", "Form body (weak)"}, {"query", "Address (weak)"}}
