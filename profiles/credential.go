package profiles

import (
	"net"
	"net/url"
	"strings"
)

// Hosts are those that the profile's token may be handed to a tool for: the API's and the CredentialHosts, as HOST:PORT in lower
// case, the port being 443 unless the profile says otherwise.
func (p Profile) Hosts() []string {
	var hosts []string
	if u, err := url.Parse(p.APIBaseURL); err == nil && u.Host != "" {
		hosts = append(hosts, hostPort(u.Scheme, u.Host))
	}
	for _, host := range p.CredentialHosts {
		hosts = append(hosts, hostPort("", host))
	}
	return hosts
}

// HandedTo says whether a tool that talks to host (HOST or HOST:PORT) by scheme may have the profile's token. Over plain http only
// this machine gets it (RFC 6750 §5.3), and only where the profile names the port.
func (p Profile) HandedTo(scheme, host string) bool {
	name, _, err := net.SplitHostPort(hostPort(scheme, host))
	if err != nil || scheme == "http" && !loopback(name) {
		return false
	}
	asked := hostPort(scheme, host)
	for _, h := range p.Hosts() {
		if h == asked {
			return true
		}
	}
	return false
}

// CredentialUser is the user name that goes with the token, with the default applied.
func (p Profile) CredentialUser() string {
	if p.CredentialUsername == "" {
		return DefaultCredentialUsername
	}
	return p.CredentialUsername
}

// hostPort is host in lower case with its port, the scheme's own where it names none.
func hostPort(scheme, host string) string {
	host = strings.ToLower(host)
	name, port := host, ""
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	}
	if port == "" {
		port = "443"
		if scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(strings.Trim(name, "[]"), port)
}

func checkCredentialHost(v string) string {
	u, err := url.Parse("https://" + v)
	if err != nil || u.Host == "" || u.Host != v || u.Hostname() == "" || u.User != nil || strings.ContainsAny(v, "*/?# \t") {
		return "is not a host; write it like git.example.com or git.example.com:8443, without https:// and path"
	}
	return ""
}

func checkUsername(v string) string {
	if bad := checkPlain(v); bad != "" {
		return bad
	}
	if strings.ContainsAny(v, ": \t") {
		return "has a colon or a space; a user name in HTTP Basic has none (RFC 7617 §2)"
	}
	return ""
}
