package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"fob/internal/agent"
)

// `fob token NAME` stands in scripts and shell prompts, so it has a road of its own: one connection, one request written
// by hand, no flag library, no HTTP client. Whatever is unusual (no agent, odd flags, an unknown name) is left to the
// road that every verb takes, before anything is printed. Both roads print through [face.handOut] and [face.report].

// defaultMinTTL is how long a token is good for at least unless --min-ttl says otherwise: one slow request.
const defaultMinTTL = 60 * time.Second

// tokenAsk is what `fob token` was asked.
type tokenAsk struct {
	name    string
	minTTL  time.Duration
	idToken bool
	json    bool
}

// quickToken hands out a token when args ask for one in the plain way and the agent is there.
func quickToken(args []string, streams Streams) (code int, done bool) {
	ask, ok := quickAsk(args)
	if !ok {
		return 0, false
	}
	home, err := agent.HomeFromEnv()
	if err != nil {
		return 0, false
	}
	handout, err := quickHandout(home, ask)
	var known *agent.Error
	if err != nil && (!errors.As(err, &known) || known.Kind == agent.Misused || known.Kind == agent.Unreachable) {
		return 0, false
	}
	f := &face{Streams: streams, entered: true}
	if err != nil {
		return f.report(err), true
	}
	return f.report(f.handOut(handout, ask)), true
}

// quickAsk parses the plain spellings only.
func quickAsk(args []string) (ask tokenAsk, ok bool) {
	if len(args) < 2 || args[0] != "token" {
		return ask, false
	}
	ask.minTTL = defaultMinTTL
	for i := 1; i < len(args); i++ {
		value, isTTL := strings.CutPrefix(args[i], "--min-ttl=")
		switch {
		case isTTL || args[i] == "--min-ttl" && i+1 < len(args):
			if !isTTL {
				i++
				value = args[i]
			}
			if (*seconds)(&ask.minTTL).Set(value) != nil {
				return ask, false
			}
		case args[i] == "--id-token":
			ask.idToken = true
		case args[i] == "--json":
			ask.json = true
		case args[i] == "--no-start":
		case args[i] == "" || args[i][0] == '-' || ask.name != "":
			return ask, false
		default:
			ask.name = args[i]
		}
	}
	return ask, ask.name != ""
}

// quickHandout is [agent.Client.Token] in one write and one read to the end. HTTP/1.0, because a server must then neither
// chunk its answer (RFC 9112 §6.1) nor keep the connection.
func quickHandout(home agent.Home, ask tokenAsk) (handout agent.Handout, err error) {
	body, err := json.Marshal(struct {
		Name   string `json:"name"`
		MinTTL string `json:"min_ttl"`
	}{ask.name, ask.minTTL.String()})
	if err != nil {
		return handout, err
	}
	request := make([]byte, 0, 512)
	request = append(request, "POST /v1/token HTTP/1.0\r\nHost: fob\r\nContent-Type: application/json\r\nContent-Length: "...)
	request = strconv.AppendInt(request, int64(len(body)), 10)
	request = append(request, "\r\n\r\n"...)
	answer, err := agent.Exchange(home, append(request, body...))
	if err != nil {
		return handout, err
	}
	head, text, found := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !found || len(head) < len("HTTP/1.x 200") {
		return handout, errors.New("the agent's answer has no head")
	}
	if string(head[9:12]) == "200" {
		if err := json.Unmarshal(text, &handout); err != nil || handout.AccessToken == "" {
			return handout, errors.New("the agent's answer is cut short")
		}
		return handout, nil
	}
	var failure struct {
		Error *agent.Error `json:"error"`
	}
	if json.Unmarshal(text, &failure) != nil || failure.Error == nil {
		return handout, errors.New("the agent's answer is cut short")
	}
	return handout, failure.Error
}

// seconds is a duration flag that also takes a bare number of seconds.
type seconds time.Duration

// Set reads "90s", "5m" or "90".
func (s *seconds) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		whole, numErr := strconv.ParseUint(text, 10, 31)
		if numErr != nil {
			return errors.New("write a length of time as 90s, 5m or 1h30m")
		}
		d = time.Duration(whole) * time.Second
	}
	if d < 0 {
		return errors.New("a length of time is not negative")
	}
	*s = seconds(d)
	return nil
}

// String is the length of time as Set reads it.
func (s *seconds) String() string { return time.Duration(*s).String() }

// Type is the word that help shows.
func (s *seconds) Type() string { return "duration" }
