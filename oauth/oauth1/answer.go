package oauth1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fob/oauth"
)

// parameters reads the answer as the form or JSON object that was due, or as
// the error that came instead.
func (ans *answer) parameters() (map[string]string, error) {
	values, err := parseAnswer(ans.body)
	if e := ans.refusal(values); e != nil {
		return nil, e
	}
	if err != nil {
		return nil, ans.failed(err)
	}
	return values, nil
}

// parseAnswer tells form from JSON by its first character: servers say
// text/html of either. A parameter that is there twice is refused, for
// nobody knows which one holds.
func parseAnswer(data []byte) (map[string]string, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if len(data) > 0 && data[0] == '{' {
		return parseObject(data)
	}
	if len(data) == 0 || data[0] == '<' || !bytes.Contains(data, []byte("=")) {
		return nil, answerError("it is neither a form nor a JSON object")
	}
	values := make(map[string]string)
	for part := range strings.SplitSeq(string(data), "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err1 := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, answerError("it is neither a form nor a JSON object")
		}
		if old, twice := values[n]; twice && old != v {
			return nil, answerError("it holds " + clean(n, maxCode) + " twice")
		}
		values[n] = v
	}
	return values, nil
}

// parseObject reads a JSON object; members that are no text stay as JSON.
func parseObject(data []byte) (map[string]string, error) {
	if !json.Valid(data) {
		return nil, answerError("it begins like a JSON object and is none")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	_, _ = dec.Token() // the brace
	values := make(map[string]string)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, answerError("its JSON cannot be read")
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, answerError("its JSON cannot be read")
		}
		n, _ := name.(string)
		if _, twice := values[n]; twice {
			return nil, answerError("it holds " + clean(n, maxCode) + " twice")
		}
		var text string
		switch {
		case json.Unmarshal(raw, &text) == nil && string(raw) != "null":
			values[n] = text
		case string(raw) != "null":
			values[n] = string(raw)
		}
	}
	return values, nil
}

// refusal returns the error that an answer holds, nil if it holds none. Some
// servers send oauth_problem with status 200.
func (ans *answer) refusal(values map[string]string) *oauth.Error {
	problem, advice := values["oauth_problem"], values["oauth_problem_advice"]
	details := values
	if challenge := parseChallenge(ans.header); problem == "" && challenge["oauth_problem"] != "" {
		problem, advice, details = challenge["oauth_problem"], challenge["oauth_problem_advice"], challenge
	}
	_, token := values["oauth_token"]
	ok := ans.status >= 200 && ans.status <= 299
	if problem == "" && ok && (token || values["error"] == "") {
		return nil
	}
	e := ans.failed(nil)
	switch {
	case problem != "":
		e.Code = cleanCode(redact(problem, ans.secrets))
		for _, name := range [...]string{"oauth_parameters_absent", "oauth_parameters_rejected", "oauth_acceptable_versions",
			"oauth_acceptable_timestamps"} {
			if v := details[name]; v != "" {
				advice = strings.TrimSpace(advice + " (" + name + ": " + v + ")")
			}
		}
		e.Description = ans.text(advice)
	case values != nil:
		e.Description = ans.text(said(values))
	}
	if e.Code == "" && e.Description == "" && ans.plain() {
		e.Description = ans.text(string(ans.body))
	}
	if e.Code == "" && e.Description == "" && ok {
		e.Err = answerError("it is an error without a reason")
	}
	ans.addSkew(e)
	return e
}

func (ans *answer) text(s string) string { return clean(redact(s, ans.secrets), maxDescription) }

// said finds the reason in a refusal that is not of the extension.
func said(values map[string]string) string {
	for _, name := range [...]string{"error_description", "message", "error_message", "error"} {
		if v := values[name]; v != "" && !strings.HasPrefix(v, "{") && !strings.HasPrefix(v, "[") {
			return v
		}
	}
	var list []struct{ Message string } // Twitter and Tumblr
	if json.Unmarshal([]byte(values["errors"]), &list) == nil && len(list) > 0 {
		return list[0].Message
	}
	return ""
}

// plain says that the body is a short text for people: "Invalid signature".
func (ans *answer) plain() bool {
	kind, _, err := mime.ParseMediaType(ans.header.Get("Content-Type"))
	trimmed := bytes.TrimSpace(ans.body)
	return (err != nil || kind == "text/plain") && len(trimmed) > 0 && trimmed[0] != '<' && trimmed[0] != '{'
}

// maxSkew: servers allow five minutes or more; under one minute nobody is at
// fault.
const maxSkew = time.Minute

// addSkew says that the clocks differ, the commonest reason for a 401 (RFC
// 5849 section 3.3) and the one that servers tell least.
func (ans *answer) addSkew(e *oauth.Error) {
	if e.Code != TimestampRefused && ans.status != http.StatusUnauthorized && ans.status != http.StatusBadRequest {
		return
	}
	theirs, err := http.ParseTime(ans.header.Get("Date"))
	if err != nil || ans.now.IsZero() {
		return
	}
	skew := ans.now.Sub(theirs).Round(time.Second)
	if skew.Abs() < maxSkew {
		return
	}
	note := fmt.Sprintf("the request's timestamp is %v ahead of the server's clock", skew)
	if skew < 0 {
		note = fmt.Sprintf("the request's timestamp is %v behind the server's clock", -skew)
	}
	if e.Description != "" {
		note = e.Description + "; " + note
	}
	e.Description = note
}

// parseChallenge reads the parameters of an OAuth challenge (RFC 5849 section
// 3.5.1). Their values are percent-encoded.
func parseChallenge(h http.Header) map[string]string {
	values := make(map[string]string)
	for _, challenge := range h.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(challenge), " ")
		if !strings.EqualFold(scheme, "OAuth") {
			continue
		}
		for rest != "" {
			var name, value string
			name, rest, _ = strings.Cut(rest, "=")
			if strings.HasPrefix(rest, `"`) {
				value, rest, _ = strings.Cut(rest[1:], `"`)
				_, rest, _ = strings.Cut(rest, ",")
			} else {
				value, rest, _ = strings.Cut(rest, ",")
			}
			if decoded, err := url.PathUnescape(strings.TrimSpace(value)); err == nil {
				values[strings.Trim(name, " ,\t")] = decoded
			}
		}
	}
	return values
}
