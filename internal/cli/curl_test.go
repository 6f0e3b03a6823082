package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var someOptions = curlOptions{"--request": true, "-X": true, "--silent": false, "-s": false, "-S": false, "--data": true, "-d": true, "--url": true, "--location": false, "-L": false,
	"-o": true, "--output": true, "-T": true, "-I": false, "-G": false, "-H": true, "--header": true, "-K": true, "--config": true, "-q": false, "-D": true, "--next": false, "-:": false,
	"-k": false, "--insecure": false, "--proxy-insecure": false, "--doh-insecure": false, "-v": false, "--verbose": false, "--connect-to": true, "--resolve": true, "--disable": false, "--noproxy": true}

// Issue 5: a command line is read as curl reads it, so that no URL hides in it; R-310.
func TestReadCurl(t *testing.T) {
	for _, c := range []struct {
		line, words, urls, method string
		stdin                     bool
	}{
		{"/me", "", "/me", "", false},
		{"-sS /me -o out", "-s -S -o out", "/me", "", false},
		{"-sSoout /me", "-s -S -o out", "/me", "", false},
		{"-XPUT a --url b -- -c", "-X PUT", "a b -c", "PUT", false},
		{"-d @- /x", "-d @-", "/x", "POST", true},
		{"-d@- -X PATCH /x", "-d @- -X PATCH", "/x", "PATCH", true},
		{"-d http://evil.example/ /x", "-d http://evil.example/", "/x", "POST", false},
		{"-T - /x", "-T -", "/x", "PUT", true},
		{"-G -d q=1 /x", "-G -d q=1", "/x", "GET", false},
		{"-d q=1 -G /x", "-d q=1 -G", "/x", "GET", false},
		{"--no-location --silent /x", "--no-location --silent", "/x", "", false},
		{"--no-insecure /x", "--no-insecure", "/x", "", false},
		{"-vvs --verbose /x", "-v -s", "/x", "", false}, // from curl 8.10 on, more of them break the credential over lines
		{"-ok /x", "-o k", "/x", "", false},
	} {
		line, err := readCurl(strings.Fields(c.line), someOptions)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if strings.Join(line.words, " ") != c.words || strings.Join(line.urls, " ") != c.urls || line.method != c.method || line.stdin != c.stdin {
			t.Errorf("%s: %+v", c.line, line)
		}
	}
	for _, bad := range []string{"", "-s", "-", "--nope x /y", "-s: /x", "-K f /x", "--no-data /x", "-o", "--loc /x", "/x -H authorization:x", "/x -H DPoP;",
		"-k /x", "-sk /x", "/x -vks", "--insecure /x", "--insec /x", "--proxy-insecure /x", "--doh-insecure /x"} {
		if line, err := readCurl(strings.Fields(bad), someOptions); err == nil {
			t.Errorf("%s is read as %+v", bad, line)
		}
	}
}

// The real curl tells its options; every one that this package knows by name has the arity that it relies on.
func TestOptionsOfTheRealCurl(t *testing.T) {
	path, err := exec.LookPath("curl")
	if err != nil {
		return // the scripts need one too, and say so
	}
	options, err := optionsOfCurl(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	for option, takes := range someOptions {
		if got, known := options[option]; !known || got != takes {
			t.Errorf("%s takes a value: %v, known %v", option, got, known)
		}
	}
	for _, option := range []string{"--proxy", "-x", "--preproxy", "--data-raw", "--json", "-F", "-b", "-C", "--retry", "-w", "-E", "-m"} {
		if !options[option] {
			t.Errorf("%s takes a value", option)
		}
	}
}

func TestFinalHead(t *testing.T) {
	const ok, no = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/2 401 \r\nwww-authenticate: DPoP error=\"use_dpop_nonce\"\r\ndpop-nonce: n1\r\n\r\n"
	for _, c := range []struct {
		head    string
		follows bool
		refused bool
		nonce   string
	}{
		{ok, false, false, ""}, {no, false, true, "n1"}, {"HTTP/1.1 100 Continue\r\n\r\n" + no, false, true, "n1"},
		{"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n" + no, true, true, "n1"}, {"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n" + no, false, false, ""},
		{"", false, false, ""}, {"HTTP/1.1 401 No\r\nA: ", false, false, ""}, {"HTTP/1.1 401 No\r\n\r\n", false, true, ""},
	} {
		r, refused := finalHead(bufio.NewReader(strings.NewReader(c.head)), c.follows)
		if refused != c.refused || r.nonce != c.nonce {
			t.Errorf("%q: %v, %+v", c.head, refused, r)
		}
	}
}

// however curl's output is cut into pieces, no secret of it passes, and nothing else is lost.
func TestRedactor(t *testing.T) {
	const secret = "s3cr3t.s3cr3t-token"
	text := "> Authorization: Bearer " + secret + "\r\n< s3cr s3cr3t.s3cr3t-tokes " + secret + secret + " s3c"
	want := strings.ReplaceAll(text, secret, "[secret]")
	for size := 1; size < len(text); size++ {
		var out bytes.Buffer
		r := &redactor{to: &out, secrets: longest([]string{secret, "s3cr3t.s3cr3t"})}
		for piece := range slices.Chunk([]byte(text), size) {
			if _, err := r.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		r.flush()
		if got := strings.ReplaceAll(out.String(), "[secret]-tokes", "s3cr3t.s3cr3t-tokes"); got != want {
			t.Fatalf("in pieces of %d: %q", size, got)
		}
	}
}

// A body is sent again as far as it was kept, is passed on while it comes, and one that was read for good is not repeated.
func TestReplay(t *testing.T) {
	read := func(r *replay) string {
		t.Helper()
		var out bytes.Buffer
		r.copyTo(&out)
		return out.String()
	}
	r := newReplay(strings.NewReader("all of it"))
	if first := read(r); first != "all of it" || !r.repeatable() {
		t.Fatalf("%q", first)
	}
	if err := r.rewind(); err != nil {
		t.Fatal(err)
	}
	if second := read(r); second != "all of it" {
		t.Errorf("%q", second)
	}
	source, feed := io.Pipe()
	r = newReplay(source)
	out, seen := io.Pipe()
	go r.copyTo(seen)
	buffer := make([]byte, 5)
	go feed.Write([]byte("early"))
	if _, err := io.ReadFull(out, buffer); err != nil || string(buffer) != "early" {
		t.Errorf("%q, %v: a body is held back until it ends", buffer, err)
	}
	feed.Close()
	r = newReplay(strings.NewReader(strings.Repeat("x", 200<<10)))
	r.most = 64 << 10
	if n := len(read(r)); n != 200<<10 || r.repeatable() {
		t.Errorf("%d bytes, repeatable %v", n, r.repeatable())
	}
}
