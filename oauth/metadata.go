package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// Metadata is what an authorization server says about itself (RFC 8414
// section 2, OpenID Connect Discovery section 3, and the registry they
// opened). A nil list means that the server said nothing, which has a default
// of its own for some of them. It marshals under the registered names and
// keeps what it does not know in Extra.
type Metadata struct {
	Issuer                             string
	AuthorizationEndpoint              string
	TokenEndpoint                      string
	JWKSURI                            string
	UserinfoEndpoint                   string
	RevocationEndpoint                 string
	IntrospectionEndpoint              string
	RegistrationEndpoint               string
	EndSessionEndpoint                 string
	PushedAuthorizationRequestEndpoint string
	DeviceAuthorizationEndpoint        string
	BackchannelAuthenticationEndpoint  string

	ScopesSupported                        []string
	ResponseTypesSupported                 []string
	ResponseModesSupported                 []string
	GrantTypesSupported                    []string
	ACRValuesSupported                     []string
	PromptValuesSupported                  []string
	CodeChallengeMethodsSupported          []string
	TokenEndpointAuthMethodsSupported      []string
	TokenEndpointAuthSigningAlgsSupported  []string
	RevocationEndpointAuthMethodsSupported []string
	// RFC 8414 section 2 and RFC 9701 section 7.
	IntrospectionEndpointAuthMethodsSupported []string
	IntrospectionSigningAlgsSupported         []string
	IDTokenSigningAlgsSupported               []string
	UserinfoSigningAlgsSupported              []string
	RequestObjectSigningAlgsSupported         []string
	AuthorizationSigningAlgsSupported         []string
	DPoPSigningAlgsSupported                  []string
	BackchannelDeliveryModesSupported         []string
	AuthorizationDetailsTypesSupported        []string
	ClaimsSupported                           []string

	AuthorizationResponseIssSupported  bool // RFC 9207 section 3
	RequirePushedAuthorizationRequests bool
	RequireSignedRequestObject         bool
	ClaimsParameterSupported           bool
	RequestParameterSupported          bool
	ClientIDMetadataDocumentSupported  bool

	// MTLSEndpointAliases maps endpoint names to addresses (RFC 8705 section 5).
	MTLSEndpointAliases map[string]string

	// Extra holds the members that have no field here.
	Extra map[string]any
}

// member is a registered name and the field that holds it.
type member struct {
	name     string
	str      *string
	list     *[]string
	flag     *bool
	endpoint bool
}

// members lists all fields by name; reading, writing and checking go by it.
func (m *Metadata) members() []member {
	end := func(name string, p *string) member { return member{name: name, str: p, endpoint: true} }
	list := func(name string, p *[]string) member { return member{name: name, list: p} }
	flag := func(name string, p *bool) member { return member{name: name, flag: p} }
	return []member{
		{name: "issuer", str: &m.Issuer},
		end("authorization_endpoint", &m.AuthorizationEndpoint),
		end("token_endpoint", &m.TokenEndpoint),
		end("jwks_uri", &m.JWKSURI),
		end("userinfo_endpoint", &m.UserinfoEndpoint),
		end("revocation_endpoint", &m.RevocationEndpoint),
		end("introspection_endpoint", &m.IntrospectionEndpoint),
		end("registration_endpoint", &m.RegistrationEndpoint),
		end("end_session_endpoint", &m.EndSessionEndpoint),
		end("pushed_authorization_request_endpoint", &m.PushedAuthorizationRequestEndpoint),
		end("device_authorization_endpoint", &m.DeviceAuthorizationEndpoint),
		end("backchannel_authentication_endpoint", &m.BackchannelAuthenticationEndpoint),
		list("scopes_supported", &m.ScopesSupported),
		list("response_types_supported", &m.ResponseTypesSupported),
		list("response_modes_supported", &m.ResponseModesSupported),
		list("grant_types_supported", &m.GrantTypesSupported),
		list("acr_values_supported", &m.ACRValuesSupported),
		list("prompt_values_supported", &m.PromptValuesSupported),
		list("code_challenge_methods_supported", &m.CodeChallengeMethodsSupported),
		list("token_endpoint_auth_methods_supported", &m.TokenEndpointAuthMethodsSupported),
		list("token_endpoint_auth_signing_alg_values_supported", &m.TokenEndpointAuthSigningAlgsSupported),
		list("revocation_endpoint_auth_methods_supported", &m.RevocationEndpointAuthMethodsSupported),
		list("introspection_endpoint_auth_methods_supported", &m.IntrospectionEndpointAuthMethodsSupported),
		list("introspection_signing_alg_values_supported", &m.IntrospectionSigningAlgsSupported),
		list("id_token_signing_alg_values_supported", &m.IDTokenSigningAlgsSupported),
		list("userinfo_signing_alg_values_supported", &m.UserinfoSigningAlgsSupported),
		list("request_object_signing_alg_values_supported", &m.RequestObjectSigningAlgsSupported),
		list("authorization_signing_alg_values_supported", &m.AuthorizationSigningAlgsSupported),
		list("dpop_signing_alg_values_supported", &m.DPoPSigningAlgsSupported),
		list("backchannel_token_delivery_modes_supported", &m.BackchannelDeliveryModesSupported),
		list("authorization_details_types_supported", &m.AuthorizationDetailsTypesSupported),
		list("claims_supported", &m.ClaimsSupported),
		flag("authorization_response_iss_parameter_supported", &m.AuthorizationResponseIssSupported),
		flag("require_pushed_authorization_requests", &m.RequirePushedAuthorizationRequests),
		flag("require_signed_request_object", &m.RequireSignedRequestObject),
		flag("claims_parameter_supported", &m.ClaimsParameterSupported),
		flag("request_parameter_supported", &m.RequestParameterSupported),
		flag("client_id_metadata_document_supported", &m.ClientIDMetadataDocumentSupported),
	}
}

const memberAliases = "mtls_endpoint_aliases"

// UnmarshalJSON reads a metadata document. A member of the wrong type is
// refused, one that is unknown is kept.
func (m *Metadata) UnmarshalJSON(data []byte) error {
	obj, err := decodeObject(data)
	if err != nil {
		return err
	}
	var read Metadata
	if err := readMembers(obj, read.members(), ErrMetadata); err != nil {
		return err
	}
	if aliases, ok := obj[memberAliases].(map[string]any); ok {
		delete(obj, memberAliases)
		read.MTLSEndpointAliases = make(map[string]string, len(aliases))
		for name, v := range aliases {
			if s, ok := v.(string); ok {
				read.MTLSEndpointAliases[name] = s
			}
		}
	}
	if len(obj) > 0 {
		read.Extra = obj
	}
	*m = read
	return nil
}

// readMembers moves what obj says into the fields. One of the wrong type is
// refused as kind.
func readMembers(obj map[string]any, list []member, kind failure) error {
	for _, f := range list {
		v, found := obj[f.name]
		if !found {
			continue
		}
		delete(obj, f.name)
		if !f.set(v) {
			return fmt.Errorf("%w: %s has the wrong type", kind, f.name)
		}
	}
	return nil
}

// writeMembers is the inverse, over what has no field. An empty list is
// written, one that is nil is not.
func writeMembers(list []member, extra map[string]any) map[string]any {
	obj := make(map[string]any, len(extra)+16)
	for name, v := range extra {
		obj[name] = v
	}
	for _, f := range list {
		switch {
		case f.str != nil && *f.str != "":
			obj[f.name] = *f.str
		case f.flag != nil && *f.flag:
			obj[f.name] = true
		case f.list != nil && *f.list != nil:
			obj[f.name] = *f.list
		}
	}
	return obj
}

// set stores a member. null counts as absent: some servers write it for what
// they do not have.
func (f member) set(v any) bool {
	switch {
	case v == nil:
		return true
	case f.str != nil:
		s, ok := v.(string)
		*f.str = s
		return ok
	case f.flag != nil:
		b, ok := v.(bool)
		if s, isText := v.(string); isText && (s == "true" || s == "false") {
			b, ok = s == "true", true // seen in the field
		}
		*f.flag = b
		return ok
	}
	values, ok := v.([]any)
	list := texts(values)
	*f.list = list
	return ok && len(list) == len(values)
}

// MarshalJSON writes the document under its registered names, Extra included.
func (m Metadata) MarshalJSON() ([]byte, error) {
	obj := writeMembers(m.members(), m.Extra)
	if len(m.MTLSEndpointAliases) > 0 {
		obj[memberAliases] = m.MTLSEndpointAliases
	}
	return json.Marshal(obj)
}

// check refuses a document with an endpoint that credentials must not be sent
// to: not https (RFC 8414 section 2), with a fragment, or on this very
// computer while the issuer is not.
func (m *Metadata) check() error {
	issuer, err := url.Parse(m.Issuer)
	if err != nil {
		return &reasoned{ErrMetadata, "the issuer is not a URL"}
	}
	for _, f := range m.members() {
		if !f.endpoint || *f.str == "" {
			continue
		}
		if why := badEndpoint(*f.str, loopback(issuer)); why != "" {
			return &reasoned{ErrMetadata, f.name + " " + why}
		}
	}
	for name, alias := range m.MTLSEndpointAliases {
		if why := badEndpoint(alias, loopback(issuer)); why != "" {
			return &reasoned{ErrMetadata, memberAliases + "." + clean(name, maxCode) + " " + why}
		}
	}
	return nil
}

func badEndpoint(endpoint string, local bool) string {
	u, err := parseEndpoint("", endpoint)
	switch {
	case errors.Is(err, ErrInsecure):
		return "is not https"
	case err != nil:
		return "is not an address to send requests to"
	case u.Scheme != "https" && !local:
		return "points at this computer while the issuer is elsewhere"
	}
	return ""
}

// allows reports whether a list permits a value; a list that is absent
// permits what the specification says is the default.
func allows(listed []string, value string) bool {
	return listed == nil || slices.Contains(listed, value)
}
