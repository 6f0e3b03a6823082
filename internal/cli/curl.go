package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/oauth"
)

func (f *face) curlVerb() *cobra.Command {
	return &cobra.Command{
		Use: "curl [--anywhere] NAME [CURL-OPTION]… URL", Short: "Run curl with the token",
		Long: `Runs the curl of this system with the credential of the profile. curl reads it from a pipe: it is in no argument, no environment and no file. The URL, or a path, is below the profile's
api_base_url; anything else is refused, because the token would go there too. --anywhere, before NAME, lets one command go elsewhere, over https or to this computer.

The options are curl's own, written in full. Refused are those that would take the credential elsewhere or write it down: --config, --next, --location-trusted, --trace, --trace-ascii,
--libcurl, --stderr, --expand-…, and a header Authorization of your own; and those that would hand it to whoever answers: --insecure (-k), --proxy-insecure, --doh-insecure. To trust a certificate of your
own, give --cacert FILE. A .curlrc is not read, because it could say any of that: write its options out. With -v the credential stands as [secret]. -L follows redirects; curl takes Authorization along to
the same host alone, and a credential in another header is refused with -L. Brackets and braces in a URL are no ranges. To an address without TLS, which is on this computer, no proxy is used.

When the API answers 401 the token is refreshed and the request made once more, and so it is with the nonce that an API wants in a DPoP proof (RFC 9449). What the first answer said is then not
shown. A body from standard input is kept for that, up to 16 MiB; a longer one is sent once. The exit code is curl's.`,
		Example: `  fob curl work /me
  fob curl work -s https://api.example.com/items -d '{"name": "lamp"}' -H 'Content-Type: application/json'
  tar c . | fob curl work -T - /backup.tar
  fob curl --anywhere work https://other.example.com/`,
		DisableFlagParsing: true,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			args = slices.DeleteFunc(slices.Clone(args), func(word string) bool { return word == "--anywhere" || word == "--no-start" })
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			if strings.HasPrefix(typed, "-") {
				return []string{"--anywhere"}, cobra.ShellCompDirectiveNoFileComp
			}
			return f.completeNames(cmd, nil, typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			anywhere := false
			for len(args) > 0 && strings.HasPrefix(args[0], "-") {
				switch args[0] {
				case "--anywhere":
					anywhere = true
				case "--no-start":
					f.noStart = true
				case "-h", "--help":
					return cmd.Help()
				default:
					return misused("curl's options come after NAME", "fob curl has no option %s", args[0])
				}
				args = args[1:]
			}
			if len(args) < 2 {
				return misused("run `fob curl --help` for examples", "usage: %s", cmd.UseLine())
			}
			return f.curl(cmd.Context(), args[0], args[1:], anywhere)
		},
	}
}

// curlOptions are the options of this system's curl, by their long and their short names, each with whether it takes a value.
// curl says so itself, in a form that has been the same since 7.73: " -d, --data <data> HTTP POST data".
type curlOptions map[string]bool

var curlOption = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^ *(?:-(\S), +)?--([A-Za-z0-9.-]+) +([<\[]\S)?`) })

func optionsOfCurl(ctx context.Context, curl string) (curlOptions, error) {
	text, err := exec.CommandContext(ctx, curl, "--disable", "--help", "all").Output()
	if err != nil {
		return nil, failed("curl", "it has to be 7.73 or later", "%s does not tell its options: %s", curl, err)
	}
	options := curlOptions{}
	for _, m := range curlOption().FindAllStringSubmatch(string(text), -1) {
		value := m[3] != ""
		options["--"+m[2]] = value
		if m[1] != "" {
			options["-"+m[1]] = value
		}
	}
	if !options["--request"] || !options["-H"] || options["--verbose"] {
		return nil, failed("curl", "it has to be 7.73 or later", "%s does not tell its options", curl)
	}
	return options, nil
}

// insteadOf returns what to do instead of an option that would take the credential elsewhere, hand it to whoever answers, or
// write it where it stays; "" is for the options that do none of it.
func insteadOf(option string) string {
	switch option {
	case "--config", "-K":
		return "its URLs and headers would not be looked at: write them out"
	case "--next", "-:":
		return "run fob curl twice"
	case "--location-trusted":
		return "it would send the credential to any host; -L sends it to the same host alone"
	case "--insecure", "-k":
		return "whoever answers would get the credential; to trust a certificate of your own, give --cacert FILE"
	case "--proxy-insecure":
		return "whoever answers for the proxy would be trusted; to trust a certificate of your own, give --proxy-cacert FILE"
	case "--doh-insecure":
		return "whoever answers could name any address: leave it out"
	case "--trace", "--trace-ascii":
		return "it would write the credential down; -v shows the exchange without it"
	case "--libcurl":
		return "it would write the credential into a file"
	case "--stderr":
		return "redirect it: 2> FILE"
	}
	if strings.HasPrefix(option, "--expand-") {
		return "write the value out"
	}
	return ""
}

// curlLine is a command line of curl, read as curl reads it.
type curlLine struct {
	words    []string // for curl: options without URLs
	urls     []string
	method   string
	follows  bool   // -L
	sends    bool   // a body
	stdin    bool   // the body comes from standard input
	dump     string // -D
	dumps    bool
	verbose  bool
	reroutes string // the option that sends the connection to another address than the URL's
}

// readCurl reads the words. What it does not know it refuses, because a URL could hide behind it.
func readCurl(words []string, options curlOptions) (*curlLine, error) {
	line := &curlLine{}
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--":
			line.urls = append(line.urls, words[i+1:]...)
			i = len(words)
		case word == "-" || word == "":
			return nil, misused("write the URL out", "%q is neither an option nor a URL", word)
		case strings.HasPrefix(word, "--"):
			takes, known := options[word]
			if positive := "--" + strings.TrimPrefix(word, "--no-"); !known && positive != word {
				takes, known = options[positive]
				known = known && !takes
			}
			if !known {
				return nil, misused("write curl's options out in full; `curl --help all` lists them", "this curl has no option %s", word)
			}
			value := ""
			if takes {
				if i++; i == len(words) {
					return nil, misused("", "curl's option %s wants a value", word)
				}
				value = words[i]
			}
			if err := line.take(word, value, takes); err != nil {
				return nil, err
			}
		case strings.HasPrefix(word, "-"):
			letters := []rune(word[1:])
			for n, letter := range letters {
				option := "-" + string(letter)
				takes, known := options[option]
				if !known {
					return nil, misused("`curl --help all` lists them", "this curl has no option %s", option)
				}
				value := string(letters[n+1:])
				if takes && value == "" {
					if i++; i == len(words) {
						return nil, misused("", "curl's option %s wants a value", option)
					}
					value = words[i]
				}
				if err := line.take(option, value, takes); err != nil {
					return nil, err
				}
				if takes {
					break
				}
			}
		default:
			line.urls = append(line.urls, word)
		}
	}
	if len(line.urls) == 0 {
		return nil, misused("add the URL, or a path below api_base_url", "there is no URL")
	}
	return line, nil
}

// take takes one option in.
func (l *curlLine) take(option, value string, takes bool) error {
	if instead := insteadOf(option); instead != "" {
		return misused(instead, "fob curl does not take curl's option %s", option)
	}
	switch option {
	case "--url":
		l.urls = append(l.urls, value)
		return nil
	case "-q", "--disable":
		return nil // said already, where it counts
	case "-v", "--verbose":
		if l.verbose {
			return nil // from curl 8.10 on, more of them cut what they show into lines, and the credential too
		}
		l.verbose = true
	case "--connect-to", "--resolve":
		l.reroutes = option
	case "-D", "--dump-header":
		l.dump, l.dumps = value, true
		return nil
	case "-L", "--location":
		l.follows = true
	case "-X", "--request":
		l.method = value
	case "-I", "--head":
		l.usual(http.MethodHead)
	case "-G", "--get":
		l.usual(http.MethodGet)
	case "-T", "--upload-file":
		l.usual(http.MethodPut)
		l.sends, l.stdin = true, l.stdin || value == "-" || value == "."
	case "-H", "--header":
		name, _, _ := strings.Cut(strings.ToLower(value), ":")
		if name = strings.TrimSpace(strings.TrimSuffix(name, ";")); name == "authorization" || name == "dpop" {
			return misused("leave it out", "the header %s is Fob's to write", name)
		}
		l.stdin = l.stdin || value == "@-"
	case "-d", "--data", "--data-ascii", "--data-binary", "--data-urlencode", "--json", "-F", "--form", "--data-raw", "--form-string":
		l.usual(http.MethodPost)
		l.sends = true
		if option != "--data-raw" && option != "--form-string" {
			l.stdin = l.stdin || strings.HasSuffix(value, "@-") || strings.Contains(value, "=@-") || strings.Contains(value, "=<-")
		}
	}
	l.words = append(l.words, option)
	if takes {
		l.words = append(l.words, value)
	}
	return nil
}

// usual is the method that an option stands for; -G and -I count whatever else there is.
func (l *curlLine) usual(method string) {
	if l.method == "" || method == http.MethodHead || method == http.MethodGet && l.method == http.MethodPost {
		l.method = method
	}
}

// curlJob is one `fob curl`.
type curlJob struct {
	*face
	client  *agent.Client
	path    string
	name    string
	line    *curlLine
	targets []string
	input   *replay // nil when curl does not read it
}

func (f *face) curl(ctx context.Context, name string, words []string, anywhere bool) error {
	path, err := exec.LookPath("curl")
	if err != nil {
		return failed("no_curl", "install it, or use fob request", "there is no curl on this system")
	}
	options, err := optionsOfCurl(ctx, path)
	if err != nil {
		return err
	}
	line, err := readCurl(words, options)
	if err != nil {
		return err
	}
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	status, err := statuses(ctx, client, []string{name})
	if err != nil {
		return err
	}
	job := &curlJob{face: f, client: client, path: path, name: status[0].Name, line: line}
	for _, ref := range line.urls {
		to, err := target(status[0], ref, anywhere)
		if err != nil {
			return err
		}
		job.targets = append(job.targets, to)
	}
	if job.plain() && line.reroutes != "" {
		return misused("leave it out, or use https", "fob curl does not take curl's option %s without TLS: the credential could go to another computer", line.reroutes)
	}
	if line.stdin {
		job.input = newReplay(f.In)
	}
	return job.run(ctx)
}

// plain says that a credential goes out without TLS; target holds that it goes to this computer.
func (j *curlJob) plain() bool {
	return slices.ContainsFunc(j.targets, func(to string) bool { return strings.HasPrefix(to, "http:") })
}

// target is the address that curl goes to, as Go's parser understood it: curl gets that and not what was typed, so that both mean
// the same host.
func target(status agent.Status, ref string, anywhere bool) (string, error) {
	if anywhere && strings.Contains(ref, "://") {
		if err := checkRequest(http.MethodGet, ref); err != nil {
			return "", err
		}
		return plainURL(ref), nil
	}
	if status.APIBaseURL == "" {
		return "", failed("no_api_base_url", "set api_base_url in the profile, or say --anywhere before NAME", "profile %s: Fob sends its token to no address but the profile's API, and it names none", status.Name)
	}
	to, err := oauth.ResolveURL(status.APIBaseURL, ref)
	if err != nil {
		return "", misused("the profile's token goes to "+status.APIBaseURL+" only; to send it elsewhere all the same, say --anywhere before NAME", "profile %s: %s", status.Name, err)
	}
	return to.String(), nil
}

// run runs curl, and once or twice more when the API asks for it.
func (j *curlJob) run(ctx context.Context) error {
	nonce, nonced, refreshed := "", false, false
	for {
		config, secrets, err := j.config(ctx, nonce)
		if err != nil {
			return err
		}
		repeatable := len(j.targets) == 1 && !(nonced && refreshed)
		var again func(refusal) bool
		if repeatable {
			again = func(r refusal) bool {
				if j.input != nil && !j.input.repeatable() {
					j.say("the API answers 401, and the body was too long to be kept and sent again")
					return false
				}
				switch {
				case r.nonce != "" && !nonced:
					nonce, nonced = r.nonce, true
				case r.nonce == "" && !refreshed && !r.stepUp:
					if _, err := j.client.Refresh(ctx, j.name); err != nil {
						var known *agent.Error
						if errors.As(err, &known) {
							j.say("the API answers 401, and the token was not refreshed: %s", known.Sentence)
						}
						return false
					}
					nonce, refreshed = "", true
				default:
					return false
				}
				return true
			}
		}
		code, retry, err := j.once(ctx, config, secrets, again)
		if err != nil || !retry {
			if err == nil && code != 0 {
				j.missed()
			}
			if err == nil {
				err = exitCode(code)
			}
			return err
		}
		if j.input != nil {
			if err := j.input.rewind(); err != nil {
				return err
			}
		}
	}
}

// config is what curl reads from the pipe: addresses and credential. secrets are what no output of curl's may show.
func (j *curlJob) config(ctx context.Context, nonce string) (config string, secrets []string, err error) {
	var text strings.Builder
	write := func(option, value string) {
		fmt.Fprintf(&text, "%s = \"%s\"\n", option, strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(value))
	}
	method := j.line.method
	if method == "" {
		method = http.MethodGet
	}
	for i, to := range j.targets {
		c, err := j.client.Credential(ctx, j.name, method, to, nonce)
		if err != nil {
			return "", nil, err
		}
		write("url", c.URL)
		if i > 0 {
			continue
		}
		if err := j.fits(c); err != nil {
			return "", nil, err
		}
		for _, h := range c.Header {
			write("header", h.Name+": "+h.Value)
			_, value, found := strings.Cut(h.Value, " ") // the scheme may be seen
			if !found {
				value = h.Value
			}
			secrets = append(secrets, value)
		}
		if c.Form != "" {
			write("data", c.Form)
		}
	}
	handout, err := j.client.Token(ctx, agent.TokenQuery{Name: j.name}, 0)
	if err != nil {
		return "", nil, err
	}
	return text.String(), append(secrets, handout.AccessToken), nil
}

// missed says that a .curlrc was not read, to a person whose curl has failed: it may be why.
func (j *curlJob) missed() {
	for _, at := range [][]string{{"CURL_HOME", ".curlrc"}, {"XDG_CONFIG_HOME", "curlrc"}, {"HOME", ".curlrc"}, {"HOME", ".config", "curlrc"}, {"APPDATA", "_curlrc"}} {
		if at[0] = os.Getenv(at[0]); at[0] == "" {
			continue
		}
		if path := filepath.Join(at...); exists(path) {
			j.hint("fob curl does not read %s: write the options out that you need from it", path)
			return
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// fits refuses what curl would do wrong with a credential.
func (j *curlJob) fits(c agent.Credential) error {
	once, elsewhere := false, false
	for _, h := range c.Header {
		once = once || h.Name == "DPoP" || strings.HasPrefix(h.Value, "OAuth ")
		elsewhere = elsewhere || h.Name != "Authorization"
	}
	signed := len(c.Header) > 0 && strings.HasPrefix(c.Header[0].Value, "OAuth ") || c.Form != "" && strings.Contains(c.Form, "oauth_signature=") || strings.Contains(c.URL, "oauth_signature=")
	switch {
	case once && len(j.targets) > 1:
		return misused("run fob curl once for each", "profile %s: its credential is made for one request, and there are %d URLs", j.name, len(j.targets))
	case elsewhere && j.line.follows:
		return misused("leave -L out, or use fob request, which follows without the credential", "profile %s: curl would take its credential along to other hosts", j.name)
	case signed && j.line.sends:
		return misused("use fob request, which signs the body", "profile %s: OAuth 1.0a may sign a request's body, and curl makes that later", j.name)
	}
	return nil
}

// refusal is an answer 401.
type refusal struct {
	nonce  string // what a DPoP proof should have held
	stepUp bool   // another token of the same login will not do
}

// once runs curl once. again is asked when the API refused; nil when there is no more try, and then curl writes to our standard
// output itself.
func (j *curlJob) once(ctx context.Context, config string, secrets []string, again func(refusal) bool) (code int, retry bool, err error) {
	words := []string{"--disable"} // no .curlrc; it counts as the first argument only
	cmd := exec.Command(j.path)
	cmd.Stdin = j.In
	pipes, err := newCurlPipes(cmd, config, j.input)
	if err != nil {
		return 0, false, err
	}
	defer pipes.close()
	words = append(words, "--globoff", "--suppress-connect-headers")
	words = append(append(words, pipes.words...), j.line.words...)
	if j.plain() {
		words = append(words, "--noproxy", "*") // a proxy may be another computer
	}
	errs := &redactor{to: j.Err, secrets: longest(secrets)}
	cmd.Stdout, cmd.Stderr = j.Out, errs
	holds := again != nil && pipes.header != nil
	if holds {
		if cmd.Stdout = nil; isTerminal(j.Out) {
			words = append([]string{words[0]}, append([]string{"--no-progress-meter", "--no-buffer"}, words[1:]...)...)
		}
	} else if j.line.dumps { // the last one counts
		words = append(words, "--dump-header", j.line.dump)
	}
	cmd.Args = append([]string{"curl"}, words...)
	var body io.ReadCloser
	if holds {
		if body, err = cmd.StdoutPipe(); err != nil {
			return 0, false, err
		}
	}
	if err := cmd.Start(); err != nil {
		return 0, false, failed("curl", "", "curl: %s", err)
	}
	pipes.started()
	stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(os.Interrupt) })
	defer stop()
	var writing error
	if !holds && pipes.header != nil {
		go io.Copy(io.Discard, pipes.header)
	}
	if holds {
		if retry, writing = j.decide(pipes.header, body, again); retry {
			cmd.Process.Kill()
		}
	}
	ended := cmd.Wait()
	errs.flush()
	var exit *exec.ExitError
	switch {
	case retry:
		return 0, true, nil
	case ended == nil:
		return 0, false, writing
	case errors.As(ended, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), false, nil
	case errors.As(ended, &exit):
		return endedBy(exit), false, nil
	}
	return 0, false, failed("curl", "", "curl: %s", ended)
}

// decide reads the answer's head, and passes the answer on unless the request is to be made again.
func (j *curlJob) decide(header io.Reader, body io.Reader, again func(refusal) bool) (retry bool, err error) {
	var head bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(header, &head))
	r, refused := finalHead(reader, j.line.follows)
	if refused && again(r) {
		return true, nil
	}
	var dump io.Writer = io.Discard
	if j.line.dumps {
		if dump = j.Out; j.line.dump != "-" {
			file, err := os.Create(j.line.dump)
			if err != nil {
				return false, err
			}
			defer file.Close()
			dump = file
		}
		if _, err := dump.Write(head.Bytes()); err != nil {
			return false, err
		}
	}
	rest := make(chan error, 1)
	go func() { // trailers, and what an error of ours left unread
		_, err := io.Copy(dump, header)
		rest <- err
	}()
	_, err = io.Copy(j.Out, body)
	if err != nil {
		io.Copy(io.Discard, body) // curl must not wait for a reader that has gone
		err = fmt.Errorf("standard output: %w", err)
	}
	return false, errors.Join(err, <-rest)
}

// finalHead reads heads until one that no other follows: those of 1xx, and with -L those of redirects, are not it.
func finalHead(reader *bufio.Reader, follows bool) (r refusal, refused bool) {
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return r, false
		}
		words := strings.Fields(line)
		status := 0
		if len(words) > 1 && strings.HasPrefix(words[0], "HTTP/") {
			status, _ = strconv.Atoi(words[1])
		}
		header := http.Header{}
		for {
			if line, err = reader.ReadString('\n'); err != nil || strings.TrimSpace(line) == "" {
				break
			}
			name, value, _ := strings.Cut(line, ":")
			header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		switch {
		case err != nil:
			return r, false
		case status < 200, follows && status >= 300 && status < 400 && header.Get("Location") != "":
			continue
		case status != http.StatusUnauthorized:
			return r, false
		}
		for _, challenge := range oauth.ParseChallenges(header) {
			switch challenge.Params["error"] {
			case string(oauth.UseDPoPNonce):
				r.nonce = header.Get("DPoP-Nonce")
			case "insufficient_user_authentication":
				r.stepUp = true
			}
		}
		return r, true
	}
}

// longest orders secrets so that none is replaced as a part of another.
func longest(secrets []string) []string {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < 4 })
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(secrets)
}

// redactor passes text on with [secret] where a secret was. It keeps back what may be the beginning of one.
type redactor struct {
	to      io.Writer
	secrets []string
	kept    []byte
}

func (r *redactor) Write(p []byte) (int, error) {
	text := string(r.kept) + string(p)
	var out strings.Builder
	i := 0
	for i < len(text) {
		rest := text[i:]
		if slices.ContainsFunc(r.secrets, func(s string) bool { return len(s) > len(rest) && strings.HasPrefix(s, rest) }) {
			break // what comes next will tell
		}
		n := slices.IndexFunc(r.secrets, func(s string) bool { return strings.HasPrefix(rest, s) })
		if n >= 0 {
			out.WriteString("[secret]")
			i += len(r.secrets[n])
			continue
		}
		out.WriteByte(text[i])
		i++
	}
	r.kept = []byte(text[i:])
	if _, err := io.WriteString(r.to, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush passes on what was kept back; curl has ended. A secret in it is a whole one that could have been a longer one's beginning.
func (r *redactor) flush() {
	text := string(r.kept)
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, "[secret]")
	}
	io.WriteString(r.to, text) // with standard error gone there is nobody left to tell
	r.kept = nil
}
