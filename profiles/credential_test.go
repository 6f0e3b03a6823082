package profiles

import "testing"

// A tool gets the token for the hosts that the profile names and for no other one, however the address is written.
func TestHandedTo(t *testing.T) {
	p := Profile{Name: "work", APIBaseURL: "https://API.example.com/v1", CredentialHosts: List{"git.example.com", "registry.example.com:5000", "[::1]:8443"}}
	local := Profile{Name: "local", APIBaseURL: "http://127.0.0.1:8080/api", CredentialHosts: List{"localhost:9000"}}
	for _, c := range []struct {
		p            Profile
		scheme, host string
		want         bool
	}{
		{p, "https", "api.example.com", true},
		{p, "https", "api.example.com:443", true},
		{p, "", "GIT.example.com", true},
		{p, "https", "registry.example.com:5000", true},
		{p, "https", "[::1]:8443", true},
		{p, "https", "registry.example.com", false},
		{p, "https", "api.example.com:8443", false},
		{p, "https", "api.example.com.evil.example", false},
		{p, "https", "evil.example", false},
		{p, "https", "api.example.com@evil.example", false},
		{p, "https", "", false},
		{p, "http", "api.example.com", false},
		{p, "http", "git.example.com:443", false}, // unencrypted, whatever the port
		{local, "http", "127.0.0.1:8080", true},
		{local, "http", "127.0.0.1", false},
		{local, "http", "localhost:9000", true},
		{local, "http", "127.0.0.1:8081", false},
		{Profile{}, "https", "", false},
	} {
		if got := c.p.HandedTo(c.scheme, c.host); got != c.want {
			t.Errorf("%s: %s://%s: %v", c.p.Name, c.scheme, c.host, got)
		}
	}
}

func TestCredentialHost(t *testing.T) {
	for _, good := range []string{"git.example.com", "git.example.com:8443", "127.0.0.1:80", "[::1]:443"} {
		if bad := checkCredentialHost(good); bad != "" {
			t.Errorf("%s %s", good, bad)
		}
	}
	for _, bad := range []string{"", "https://git.example.com", "git.example.com/path", "*.example.com", "a b", "u@h", "h?x", "h:port"} {
		if checkCredentialHost(bad) == "" {
			t.Errorf("%q is taken for a host", bad)
		}
	}
	if checkUsername("a:b") == "" || checkUsername("x-access-token") != "" {
		t.Error("user names")
	}
}
