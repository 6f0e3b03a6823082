// Package quick knows how `fob token NAME` and `fob status --prompt` get their answers before the rest of the program is set up.
//
// `fob token` stands in scripts and prompts, and is measured against a Go program that makes one request over a Unix socket. Half
// of what fob would spend on top of that is the initialisation of packages that a token does not need: the demo server, the tray,
// TLS, the flag library. Go initialises packages in the order of their import paths, each after its own imports
// (go.dev/ref/spec, "Program initialization"; since Go 1.21 the order is fixed). This package imports next to nothing, so its
// turn comes early: it asks the agent, prints the token and ends the process. A test holds the imports, another one that
// nothing larger is initialised on this road.
//
// Whatever is not plain (other verbs, odd flags, no agent, any answer but a token) is left to package cli, which finds
// here what the agent answered, so that nothing is asked twice.
package quick

import "os"

// answer is what the agent said, when it was asked and the token is not printed yet.
var answer []byte

// Answer returns the agent's answer to the request that the command line stands for: an HTTP/1.0 response, or nil when
// nothing was asked.
func Answer() []byte { return answer }

// tokenPatience is how long a token is waited for in silence, in milliseconds. What takes longer is left to package cli, which says at
// a terminal what it waits for and notices an agent that hangs; the agent refreshes once for both requests.
const tokenPatience = 5000

// init is where this program ends when all it has to do is to print a token.
func init() {
	if len(os.Args) < 3 {
		return
	}
	switch os.Args[1] {
	case "token":
	case "status":
		prompt(os.Args[2:])
		return
	default:
		return
	}
	ask, ok := parse(os.Args[2:])
	if !ok {
		return
	}
	answer = exchange(socket(os.Getenv), ask.request(), tokenPatience)
	token, ok := ask.token(answer)
	if !ok {
		return
	}
	if _, err := os.Stdout.WriteString(token + "\n"); err != nil {
		os.Stderr.WriteString("fob: standard output: " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// ask is what the plain spellings of `fob token` can ask.
type ask struct {
	name    string
	minTTL  string
	idToken bool
	json    bool // printing it is left to package cli
}

// parse reads the plain spellings. Package cli reads the same words again if it comes to that; a test holds that both
// understand the same.
func parse(words []string) (a ask, ok bool) {
	for i := 0; i < len(words); i++ {
		const ttl = "--min-ttl"
		switch word := words[i]; {
		case word == ttl && i+1 < len(words):
			if i++; words[i] == "" {
				return a, false
			}
			a.minTTL = words[i]
		case len(word) > len(ttl)+1 && word[:len(ttl)+1] == ttl+"=":
			a.minTTL = word[len(ttl)+1:]
		case word == "--id-token":
			a.idToken = true
		case word == "--json":
			a.json = true
		case word == "--no-start":
		case word == "" || word[0] == '-' || a.name != "" || !plain(word):
			return a, false
		default:
			a.name = word
		}
	}
	return a, a.name != "" && (a.minTTL == "" || duration(&a.minTTL))
}

// plain says whether text can stand in a JSON string as it is.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c == '"' || c == '\\' || c == 0x7f {
			return false
		}
	}
	return true
}

// duration takes digits with one unit; digits alone are seconds.
func duration(text *string) bool {
	digits := 0
	for digits < len(*text) && (*text)[digits] >= '0' && (*text)[digits] <= '9' {
		digits++
	}
	switch unit := (*text)[digits:]; {
	case digits == 0 || digits > 6:
		return false
	case unit == "":
		*text += "s"
		return true
	default:
		return unit == "s" || unit == "m" || unit == "h"
	}
}

// request is the request for the token. HTTP/1.0, because a server must then neither chunk its answer (RFC 9112 §6.1) nor keep
// the connection: reading to the end is reading the answer.
func (a ask) request() string {
	body := `{"name":"` + a.name + `"`
	if a.minTTL != "" { // without, the agent chooses
		body += `,"min_ttl":"` + a.minTTL + `"`
	}
	if a.idToken {
		body += `,"for_id_token":true`
	}
	return post("token", body+"}")
}

func post(path, body string) string {
	return "POST /v1/" + path + " HTTP/1.0\r\nHost: fob\r\nContent-Type: application/json\r\nContent-Length: " + decimal(len(body)) + "\r\n\r\n" + body
}

func decimal(n int) string {
	text := ""
	for ; n > 9; n /= 10 {
		text = string(rune('0'+n%10)) + text
	}
	return string(rune('0'+n)) + text
}

// token finds the token in a successful answer. It is not found when printing it takes more than copying it.
func (a ask) token(answer []byte) (string, bool) {
	const ok = "HTTP/1.x 200 "
	if a.json || len(answer) < len(ok) || string(answer[9:13]) != "200 " || answer[len(answer)-1] != '\n' {
		return "", false
	}
	// A quote inside a JSON string has a backslash in front (RFC 8259 §7), so that only a member can match.
	member := `"access_token":"`
	if a.idToken {
		member = `"id_token":"`
	}
	text := string(answer)
	for i := 0; i+len(member) <= len(text); i++ {
		if text[i:i+len(member)] != member {
			continue
		}
		text = text[i+len(member):]
		for end := range len(text) {
			switch {
			case text[end] == '"':
				return text[:end], end > 0
			case text[end] == '\\' || text[end] < 0x20:
				return "", false
			}
		}
	}
	return "", false
}
