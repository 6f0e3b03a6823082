package authserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// serverTLS is the configuration of a listener with one of our certificates.
func serverTLS(askClient bool) (*tls.Config, error) {
	ca, err := authority()
	if err != nil {
		return nil, err
	}
	cert, err := newCertificate("Fob test server", &ca)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if askClient {
		// A self-signed certificate leads to no authority; what is demanded of a certificate
		// depends on the client, so it is checked where the client is known.
		c.ClientAuth = tls.RequestClientCert
	}
	return c, nil
}

// mutualHost is the second address of a server that does not listen.
func mutualHost(issuer *url.URL) string { return "mtls." + issuer.Host }

// mutualIssuer is what go-oidc puts before the paths of mtls_endpoint_aliases.
func (s *Server) mutualIssuer() string {
	return s.base.Scheme + "://" + s.mtlsHost + s.base.Path
}

// listenMutual opens the second address of a server that Start made.
func listenMutual(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	c, err := serverTLS(true)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	return tls.NewListener(ln, c), nil
}

// certificateOf returns the certificate that came with a request to the second address.
func (s *Server) certificateOf(r *http.Request) *x509.Certificate {
	if s.mtlsHost == "" || !strings.EqualFold(r.Host, s.mtlsHost) || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// MutualTLSURL returns the URL of the second address that stands for the issuer, without a final
// slash: the protected API takes certificate-bound tokens there, at MutualTLSURL() + "/api/whoami".
func (s *Server) MutualTLSURL() string { return s.mutualIssuer() }

// checkCertificate holds a request with a certificate-bound token to that certificate (RFC 8705
// section 3). The problem is in words, "" for none.
func checkCertificate(cert *x509.Certificate, cnf *goidc.TokenConfirmation) string {
	if cnf == nil || cnf.CertThumbprint == "" {
		return ""
	}
	if cert == nil {
		return "the access token is bound to a certificate and came without one"
	}
	if hash(string(cert.Raw)) != cnf.CertThumbprint {
		return "the access token is bound to another certificate"
	}
	return ""
}

var errNoCertificate = errors.New("no client certificate that counts here")

// clientCertificate is go-oidc's view of the certificate. It binds tokens to whatever it is shown,
// so it is shown only what the client registered for, and for tls_client_auth only what our
// authority issued (RFC 8705 section 2.1: the PKI method validates the chain).
func (s *Server) clientCertificate(ctx context.Context) (*x509.Certificate, error) {
	r := requestOf(ctx)
	if r.certificate == nil || r.client == nil {
		return nil, errNoCertificate
	}
	method := r.client.TokenAuthnMethod
	if method != goidc.AuthnMethodTLS && method != goidc.AuthnMethodSelfSignedTLS && !r.client.TLSTokenBindingIsRequired {
		return nil, errNoCertificate
	}
	if method == goidc.AuthnMethodTLS {
		roots, err := RootCAs()
		if err != nil {
			return nil, err
		}
		_, err = r.certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		if err != nil {
			return nil, err
		}
	}
	return r.certificate, nil
}
