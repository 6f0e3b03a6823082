package profiles

// networkFields say how the server is reached.
var networkFields = []Field{
	{
		Key: "proxy", Label: "Proxy", Group: GroupNetwork, Kind: KindText, Advanced: true, Open: true,
		Default: "the system's",
		Help:    "The proxy for all requests of this profile; none goes without one.",
		Example: "http://proxy.example.com:3128",
		Choices: []Choice{{"", "The system's"}, {"none", "None"}},
		check:   checkProxy,
		member:  func(p *Profile) any { return &p.Proxy },
	},
	{
		Key: "request_timeout", Label: "Request timeout", Group: GroupNetwork, Kind: KindDuration, Advanced: true,
		Default: "30s",
		Help:    "How long one request to the server may take.",
		Example: "1m",
		check:   checkRequestTimeout,
		member:  func(p *Profile) any { return &p.RequestTimeout },
	},
	{
		Key: "ca_certificate", Label: "Authority certificates", Group: GroupNetwork, Kind: KindPEM, Advanced: true, Multiline: true,
		Default: "the system's authorities alone",
		Help: "Certificates of further authorities to trust for this server, in PEM: a company's own, or a test " +
			"server's.",
		Example: "-----BEGIN CERTIFICATE-----\nMIIBszCC\n-----END CERTIFICATE-----",
		RFC:     "RFC 5280 §6.1",
		check:   checkCertificates,
		member:  func(p *Profile) any { return &p.CACertificate },
	},
	{
		Key: "allow_http", Label: "Allow plain http", Group: GroupNetwork, Kind: KindBool, Advanced: true,
		Default: "false",
		Help: "Allows addresses with http:// beyond this machine. Everybody on the way can then read and use your " +
			"tokens.",
		Example: "true",
		RFC:     "RFC 6749 §10.9",
		check:   checkBool,
		member:  func(p *Profile) any { return &p.AllowHTTP },
	},
	{
		Key: "tls_skip_verify", Label: "Skip TLS checks", Group: GroupNetwork, Kind: KindBool, Advanced: true,
		Default: "false",
		Help: "Does not check who the server is. Everybody on the way can then read and use your tokens: prefer " +
			"ca_certificate.",
		Example: "true",
		RFC:     "RFC 6749 §10.9",
		check:   checkBool,
		member:  func(p *Profile) any { return &p.TLSSkipVerify },
	},
}

// quirkFields are the one way to say what else is different.
var quirkFields = []Field{
	{
		Key: "quirks", Label: "Quirks", Group: GroupQuirks, Kind: KindJSON, Advanced: true, Multiline: true,
		Help: "What the server does otherwise than the standards say, as a JSON object: see the section on quirks. " +
			"Presets fill it in.",
		Example: `{"scope_separator":","}`,
		check:   checkQuirks,
		member:  func(p *Profile) any { return &p.Quirks },
	},
}
