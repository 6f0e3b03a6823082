package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// This file takes clients that are known by the document at their client_id
// (draft-ietf-oauth-client-id-metadata-document).

// maxDocument is the limit that the draft suggests, section 6.6.
const maxDocument = 5 << 10

// isDocumentID reports whether a client_id can be the URL of a document: https, or http on this
// machine for tests, with a path and without fragment, credentials and dot segments (section 3).
func isDocumentID(id string) bool {
	u, err := url.Parse(id)
	if err != nil || u.User != nil || u.Fragment != "" || u.Path == "" || u.Path == "/" {
		return false
	}
	for _, part := range strings.Split(u.Path, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	loopback := u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost"
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

// client is what fetches documents and keys of clients.
func (o Options) client() *http.Client {
	if o.HTTPClient != nil {
		return o.HTTPClient
	}
	return &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // section 4: "MUST NOT"
	}
}

// documentClient fetches the document at a client_id, and holds it to section 4.1.
func (s *Server) documentClient(ctx context.Context, id string) (*goidc.Client, error) {
	if !s.opts.ClientMetadataDocuments || !isDocumentID(id) {
		return nil, goidc.ErrNotFound
	}
	meta, err := s.fetchDocument(ctx, id)
	if err != nil {
		s.noteError(ctx, fmt.Errorf("client metadata document %s: %w", id, err))
		return nil, goidc.ErrNotFound
	}
	return &goidc.Client{ID: id, ClientMeta: meta}, nil
}

func (s *Server) fetchDocument(ctx context.Context, id string) (goidc.ClientMeta, error) {
	var meta goidc.ClientMeta
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, id, nil)
	if err != nil {
		return meta, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.opts.client().Do(req)
	if err != nil {
		return meta, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return meta, err
	}
	var own struct {
		ID     string  `json:"client_id"`
		Secret *string `json:"client_secret"`
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return meta, fmt.Errorf("status %d", resp.StatusCode)
	case len(data) > maxDocument:
		return meta, errors.New("too large")
	}
	if err := errors.Join(json.Unmarshal(data, &own), json.Unmarshal(data, &meta)); err != nil {
		return meta, err
	}
	switch {
	case own.ID != id:
		return meta, fmt.Errorf("its client_id is %q", own.ID)
	case own.Secret != nil || strings.HasPrefix(string(meta.TokenAuthnMethod), "client_secret_"):
		return meta, errors.New("it holds a secret, or wants one")
	case len(meta.RedirectURIs) == 0:
		return meta, errors.New("it is without redirect_uris")
	}
	if meta.TokenAuthnMethod == "" {
		meta.TokenAuthnMethod = goidc.AuthnMethodNone
	}
	if meta.GrantTypes == nil {
		meta.GrantTypes = []goidc.GrantType{goidc.GrantAuthorizationCode}
	}
	if !slices.Contains(meta.GrantTypes, goidc.GrantAuthorizationCode) {
		return meta, errors.New("it is for no grant that begins in a browser")
	}
	meta.ResponseTypes = []goidc.ResponseType{goidc.ResponseTypeCode}
	if meta.ScopeIDs == "" {
		meta.ScopeIDs = strings.Join(s.opts.scopeIDs(), " ")
	}
	return meta, nil
}
