//go:build e2e && linux

package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority is a certificate authority of one test, and what it issued, as files in dir: ca.pem; server.pem and .key for this
// machine; client.pem and .key for CN=fob-e2e; self.pem and .key, which signed itself.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key = a.newKey()
	a.cert = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "e2e authority"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}, nil, a.key, a.key)
	a.write("ca", a.cert, nil)
	a.issue("server", &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, false)
	forClient := func() *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: "fob-e2e"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	}
	a.issue("client", forClient(), false)
	a.issue("self", forClient(), true)
	return a
}

func (a *authority) newKey() crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	return key
}

// issue makes a key and a certificate for it, and writes both.
func (a *authority) issue(name string, template *x509.Certificate, bySelf bool) {
	key, parent, signer := a.newKey(), a.cert, a.key
	if bySelf {
		parent, signer = nil, key
	}
	a.write(name, a.sign(template, parent, key, signer), key)
}

func (a *authority) sign(template, parent *x509.Certificate, of, by crypto.Signer) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(a.t, err)
	template.SerialNumber, template.BasicConstraintsValid = serial, true
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, of.Public(), by)
	must(a.t, err)
	cert, err := x509.ParseCertificate(der)
	must(a.t, err)
	return cert
}

func (a *authority) write(name string, cert *x509.Certificate, key crypto.Signer) {
	must(a.t, os.WriteFile(a.path(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600))
	if key == nil {
		return
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	must(a.t, os.WriteFile(a.path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

// file writes a secret of a client's to a file beside the certificates, for --set KEY=@FILE.
func (a *authority) file(name, secret string) string {
	a.t.Helper()
	if secret == "" {
		a.t.Fatalf("there is no secret for %s", name)
	}
	must(a.t, os.WriteFile(a.path(name), []byte(secret), 0o600))
	return a.path(name)
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// tls is for somebody who trusts the authority and has the certificate of that name; "" is none.
func (a *authority) tls(name string) *tls.Config {
	a.t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AddCert(a.cert)
	if name != "" {
		pair, err := tls.LoadX509KeyPair(a.path(name+".pem"), a.path(name+".key"))
		must(a.t, err)
		// Not Certificates: of those, Go sends none that is not from an authority that the server names, thus never its own.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return config
}
