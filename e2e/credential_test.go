//go:build e2e && linux

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// tools is a Fob with a login, as other programs find it: fob and its helper names in PATH.
type tools struct {
	*fob
	path, home string
}

func newTools(t *testing.T) *tools {
	t.Helper()
	p, f := startFull(t), newQuiet(t)
	f.at(p, "work", "client_secret_post", "scope=openid email offline_access", "prompt=consent")
	f.enter(p, "work").ok()
	return f.tools()
}

// tools puts fob and its helper names into a directory for PATH.
func (f *fob) tools() *tools {
	t := f.t
	t.Helper()
	k := &tools{fob: f, path: filepath.Join(f.desk.root, "bin"), home: f.desk.lookup("HOME")}
	must(t, os.Mkdir(k.path, 0o700))
	for _, name := range []string{"fob", "git-credential-fob", "docker-credential-fob"} {
		must(t, os.Symlink(program(t, "fob"), filepath.Join(k.path, name)))
	}
	return k
}

// handedTo lets the token go to these hosts and no other.
func (k *tools) handedTo(hosts ...string) {
	k.t.Helper()
	k.run("profile", "set", "work", "credential_hosts="+strings.Join(hosts, " ")).ok()
}

// Other programs ask Fob, each in its own way. One login serves them all.
func TestCredentialHelpers(t *testing.T) {
	t.Parallel()
	k := newTools(t)
	for _, program := range []struct {
		name string
		test func(*testing.T, *tools)
	}{{"git", gitCredential}, {"kubectl", kubectlCredential}, {"files", toolsThatReadCredentials}, {"aws", awsCredential}} {
		t.Run(program.name, func(t *testing.T) { program.test(t, k) })
	}
}

// tool runs another program with Fob in its PATH.
func (k *tools) tool(vars []string, name string, args ...string) (string, error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(k.desk.env(k.vars...), append([]string{"PATH=" + k.path + ":" + os.Getenv("PATH")}, vars...)...)
	cmd.Dir = k.home
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (k *tools) works(vars []string, name string, args ...string) string {
	k.t.Helper()
	out, err := k.tool(vars, name, args...)
	if err != nil {
		k.t.Fatalf("%s %s: %v\n%s", name, args[0], err, out)
	}
	return out
}

// letIn says whether a request comes with the token as a password.
func letIn(r *http.Request, token string) bool {
	user, password, ok := r.BasicAuth()
	return ok && user == "oauth2" && password == token
}

// A git clone over HTTP with the token, and with a fresh one after the server has refused the first.
func gitCredential(t *testing.T, k *tools) {
	var wanted atomic.Value
	wanted.Store("nothing yet")
	backend := strings.TrimSpace(output(t, "git", "--exec-path")) + "/git-http-backend"
	repositories := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q", "--bare", "acme.git"},
		{"-C", "acme.git", "symbolic-ref", "HEAD", "refs/heads/main"},
		{"init", "-q", "-b", "main", "source"},
		{"-C", "source", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "first"},
		{"-C", "source", "push", "-q", "../acme.git", "main"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = repositories
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "HOME="+repositories)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	serve := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + repositories, "GIT_HTTP_EXPORT_ALL=1"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !letIn(r, wanted.Load().(string)) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		serve.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	k.handedTo(host)
	vars := []string{"GIT_CONFIG_GLOBAL=" + filepath.Join(k.home, "gitconfig"), "GIT_TERMINAL_PROMPT=0"}
	k.works(vars, "git", "config", "--global", "credential."+server.URL+".helper", "fob")

	first := k.token("work")
	wanted.Store(first)
	out := k.works(vars, "git", "clone", "-q", server.URL+"/acme.git", "one")
	if out += k.works(vars, "git", "-C", "one", "log", "--format=%s"); !strings.Contains(out, "first") {
		t.Errorf("git log says %q", out)
	}
	wanted.Store("another token")
	if out, err := k.tool(vars, "git", "clone", "-q", server.URL+"/acme.git", "two"); err == nil || strings.Contains(out, first) {
		t.Errorf("a clone with a refused token: %v\n%s", err, out)
	}
	if fresh := k.token("work"); fresh == first {
		t.Error("the refused token is still handed out")
	} else {
		wanted.Store(fresh)
	}
	k.works(vars, "git", "clone", "-q", server.URL+"/acme.git", "three")
}

// kubectl is let in by the ID token, with its own version of the ExecCredential.
func kubectlCredential(t *testing.T, k *tools) {
	var bearer atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer.Store(r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintln(w, `{"major":"1","minor":"20","gitVersion":"v1.20.0"}`)
	}))
	defer server.Close()
	k.handedTo(strings.TrimPrefix(server.URL, "https://"))
	kubeconfig := filepath.Join(k.home, "kubeconfig")
	ca := filepath.Join(k.home, "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	for _, version := range []string{"v1beta1"} { // what Debian 12's kubectl speaks; v1 is held by the script credential
		text, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Config", "current-context": "c",
			"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "k", "user": "u"}}},
			"clusters": []any{map[string]any{"name": "k", "cluster": map[string]any{"server": server.URL, "certificate-authority": ca}}},
			"users": []any{map[string]any{"name": "u", "user": map[string]any{"exec": map[string]any{
				"apiVersion": "client.authentication.k8s.io/" + version, "command": "fob", "args": []string{"credential", "kubernetes", "work"}, "provideClusterInfo": true,
			}}}},
		})
		must(t, err)
		must(t, os.WriteFile(kubeconfig, text, 0o600))
		k.works([]string{"KUBECONFIG=" + kubeconfig}, "kubectl", "get", "--raw", "/version")
		if got := bearer.Load(); got != "Bearer "+k.token("work", "--id-token") {
			t.Errorf("%s: kubectl was not let in by the ID token", version)
		}
	}
}

// skopeo reads docker's configuration and asks docker-credential-fob; curl, npm and Python's requests read what is piped to them.
func toolsThatReadCredentials(t *testing.T, k *tools) {
	var token atomic.Value
	token.Store("nothing yet")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := token.Load().(string)
		if !letIn(r, want) && r.Header.Get("Authorization") != "Bearer "+want {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/v2/acme/manifests/"):
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			fmt.Fprint(w, `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`)
		case r.URL.Path == "/acme":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"name":"acme","dist-tags":{"latest":"1.2.3"},"versions":{"1.2.3":{"name":"acme","version":"1.2.3","dist":{}}}}`)
		default:
			fmt.Fprint(w, "let in")
		}
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	k.handedTo(host)
	token.Store(k.token("work"))

	must(t, os.Mkdir(filepath.Join(k.home, "docker"), 0o700))
	must(t, os.WriteFile(filepath.Join(k.home, "docker", "config.json"), []byte(`{"credHelpers":{"`+host+`":"fob"}}`), 0o600))
	if out := k.works([]string{"DOCKER_CONFIG=" + filepath.Join(k.home, "docker"), "XDG_RUNTIME_DIR=" + k.home}, "skopeo", "inspect", "--raw", "--tls-verify=false", "docker://"+host+"/acme:1"); !strings.Contains(out, "schemaVersion") {
		t.Errorf("skopeo says %q", out)
	}
	for name, script := range map[string]string{
		"curl":     `curl -sS --fail --netrc-file <(fob credential netrc work) ` + server.URL + `/file`,
		"requests": `NETRC=<(fob credential netrc work) /usr/bin/python3 -c 'import requests, sys; r = requests.get(sys.argv[1]); r.raise_for_status(); print(r.text)' ` + server.URL + `/file`,
		"exec":     `fob exec work -- sh -c 'curl -sS --fail -H "Authorization: Bearer $FOB_TOKEN" ` + server.URL + `/file'`,
	} {
		if out, err := k.tool(nil, "bash", "-c", script); err != nil || !strings.Contains(out, "let in") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	out, err := k.tool([]string{"npm_config_cache=" + filepath.Join(k.home, "npm"), "npm_config_update_notifier=false"}, "bash", "-c",
		`npm --userconfig <(fob credential npm work --registry `+server.URL+`/) --registry `+server.URL+`/ view acme version`)
	if err != nil || !strings.Contains(out, "1.2.3") {
		t.Errorf("npm: %v\n%s", err, out)
	}
}

// Debian's pip downloads from an index that wants the token, with netrc lines that it reads from a pipe.
func TestPipReadsNetrc(t *testing.T) {
	t.Parallel()
	f := newQuiet(t)
	tokens := startArrivals(t, "pip-token-91")
	var asked atomic.Int32
	index := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !letIn(r, tokens.token):
			asked.Add(1)
			w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/simple/acme/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<!doctype html><a href="/files/acme-1.2.3-py3-none-any.whl">acme-1.2.3-py3-none-any.whl</a>`)
		default:
			_, _ = w.Write(wheel(t))
		}
	}))
	defer index.Close()
	f.robot("work", tokens, "credential_hosts="+strings.TrimPrefix(index.URL, "http://"))
	k := f.tools()
	pip := func(netrc string) (string, error) {
		return k.tool([]string{"PIP_CONFIG_FILE=/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1"}, "bash", "-c",
			netrc+` /usr/bin/python3 -m pip download --no-cache-dir --no-deps --dest pip --index-url `+index.URL+`/simple/ acme`)
	}
	if out, err := pip("NETRC=/dev/null"); err == nil || asked.Load() == 0 { // or what follows says nothing
		t.Errorf("without the token: %s", out)
	}
	if out, err := pip("NETRC=<(fob credential netrc work)"); err != nil || !strings.Contains(out, "acme-1.2.3") || strings.Contains(out, tokens.token) {
		t.Errorf("%v\n%s", err, out)
	}
}

// wheel is the smallest package that pip takes for one.
func wheel(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for name, text := range map[string]string{
		"acme.py": "", "acme-1.2.3.dist-info/RECORD": "",
		"acme-1.2.3.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.2.3\n",
		"acme-1.2.3.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: fob\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
	} {
		w, err := archive.Create(name)
		must(t, err)
		_, err = w.Write([]byte(text))
		must(t, err)
	}
	must(t, archive.Close())
	return out.Bytes()
}

// The AWS shape: the ID token goes to the token service in the body, and its answer comes out as credential_process wants it.
func awsCredential(t *testing.T, k *tools) {
	var form atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		form.Store(r.PostForm)
		if r.PostForm.Get("RoleArn") == "arn:aws:iam::123456789012:role/other" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprint(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>sak</SecretAccessKey><SessionToken>st</SessionToken><Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
	}))
	defer server.Close()
	out := k.run("credential", "aws", "work", "--role-arn", "arn:aws:iam::123456789012:role/developer", "--endpoint", server.URL, "--duration", "30m").ok()
	var got map[string]any
	must(t, json.Unmarshal([]byte(out), &got))
	has(t, "credential_process", got, map[string]any{"Version": 1.0, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "sak", "SessionToken": "st", "Expiration": "2030-01-02T03:04:05Z"})
	asked := form.Load().(url.Values)
	for name, want := range map[string]string{"WebIdentityToken": k.token("work", "--id-token"), "DurationSeconds": "1800", "Action": "AssumeRoleWithWebIdentity", "RoleSessionName": "alice@example.com"} {
		if got := strings.Join(asked[name], " "); got != want {
			t.Errorf("%s: not as it should be", name)
		}
	}
	k.run("credential", "aws", "work", "--role-arn", "arn:aws:iam::123456789012:role/other", "--endpoint", server.URL).exits(1).saying("AccessDenied", "trust policy")
	k.run("credential", "aws", "work", "--role-arn", "arn:aws:iam::123456789012:role/developer", "--endpoint", "http://sts.example.com/").exits(2).saying("unencrypted")
	server.Close()
	k.run("credential", "aws", "work", "--role-arn", "arn:aws:iam::123456789012:role/developer", "--endpoint", server.URL).exits(5)
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	must(t, err)
	return string(out)
}
