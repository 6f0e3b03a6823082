package profiles

import "slices"

// protectionFields say what is signed and what is encrypted.
var protectionFields = []Field{
	{
		Key: "require_pushed_authorization_requests", Label: "Only pushed requests", Group: GroupProtection, Kind: KindBool, Advanced: true,
		Default: "false",
		Help:    "Begins no login whose request cannot be pushed. Without it Fob pushes when the server asks for it.",
		Example: "true",
		RFC:     "RFC 9126 §6",
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   checkBool,
		member:  func(p *Profile) any { return &p.RequirePushedAuthorizationRequests },
	},
	{
		Key: "require_signed_request_object", Label: "Signed requests", Group: GroupProtection, Kind: KindBool, Advanced: true,
		Default: "false",
		Help:    "Signs the authorization request with the private key.",
		Example: "true",
		RFC:     "RFC 9101 §10.5",
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   checkBool,
		member:  func(p *Profile) any { return &p.RequireSignedRequestObject },
	},
	{
		Key: "request_object_signing_alg", Label: "Algorithm of signed requests", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "from the key and what the server takes",
		Help:    "How the request is signed. Setting it signs requests.",
		Example: "ES256",
		RFC:     "RFC 9101 §6.1",
		Choices: signingAlgs,
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   func(v string) string { return among(v, signingAlgs) },
		member:  func(p *Profile) any { return &p.RequestObjectSigningAlg },
	},
	{
		Key: "request_object_encryption_alg", Label: "Encryption of requests", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "not encrypted",
		Help: "How the key is encrypted that the signed request is encrypted with. Setting it encrypts requests with the " +
			"server's key.",
		Example: "RSA-OAEP-256",
		RFC:     "RFC 9101 §6.1",
		Choices: encryptionAlgs,
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   func(v string) string { return among(v, encryptionAlgs) },
		member:  func(p *Profile) any { return &p.RequestObjectEncryptionAlg },
	},
	{
		Key: "request_object_encryption_enc", Label: "Content encryption of requests", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "A128CBC-HS256",
		Help:    "How the signed request itself is encrypted.",
		Example: "A256GCM",
		RFC:     "RFC 9101 §6.1",
		Choices: contentAlgs,
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   func(v string) string { return among(v, contentAlgs) },
		member:  func(p *Profile) any { return &p.RequestObjectEncryptionEnc },
	},
	{
		Key: "authorization_signed_response_alg", Label: "Algorithm of signed answers", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "RS256, or what the server announces",
		Help:    "The only algorithm to accept for answers in a mode with jwt.",
		Example: "ES256",
		RFC:     "JARM §3",
		Choices: answerAlgs,
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   func(v string) string { return among(v, answerAlgs) },
		member:  func(p *Profile) any { return &p.AuthorizationSignedResponseAlg },
	},
	{
		Key: "authorization_encrypted_response_alg", Label: "Encryption of answers", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "not encrypted",
		Help:    "How the key of encrypted answers is encrypted to your private key.",
		Example: "RSA-OAEP-256",
		RFC:     "JARM §3",
		Choices: encryptionAlgs,
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   func(v string) string { return among(v, encryptionAlgs) },
		member:  func(p *Profile) any { return &p.AuthorizationEncryptedResponseAlg },
	},
	{
		Key: "authorization_encrypted_response_enc", Label: "Content encryption of answers", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "A128CBC-HS256",
		Help:    "How encrypted answers themselves are encrypted.",
		Example: "A256GCM",
		RFC:     "JARM §3",
		Choices: contentAlgs,
		When:    "the grant opens a browser",
		shown:   usesAuthorization,
		check:   func(v string) string { return among(v, contentAlgs) },
		member:  func(p *Profile) any { return &p.AuthorizationEncryptedResponseEnc },
	},
	{
		Key: "id_token_signed_response_alg", Label: "Algorithm of ID tokens", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "what the server announces",
		Help:    "The only algorithm to accept for ID tokens.",
		Example: "ES256",
		RFC:     "OpenID Connect Dynamic Client Registration 1.0 §2",
		Choices: answerAlgs,
		When:    "the server sends ID tokens",
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, answerAlgs) },
		member:  func(p *Profile) any { return &p.IDTokenSignedResponseAlg },
	},
	{
		Key: "id_token_encrypted_response_alg", Label: "Encryption of ID tokens", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "not encrypted",
		Help:    "How the key of encrypted ID tokens is encrypted to your private key.",
		Example: "RSA-OAEP-256",
		RFC:     "OpenID Connect Dynamic Client Registration 1.0 §2",
		Choices: encryptionAlgs,
		When:    "the server sends ID tokens",
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, encryptionAlgs) },
		member:  func(p *Profile) any { return &p.IDTokenEncryptedResponseAlg },
	},
	{
		Key: "id_token_encrypted_response_enc", Label: "Content encryption of ID tokens", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "A128CBC-HS256",
		Help:    "How encrypted ID tokens themselves are encrypted.",
		Example: "A256GCM",
		RFC:     "OpenID Connect Dynamic Client Registration 1.0 §2",
		Choices: contentAlgs,
		When:    "the server sends ID tokens",
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, contentAlgs) },
		member:  func(p *Profile) any { return &p.IDTokenEncryptedResponseEnc },
	},
	{
		Key: "userinfo_signed_response_alg", Label: "Algorithm of UserInfo", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "not signed",
		Help:    "Asks for UserInfo as a JWT and accepts only this algorithm.",
		Example: "ES256",
		RFC:     "OpenID Connect Dynamic Client Registration 1.0 §2",
		Choices: answerAlgs,
		When:    "UserInfo is asked",
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, answerAlgs) },
		member:  func(p *Profile) any { return &p.UserinfoSignedResponseAlg },
	},
	{
		Key: "userinfo_encrypted_response_alg", Label: "Encryption of UserInfo", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "not encrypted",
		Help:    "How the key of encrypted UserInfo is encrypted to your private key.",
		Example: "RSA-OAEP-256",
		RFC:     "OpenID Connect Dynamic Client Registration 1.0 §2",
		Choices: encryptionAlgs,
		When:    "UserInfo is asked",
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, encryptionAlgs) },
		member:  func(p *Profile) any { return &p.UserinfoEncryptedResponseAlg },
	},
	{
		Key: "userinfo_encrypted_response_enc", Label: "Content encryption of UserInfo", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "A128CBC-HS256",
		Help:    "How encrypted UserInfo itself is encrypted.",
		Example: "A256GCM",
		RFC:     "OpenID Connect Dynamic Client Registration 1.0 §2",
		Choices: contentAlgs,
		When:    "UserInfo is asked",
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, contentAlgs) },
		member:  func(p *Profile) any { return &p.UserinfoEncryptedResponseEnc },
	},
	{
		Key: "introspection_signed_response_alg", Label: "Algorithm of introspection", Group: GroupProtection, Kind: KindChoice, Advanced: true,
		Default: "not signed",
		Help:    "Asks for introspection as a JWT and accepts only this algorithm.",
		Example: "ES256",
		RFC:     "RFC 9701 §6",
		Choices: answerAlgs,
		When:    "a token is introspected",
		shown:   isOAuth2,
		check:   func(v string) string { return among(v, answerAlgs) },
		member:  func(p *Profile) any { return &p.IntrospectionSignedResponseAlg },
	},
	{
		Key: "trusted_audiences", Label: "Trusted audiences", Group: GroupProtection, Kind: KindList, Advanced: true, spaced: true,
		Help:    "Further audiences that an ID token may be made out to beside this client.",
		Example: "https://api.example.com",
		RFC:     "OpenID Connect Core 1.0 §3.1.3.7",
		When:    "the server sends ID tokens",
		shown:   isOAuth2,
		check:   checkPlain,
		member:  func(p *Profile) any { return &p.TrustedAudiences },
	},
}

// constrainedFields say to whom a token is bound.
var constrainedFields = []Field{
	{
		Key: "dpop_bound_access_tokens", Label: "DPoP", Group: GroupConstrained, Kind: KindBool, Advanced: true,
		Default: "false",
		Help: "Binds tokens to a key that only Fob has, so that a stolen token is of no use. Every request then needs a " +
			"proof: see `fob header`.",
		Example: "true",
		RFC:     "RFC 9449 §5.2",
		shown:   isOAuth2,
		check:   checkBool,
		member:  func(p *Profile) any { return &p.DPoPBoundAccessTokens },
	},
	{
		Key: "dpop_signing_alg", Label: "Algorithm of DPoP", Group: GroupConstrained, Kind: KindChoice, Advanced: true,
		Default: "ES256",
		Help:    "How proofs are signed.",
		Example: "ES384",
		RFC:     "RFC 9449 §4.2",
		Choices: dpopAlgs,
		When:    "DPoP is on",
		shown:   usesDPoP,
		check:   func(v string) string { return among(v, dpopAlgs) },
		member:  func(p *Profile) any { return &p.DPoPSigningAlg },
	},
	{
		Key: "tls_client_certificate_bound_access_tokens", Label: "Bound to the TLS certificate", Group: GroupConstrained, Kind: KindBool, Advanced: true,
		Default: "false",
		Help:    "Binds tokens to the TLS certificate: they are good only on connections that show it.",
		Example: "true",
		RFC:     "RFC 8705 §3.4",
		shown:   isOAuth2,
		check:   checkBool,
		member:  func(p *Profile) any { return &p.TLSClientCertificateBoundAccessTokens },
	},
	{
		Key: "allow_bearer_tokens", Label: "Accept bearer tokens", Group: GroupConstrained, Kind: KindBool, Advanced: true,
		Default: "false",
		Help:    "Takes a plain bearer token although DPoP was asked for. Whoever steals such a token can use it.",
		Example: "true",
		RFC:     "RFC 9449 §5",
		When:    "DPoP is on",
		shown:   usesDPoP,
		check:   checkBool,
		member:  func(p *Profile) any { return &p.AllowBearerTokens },
	},
	{
		Key: "token_types", Label: "Further token types", Group: GroupConstrained, Kind: KindList, Advanced: true, spaced: true,
		Help: "Values of token_type to treat as Bearer, at servers that make up their own; none is an answer without " +
			"one.",
		Example: "example none",
		RFC:     "RFC 6749 §7.1",
		shown:   isOAuth2,
		check:   checkTokenTypeName,
		member:  func(p *Profile) any { return &p.TokenTypes },
	},
}

// registrationFields are what a registration gave.
var registrationFields = []Field{
	{
		Key: "registration_client_uri", Label: "Registration address", Group: GroupRegistration, Kind: KindURL, Advanced: true,
		Help:    "Where the registration of this client is read, changed and deleted. Registration fills it in.",
		Example: "https://login.example.com/register/acme-desktop",
		RFC:     "RFC 7592 §2",
		When:    "the client was registered by Fob",
		shown:   isOAuth2,
		check:   checkEndpoint,
		member:  func(p *Profile) any { return &p.RegistrationClientURI },
	},
	{
		Key: "registration_access_token", Label: "Registration access token", Group: GroupRegistration, Kind: KindSecret, Advanced: true,
		Help:    "What the registration address asks for. Registration fills it in; it rests in the keychain.",
		Example: "@token.txt",
		RFC:     "RFC 7592 §3",
		When:    "the client was registered by Fob",
		shown:   isOAuth2,
		check:   checkSecret,
	},
	{
		Key: "initial_access_token", Label: "Initial access token", Group: GroupRegistration, Kind: KindSecret, Advanced: true,
		Help: "What the registration endpoint asks for, at servers that do not let everybody register. It rests in the " +
			"keychain.",
		Example: "@token.txt",
		RFC:     "RFC 7591 §3",
		When:    "Fob registers the client itself",
		shown:   isOAuth2,
		check:   checkSecret,
	},
}

// signingAlgs are those that a private key signs with (RFC 7518 §3.1, RFC 8037 §3.1): "none" is not among them (RFC 8725 §3.1).
var signingAlgs = []Choice{
	{"", "Automatic"}, {"ES256", "ES256"}, {"ES384", "ES384"}, {"ES512", "ES512"}, {"PS256", "PS256"}, {"PS384", "PS384"},
	{"PS512", "PS512"}, {"RS256", "RS256"}, {"RS384", "RS384"}, {"RS512", "RS512"}, {"EdDSA", "EdDSA"},
}

// clientSigningAlgs are those of a client's assertion: with its key, or with its secret.
var clientSigningAlgs = append(slices.Clone(signingAlgs), secretAlgs...)

// answerAlgs are those that a server may sign with: its key, or the client's secret.
var answerAlgs = append(slices.Clone(signingAlgs), secretAlgs...)

var secretAlgs = []Choice{{"HS256", "HS256"}, {"HS384", "HS384"}, {"HS512", "HS512"}}

var dpopAlgs = []Choice{
	{"", "Automatic"}, {"ES256", "ES256"}, {"ES384", "ES384"}, {"ES512", "ES512"}, {"PS256", "PS256"}, {"RS256", "RS256"}, {"EdDSA", "EdDSA"},
}

// encryptionAlgs are those of RFC 7518 §4.1 but RSA1_5, which leaks what it encrypts (RFC 8725 §3.2).
var encryptionAlgs = []Choice{
	{"", "Automatic"}, {"RSA-OAEP", "RSA-OAEP"}, {"RSA-OAEP-256", "RSA-OAEP-256"}, {"ECDH-ES", "ECDH-ES"},
	{"ECDH-ES+A128KW", "ECDH-ES+A128KW"}, {"ECDH-ES+A192KW", "ECDH-ES+A192KW"}, {"ECDH-ES+A256KW", "ECDH-ES+A256KW"},
	{"A128KW", "A128KW"}, {"A192KW", "A192KW"}, {"A256KW", "A256KW"},
	{"A128GCMKW", "A128GCMKW"}, {"A192GCMKW", "A192GCMKW"}, {"A256GCMKW", "A256GCMKW"}, {"dir", "dir"},
}

var contentAlgs = []Choice{
	{"", "Automatic"}, {"A128CBC-HS256", "A128CBC-HS256"}, {"A192CBC-HS384", "A192CBC-HS384"}, {"A256CBC-HS512", "A256CBC-HS512"},
	{"A128GCM", "A128GCM"}, {"A192GCM", "A192GCM"}, {"A256GCM", "A256GCM"},
}
