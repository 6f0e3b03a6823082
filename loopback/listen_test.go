package loopback

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestRefusesWhatIsNotThisMachine(t *testing.T) { // R-093 R-095
	for raw, want := range map[string]string{
		"https://127.0.0.1:0/cb":       "https needs a certificate",
		"ftp://127.0.0.1/":             `scheme "ftp"`,
		"app.fob.Fob:/cb":              `scheme "app.fob.fob"`,
		"127.0.0.1:8400":               "first path segment",
		"":                             `scheme ""`,
		"http://0.0.0.0:0/cb":          `host "0.0.0.0" is not this machine alone`,
		"http://[::]:0/cb":             `host "::" is not`,
		"http://[::ffff:127.0.0.1]:0/": "is not this machine alone",
		"http://:8400/cb":              `host "" is not`,
		"http://192.168.1.4:0/cb":      "is not this machine alone",
		"http://localhost.evil.com:0/": "is not this machine alone",
		"http://127.0.0.1.evil.com:0/": "is not this machine alone",
		"http://2130706433:0/":         "is not this machine alone",
		"http://127.1:0/":              "is not this machine alone",
		"http://user@127.0.0.1:0/":     "a user name has no place",
		"http://127.0.0.1:0/cb#x":      "no #fragment",
		"http://127.0.0.1:0/cb#":       "no #fragment",
		"http://127.0.0.1:65536/cb":    "port 65536 is not between",
		"http://127.0.0.1:http/cb":     "invalid port",
	} {
		// A good one beside it does not hide the mistake.
		r, err := Listen("http://127.0.0.1:0/ok", raw)
		if err == nil {
			r.Close()
			t.Errorf("%q was accepted", raw)
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"`+raw+`"`) {
			t.Errorf("%q: %v, want %q", raw, err, want)
		}
	}
	if _, err := Listen(); err == nil {
		t.Error("no address was accepted")
	}
}

func TestPortList(t *testing.T) { // R-093 F-072
	busy, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	first := "http://" + busy.Addr().String() + "/cb"
	r := mustListen(t, first, "http://127.0.0.1:0/second?tenant=a%2Fb")
	defer r.Close()
	if !strings.HasSuffix(r.RedirectURI(), "/second?tenant=a%2Fb") || strings.Contains(r.RedirectURI(), ":0/") {
		t.Errorf("redirect URI %q", r.RedirectURI())
	}
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	_, err = Listen(first, "http://localhost:"+port+"/cb")
	if err == nil {
		t.Fatal("a busy port was listened on")
	}
	for _, want := range []string{"127.0.0.1:" + port + " is in use", "localhost:" + port + " is in use", "another port"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestFixedAddressStaysAsWritten(t *testing.T) { // R-092 F-072
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	r := mustListen(t, "http://"+address)
	done := start(t, r, "s1")
	if r.RedirectURI() != "http://"+address {
		t.Errorf("redirect URI %q", r.RedirectURI())
	}
	if status, _ := get(t, r.RedirectURI()+"?state=s1"); status != 200 {
		t.Errorf("status %d", status)
	}
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

func TestPortEighty(t *testing.T) { // F-072
	// Whether 80 may be listened on is the machine's affair: the addresses count.
	a, err := parse("http://LocalHost/cb")
	if err != nil || a.port != 80 {
		t.Fatalf("port %d, %v", a.port, err)
	}
	fake := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	r := newReceiver(a, []net.Listener{addrOnly{fake}})
	if r.RedirectURI() != "http://LocalHost/cb" || strings.Join(r.hosts, " ") != "localhost:80 localhost" {
		t.Errorf("%q, hosts %q", r.RedirectURI(), r.hosts)
	}
}

type addrOnly struct{ addr net.Addr }

func (a addrOnly) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (a addrOnly) Close() error              { return nil }
func (a addrOnly) Addr() net.Addr            { return a.addr }

// hasIPv6 asks the kernel, not our code.
func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

func TestIPv6(t *testing.T) { // R-093 F-074
	r, err := Listen("http://[::1]:0/cb")
	if !hasIPv6() {
		if err == nil || !strings.Contains(err.Error(), "[::1]:0 does not exist on this machine") {
			t.Fatalf("without IPv6: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	done := start(t, r, "s1")
	if !strings.HasPrefix(r.RedirectURI(), "http://[::1]:") {
		t.Errorf("redirect URI %q", r.RedirectURI())
	}
	if status, _ := get(t, r.RedirectURI()+"?code=c&state=s1"); status != 200 {
		t.Errorf("status %d", status)
	}
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

// the name may mean either address, so both are ours, and a program
// that holds one of them is not shared with.
func TestLocalhostIsBothFamilies(t *testing.T) { // F-074
	r := mustListen(t, "http://localhost:0/cb")
	done := start(t, r, "s1")
	port := strconv.Itoa(r.listeners[0].Addr().(*net.TCPAddr).Port)
	hosts := []string{"127.0.0.1"}
	if hasIPv6() {
		hosts = append(hosts, "::1")
	}
	for _, ip := range hosts {
		req, _ := http.NewRequest("GET", "http://"+net.JoinHostPort(ip, port)+"/cb?state=other", nil)
		req.Host = "localhost:" + port
		resp, err := client.Do(req)
		if body(t, resp, err); resp.StatusCode != 400 {
			t.Errorf("%s: %d", ip, resp.StatusCode)
		}
		if l, err := net.Listen("tcp", net.JoinHostPort(ip, port)); err == nil {
			l.Close()
			t.Errorf("%s port %s could be taken by somebody else", ip, port) // F-075
		}
	}
	if status, _ := get(t, r.RedirectURI()+"?code=c&state=s1"); status != 200 {
		t.Errorf("status %d", status)
	}
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

func TestLocalhostWithHalfTaken(t *testing.T) {
	opened := map[string]int{}
	failing := func(errs ...error) listenFunc { // the errors of tcp6, in turn
		return func(network, address string) (net.Listener, error) {
			opened[network]++
			if network == "tcp4" {
				return net.Listen(network, address)
			}
			if n := opened[network]; n <= len(errs) {
				return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", errs[n-1])}
			}
			return addrOnly{&net.TCPAddr{IP: net.IPv6loopback}}, nil
		}
	}
	for _, errno := range []error{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT} {
		clear(opened)
		r, err := listen(failing(errno), "", []string{"http://localhost:0/"})
		if err != nil || len(r.listeners) != 1 {
			t.Fatalf("a machine without IPv6 (%v): %v", errno, err)
		}
		r.Close()
	}
	clear(opened)
	r, err := listen(failing(syscall.EADDRINUSE, syscall.EADDRINUSE), "", []string{"http://localhost:0/"})
	if err != nil || len(r.listeners) != 2 || opened["tcp4"] != 3 {
		t.Fatalf("any port, ::1 taken twice: %v, %v", err, opened)
	}
	r.Close()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	free.Close()
	clear(opened)
	_, err = listen(failing(syscall.EADDRINUSE), "", []string{"http://localhost:" + port + "/"})
	if err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Fatalf("fixed port, ::1 taken: %v", err)
	}
	again, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("the first half was not given back: %v", err)
	}
	again.Close()
}
