package oauth

// Suggestions are what the server offers, and this client does not use, that
// makes a stolen token worthless: "Authorization and resource servers SHOULD
// use mechanisms for sender-constraining access tokens" (RFC 9700 section
// 2.2.1). Whether the API takes such tokens its owner must say, so nothing is
// switched on. What is suggested of client authentication, ChosenAuthMethod
// says.
func (c *Client) Suggestions() []string {
	m := c.Metadata
	if m == nil || c.DPoP || c.CertificateBound {
		return nil
	}
	var all []string
	if len(m.DPoPSigningAlgsSupported) > 0 { // RFC 9449 section 5.1
		all = append(all, "the server can bind tokens to a key (DPoP), so that a stolen one is worth nothing: "+
			"set dpop_bound_access_tokens if the API takes such tokens (RFC 9700 section 2.2.1)")
	}
	// RFC 8705 section 3.3
	if bound, _ := m.Extra["tls_client_certificate_bound_access_tokens"].(bool); bound && c.Certificate != nil {
		all = append(all, "the server can bind tokens to the client's certificate, so that a stolen one is worth nothing: "+
			"set tls_client_certificate_bound_access_tokens if the API takes such tokens (RFC 9700 section 2.2.1)")
	}
	return all
}
