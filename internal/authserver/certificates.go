package authserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// authority issues the certificates of servers and of their clients; one lives as long as the
// process, so that a client can be registered before the server starts.
var authority = sync.OnceValues(func() (tls.Certificate, error) {
	return newCertificate("Fob test authority", nil)
})

// RootCAs trusts the certificates of servers started with Options.TLS or Options.MutualTLS.
func RootCAs() (*x509.CertPool, error) {
	ca, err := authority()
	if err != nil {
		return nil, fmt.Errorf("authserver: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	return pool, nil
}

// ClientCertificate issues a certificate for tls_client_auth with the subject "CN=" and name,
// which is what Client.TLSSubjectDN has to say.
func ClientCertificate(name string) (tls.Certificate, error) {
	ca, err := authority()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("authserver: %w", err)
	}
	return newCertificate(name, &ca)
}

// SelfSignedCertificate makes a certificate for self_signed_tls_client_auth, and the key set to
// register as Client.JWKS (RFC 8705 section 2.2).
func SelfSignedCertificate(name string) (cert tls.Certificate, jwks string, err error) {
	if cert, err = newCertificate(name, nil); err != nil {
		return cert, "", err
	}
	sum := sha256.Sum256(cert.Certificate[0])
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: cert.Leaf.PublicKey, KeyID: "certificate", Algorithm: string(jose.ES256), Use: "sig",
		Certificates: []*x509.Certificate{cert.Leaf}, CertificateThumbprintSHA256: sum[:],
	}}})
	return cert, string(data), err
}

// newCertificate makes a certificate for this machine, signed by ca or by itself. It is good from
// before the year 2000, where a testing/synctest bubble begins.
func newCertificate(name string, ca *tls.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	} else {
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage |= x509.KeyUsageCertSign
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
