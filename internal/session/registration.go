package session

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"time"

	"fob/oauth"
	"fob/profiles"
)

// keptRegistration is a dynamic client registration as the keychain holds it beside the profile's secrets.
type keptRegistration struct {
	Issuer      string               `json:"issuer"`
	ClientID    string               `json:"client_id"`
	Secret      string               `json:"client_secret,omitempty"`
	IssuedAt    time.Time            `json:"issued_at,omitzero"`
	ExpiresAt   time.Time            `json:"expires_at,omitzero"`
	AccessToken string               `json:"registration_access_token,omitempty"`
	URI         string               `json:"registration_client_uri,omitempty"`
	Renewals    int                  `json:"renewals,omitempty"`
	Replaces    string               `json:"replaces,omitempty"` // the profile's client id before this one
	Metadata    oauth.ClientMetadata `json:"metadata"`
}

func keepable(r *oauth.Registration) keptRegistration {
	return keptRegistration{
		Issuer: r.Issuer, ClientID: r.ClientID, Secret: r.ClientSecret.Reveal(), IssuedAt: r.IssuedAt, ExpiresAt: r.SecretExpiresAt,
		AccessToken: r.RegistrationAccessToken.Reveal(), URI: r.RegistrationClientURI, Renewals: r.Renewals, Metadata: r.Metadata,
	}
}

// registration is what Fob registered for the profile; nil when it did not. A registration made elsewhere, of which the profile
// has address and token, counts too (RFC 7592 §2).
func (c *client) registration() *oauth.Registration {
	if k, ok := c.secrets.registration(); ok && k.ClientID == c.profile.ClientID {
		return &oauth.Registration{
			Issuer: k.Issuer, ClientID: k.ClientID, ClientSecret: oauth.Secret(k.Secret), IssuedAt: k.IssuedAt, SecretExpiresAt: k.ExpiresAt,
			RegistrationAccessToken: oauth.Secret(k.AccessToken), RegistrationClientURI: k.URI, Renewals: k.Renewals, Metadata: k.Metadata,
		}
	}
	if c.profile.RegistrationClientURI == "" {
		return nil
	}
	return &oauth.Registration{
		Issuer: c.Metadata.Issuer, ClientID: c.profile.ClientID, ClientSecret: c.Secret, RegistrationClientURI: c.profile.RegistrationClientURI,
		RegistrationAccessToken: c.secrets.get("registration_access_token"), Metadata: c.wants(),
	}
}

// registration is what is kept of the last one.
func (s secrets) registration() (k keptRegistration, ok bool) {
	text := s[registered]
	return k, text != "" && json.Unmarshal([]byte(text), &k) == nil && k.ClientID != ""
}

// wants is the client that the profile wants the server to register (RFC 7591 §2).
func (c *client) wants() oauth.ClientMetadata {
	p := c.profile
	grants := []string{profiles.GrantURI(p.Grant())}
	if p.Attended() {
		grants = append(grants, "refresh_token")
	}
	m := oauth.ClientMetadata{
		ClientName: cmp.Or(p.ClientName, "Fob"), ApplicationType: "native", GrantTypes: grants, Scope: p.Scope,
		TokenEndpointAuthMethod: p.TokenEndpointAuthMethod, TokenEndpointAuthSigningAlg: p.TokenEndpointAuthSigningAlg,
		IDTokenSigningAlg: p.IDTokenSignedResponseAlg, IDTokenEncryptionAlg: p.IDTokenEncryptedResponseAlg, IDTokenEncryptionEnc: p.IDTokenEncryptedResponseEnc,
		UserinfoSigningAlg: p.UserinfoSignedResponseAlg, UserinfoEncryptionAlg: p.UserinfoEncryptedResponseAlg, UserinfoEncryptionEnc: p.UserinfoEncryptedResponseEnc,
		RequestObjectSigningAlg: p.RequestObjectSigningAlg, RequestObjectEncryptionAlg: p.RequestObjectEncryptionAlg, RequestObjectEncryptionEnc: p.RequestObjectEncryptionEnc,
		AuthorizationSigningAlg: p.AuthorizationSignedResponseAlg, AuthorizationEncryptionAlg: p.AuthorizationEncryptedResponseAlg,
		AuthorizationEncryptionEnc: p.AuthorizationEncryptedResponseEnc, IntrospectionSigningAlg: p.IntrospectionSignedResponseAlg,
		RequirePushedAuthorizationRequests: p.RequirePushedAuthorizationRequests, RequireSignedRequestObject: p.RequireSignedRequestObject,
		DPoPBoundAccessTokens: p.DPoPBoundAccessTokens, CertificateBoundAccessTokens: p.TLSClientCertificateBoundAccessTokens,
	}
	if p.UsesBrowser() {
		for _, uri := range p.RedirectURIs() {
			m.RedirectURIs = union(m.RedirectURIs, oauth.LoopbackTwins(uri))
		}
		m.ResponseTypes = []string{p.Response()}
	}
	if m.TokenEndpointAuthMethod == "" {
		m.TokenEndpointAuthMethod = oauth.NativeClient(c.Metadata, "", "", nil).TokenEndpointAuthMethod
		switch {
		case c.PrivateKeys != nil:
			m.TokenEndpointAuthMethod = oauth.AuthPrivateKeyJWT
		case !p.Attended(): // who has no person to ask has to prove itself
			m.TokenEndpointAuthMethod = oauth.AuthSecretBasic
		}
	}
	if c.PrivateKeys != nil {
		var set map[string]any
		if json.Unmarshal(c.PrivateKeys.Public(), &set) == nil {
			m.JWKS = set
		}
	}
	return m
}

// Register registers a client for the profile at its server (RFC 7591) and writes the client id into the profile.
func (e *Engine) Register(ctx context.Context, name string) (Registration, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return Registration{}, e.unknownProfile(name)
	}
	r, _, err := e.register(ctx, p, 0)
	if err != nil {
		return Registration{}, Explain(name, err)
	}
	return described(r), nil
}

// register registers a client and keeps what the server settled on. renewals counts how often that was done since a login
// last succeeded.
func (e *Engine) register(ctx context.Context, p profiles.Profile, renewals int) (*oauth.Registration, profiles.Profile, error) {
	if p.UsesBrowser() && len(p.RedirectURI) == 0 {
		p = p.Clone()
		p.RedirectURI = portsOfItsOwn()
	}
	c, err := e.registrar(ctx, p)
	if err != nil {
		return nil, p, err
	}
	r, err := oauth.Register(ctx, c.HTTP, c.Metadata, c.wants(), c.secrets.get("initial_access_token"))
	if err != nil {
		var mismatch *oauth.MismatchError
		if errors.As(err, &mismatch) && r != nil && r.RegistrationClientURI != "" {
			// What cannot be used is not left behind.
			if undo := r.Delete(ctx, c.HTTP); undo != nil {
				e.log.Info("registration", "profile", p.Name, "problem", undo.Error())
			}
		}
		return nil, p, err
	}
	r.Renewals = renewals
	kept, err := e.keepRegistration(context.WithoutCancel(ctx), p, r)
	if err != nil && r.RegistrationClientURI != "" {
		if undo := r.Delete(ctx, c.HTTP); undo != nil {
			e.log.Info("registration", "profile", p.Name, "problem", undo.Error())
		}
	}
	return r, kept, err
}

// portsOfItsOwn are redirect URIs to register. Many servers that let anybody register compare the port, which RFC 8252 §7.3 forbids, so
// that any port would do only at the others. They lie below those that systems give out by themselves, and are tried in order.
func portsOfItsOwn() profiles.List {
	var list profiles.List
	for range 3 {
		list = append(list, "http://127.0.0.1:"+strconv.Itoa(20000+rand.IntN(12000))+"/callback")
	}
	return list
}

// unregisteredID stands for the client id that a registration will bring.
const unregisteredID = "unregistered"

// registrar is the client of a profile that may have no client id yet.
func (e *Engine) registrar(ctx context.Context, p profiles.Profile) (*client, error) {
	if p.ClientID == "" {
		p.ClientID = unregisteredID
	}
	return e.clientWith(ctx, p, func(c *client) (err error) {
		c.Metadata, err = e.metadataFor(ctx, p, c.HTTP, metadataAge)
		return err
	})
}

// keepRegistration stores a registration and writes its client id into the profile, as that is now: it may have been edited while
// the server was asked.
func (e *Engine) keepRegistration(ctx context.Context, asked profiles.Profile, r *oauth.Registration) (profiles.Profile, error) {
	release, err := e.turn(ctx, asked.Name)
	if err != nil {
		return asked, err
	}
	defer release()
	p, ok := e.file.Get(asked.Name)
	if !ok {
		return asked, e.unknownProfile(asked.Name)
	}
	if authority(p) != authority(asked) || p.ClientID != asked.ClientID {
		return asked, &Error{Kind: Failed, Code: CodeProfileChanged, Sentence: "profile " + p.Name + " was changed while its client was registered", Remedy: "try again"}
	}
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return p, err
	}
	k := keepable(r)
	if k.Replaces = p.ClientID; k.Replaces == k.ClientID {
		k.Replaces = ""
	}
	text, err := json.Marshal(k)
	if err != nil {
		return p, err
	}
	kept[registered] = string(text)
	for key, value := range map[string]string{"client_secret": r.ClientSecret.Reveal(), "registration_access_token": r.RegistrationAccessToken.Reveal()} {
		if kept[key] = value; value == "" {
			delete(kept, key)
		}
	}
	// Secrets first; a crash before the profile has the client id is mended by settle.
	if err := e.writeSecrets(ctx, p, kept); err != nil {
		return p, err
	}
	return e.putClient(p, k)
}

// putClient writes a registered client into the profile.
func (e *Engine) putClient(p profiles.Profile, k keptRegistration) (profiles.Profile, error) {
	p.ClientID, p.TokenEndpointAuthMethod = k.ClientID, k.Metadata.TokenEndpointAuthMethod
	p.RegistrationClientURI, p.ClientSecretExpiresAt = k.URI, nil
	if p.UsesBrowser() && len(p.RedirectURI) == 0 { // see portsOfItsOwn
		p.RedirectURI = slices.DeleteFunc(slices.Clone(k.Metadata.RedirectURIs), func(uri string) bool {
			u, err := url.Parse(uri)
			return err != nil || u.Hostname() != "127.0.0.1" || u.Port() == ""
		})
	}
	if !k.ExpiresAt.IsZero() {
		at := int(k.ExpiresAt.Unix())
		p.ClientSecretExpiresAt = &at
	}
	if err := e.file.Put(p, "", false); err != nil {
		return p, unwritten(p.Name, err)
	}
	e.sync()
	return p, nil
}

// settle sees, before a login, that the profile has a client that the server knows, as far as that can be told: what a crash
// has left half done is finished, what cannot be used any more is registered anew.
func (e *Engine) settle(ctx context.Context, p profiles.Profile) (profiles.Profile, error) {
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return p, err
	}
	k, ok := kept.registration()
	switch {
	case p.ClientID == unregisteredID && !ok:
		_, p, err = e.register(ctx, p, 0)
		return p, err
	case !ok:
		return p, nil
	case k.ClientID != p.ClientID && k.Replaces == p.ClientID:
		return e.putClient(p, k)
	case k.ClientID != p.ClientID:
		return p, nil // somebody has given it another client since
	}
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return p, err
	}
	r, failed := c.registration(), error(nil)
	managed := r.RegistrationClientURI != "" && r.RegistrationAccessToken != ""
	// A server that has forgotten the client says so in the browser, where nobody but the person hears it.
	switch {
	case !p.UsesBrowser():
	case !managed && c.Metadata.PushedAuthorizationRequestEndpoint == "" && len(r.Metadata.RedirectURIs) > 0:
		failed = c.StillKnown(ctx, r.Metadata.RedirectURIs[0])
	case managed:
		read, err := r.Read(ctx, c.HTTP)
		if failed = err; err == nil {
			if read.RegistrationAccessToken != r.RegistrationAccessToken || read.ClientSecret != r.ClientSecret {
				if _, err := e.keepRegistration(context.WithoutCancel(ctx), p, read); err != nil {
					return p, err
				}
			}
			r = read
		}
	}
	redirect := ""
	if p.UsesBrowser() {
		redirect = p.RedirectURIs()[0]
	} else if len(r.Metadata.RedirectURIs) > 0 {
		redirect = r.Metadata.RedirectURIs[0]
	}
	if redirect == "" { // nothing to compare: only its end counts
		if !r.SecretExpired(wall()) {
			return p, nil
		}
	} else if due, _, err := oauth.RegistrationDue(r, c.Metadata.Issuer, redirect, failed, wall()); err != nil || !due {
		return p, err
	}
	renewals := r.Renewals
	if oauth.Forgotten(failed) {
		renewals++
	}
	_, p, err = e.register(ctx, p, renewals)
	return p, err
}

// confirm notes that a login succeeded with the registered client: if the server forgets it again, that is another story.
func (e *Engine) confirm(ctx context.Context, c *client) {
	k, ok := c.secrets.registration()
	if !ok || k.Renewals == 0 || k.ClientID != c.profile.ClientID {
		return
	}
	r := c.registration()
	r.Renewals = 0
	if _, err := e.keepRegistration(context.WithoutCancel(ctx), c.profile, r); err != nil {
		e.log.Info("registration", "profile", c.profile.Name, "problem", err.Error())
	}
}

func described(r *oauth.Registration) Registration {
	text, err := json.Marshal(r.Metadata)
	if err != nil {
		text = []byte("{}")
	}
	return Registration{ClientID: r.ClientID, ExpiresAt: some(r.SecretExpiresAt), Metadata: text,
		Managed: r.RegistrationClientURI != "" && r.RegistrationAccessToken != ""}
}

// managed runs one operation of RFC 7592 on the profile's registration and keeps what comes of it: every answer may bring a new
// access token, and the old one is void at once.
func (e *Engine) managed(ctx context.Context, name string, do func(*client, *oauth.Registration) (*oauth.Registration, error)) (*oauth.Registration, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return nil, e.unknownProfile(name)
	}
	c, err := e.registrar(ctx, p)
	if err != nil {
		return nil, Explain(name, err)
	}
	r := c.registration()
	if r == nil {
		return nil, &Error{Kind: Failed, Code: CodeNotRegistered, Sentence: "profile " + name + ": its client was not registered by Fob", Remedy: "register one: fob profile register " + quoteArg(name)}
	}
	r, err = do(c, r)
	if r != nil {
		if _, keepErr := e.keepRegistration(context.WithoutCancel(ctx), p, r); keepErr != nil {
			return nil, Explain(name, keepErr)
		}
	}
	if err != nil {
		return nil, Explain(name, err)
	}
	return r, nil
}

// Registration asks the server what it holds of the profile's client (RFC 7592 §2.1).
func (e *Engine) Registration(ctx context.Context, name string) (Registration, error) {
	r, err := e.managed(ctx, name, func(c *client, r *oauth.Registration) (*oauth.Registration, error) { return r.Read(ctx, c.HTTP) })
	if err != nil {
		return Registration{}, err
	}
	return described(r), nil
}

// UpdateRegistration sends what the profile wants now to the server (RFC 7592 §2.2).
func (e *Engine) UpdateRegistration(ctx context.Context, name string) (Registration, error) {
	r, err := e.managed(ctx, name, func(c *client, r *oauth.Registration) (*oauth.Registration, error) {
		return r.Update(ctx, c.HTTP, c.wants())
	})
	if err != nil {
		return Registration{}, err
	}
	return described(r), nil
}

// Unregister deletes the profile's client at the server (RFC 7592 §2.3). Its client id is of no use any more.
func (e *Engine) Unregister(ctx context.Context, name string) error {
	_, err := e.managed(ctx, name, func(c *client, r *oauth.Registration) (*oauth.Registration, error) {
		if err := r.Delete(ctx, c.HTTP); err != nil && !errors.Is(err, oauth.ErrForgotten) {
			return nil, err
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	release, err := e.turn(ctx, name)
	if err != nil {
		return Explain(name, err)
	}
	defer release()
	p, ok := e.file.Get(name)
	if !ok {
		return nil
	}
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return Explain(name, err)
	}
	for _, key := range []string{registered, "client_secret", "registration_access_token"} {
		delete(kept, key)
	}
	if err := e.writeSecrets(ctx, p, kept); err != nil {
		return Explain(name, err)
	}
	p = p.Clone()
	p.RegistrationClientURI, p.ClientSecretExpiresAt = "", nil
	if err := e.file.Put(p, "", false); err != nil {
		return unwritten(name, err)
	}
	e.sync()
	return nil
}

// unregistration deletes, at the server, the client that Fob registered there for a profile that is going away (RFC 7592 §2.3); nil
// when there is none. What comes of it is nobody's concern any more.
func (e *Engine) unregistration(ctx context.Context, p profiles.Profile) func() {
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return nil
	}
	k, ok := kept.registration()
	if !ok || k.ClientID != p.ClientID || k.URI == "" || k.AccessToken == "" || e.sharesClient(p) {
		return nil
	}
	return func() {
		ctx, cancel := context.WithTimeout(e.life, logoutTimeout)
		defer cancel()
		c := &client{profile: p, secrets: kept, Client: &oauth.Client{}}
		way, err := e.roadFor(p)
		if err == nil {
			err = c.registration().Delete(ctx, way.http)
		}
		if err != nil {
			e.log.Info("registration", "profile", p.Name, "problem", err.Error())
		}
	}
}

// sharesClient says that another profile uses the client of p, too.
func (e *Engine) sharesClient(p profiles.Profile) bool {
	return slices.ContainsFunc(e.file.Shared(), func(other *profiles.Profile) bool {
		return other.Name != p.Name && other.ClientID == p.ClientID && authority(*other) == authority(p)
	})
}

// forgotten says that err means that the server has forgotten the client that Fob registered there.
func (e *Engine) forgotten(ctx context.Context, p profiles.Profile, err error) bool {
	if !oauth.Forgotten(err) {
		return false
	}
	c, clientErr := e.clientFor(ctx, p, metadataAge)
	if clientErr != nil {
		return false
	}
	k, ok := c.secrets.registration()
	return ok && k.ClientID == p.ClientID
}

// registerAgain registers anew, once.
func (e *Engine) registerAgain(ctx context.Context, p profiles.Profile) (profiles.Profile, error) {
	c, err := e.clientFor(ctx, p, metadataAge)
	if err != nil {
		return p, err
	}
	r := c.registration()
	if _, _, err := oauth.RegistrationDue(r, c.Metadata.Issuer, p.RedirectURIs()[0], oauth.InvalidClient, wall()); err != nil {
		return p, err
	}
	_, p, err = e.register(ctx, p, r.Renewals+1)
	return p, err
}
