package cli

import (
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
	"fob/oauth"
)

// TestTraceText holds that what a server said stays on its line and steers no terminal, in the text and in the script of curl
// commands, where a line of its own would be run.
func TestTraceText(t *testing.T) {
	run := agent.TraceRun{Operation: "login", At: time.Unix(1_800_000_000, 0), Problem: "bad\nworse", Steps: []agent.TraceStep{
		{Step: oauth.Step{What: "authorization\nrm -rf", Method: "GET", URL: "https://as.example/\x1b[31m"}},
		{Step: oauth.Step{What: "token endpoint", Method: "POST", URL: "https://as.example/token", Status: 400, Took: 12 * time.Millisecond,
			Form: []oauth.Member{{Name: "grant_type", Value: "x"}}, Answer: "{\n\x1b]0;title\x07}", Notes: []string{"chosen"}}, Explanation: "why\nrm", Curl: "curl \\\n  x"},
	}}
	text := runText(run)
	for _, want := range []string{"\n2  token endpoint: POST https://as.example/token → 400 Bad Request, 12ms\n", "\n   why rm\n", "\n   > grant_type=x\n", "\n   < {\n", "\n   · chosen\n", "\nit failed: bad worse\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	script := curlText(run)
	for line := range strings.Lines(script) {
		if !strings.HasPrefix(line, "#") && line != "\n" && line != "curl \\\n" && line != "  x\n" {
			t.Errorf("a line that is neither a comment nor the command: %q", line)
		}
	}
	if strings.ContainsAny(text+script, "\x1b\x07") {
		t.Errorf("a control character reaches the terminal:\n%q", text+script)
	}
}

// TestStepUpFlags holds that the command a step-up names can be pasted.
func TestStepUpFlags(t *testing.T) {
	age := 0
	got := agent.LoginOptions{Scope: []string{"orders:write", "a$(b)"}, ACRValues: []string{"urn:x:mfa"}, MaxAge: &age}.Flags()
	if want := " --scope orders:write --scope 'a$(b)' --acr urn:x:mfa --max-age 0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestStatusWord holds that a profile that needs nobody is not called logged out.
func TestStatusWord(t *testing.T) {
	for _, c := range []struct {
		status agent.Status
		want   string
	}{
		{agent.Status{State: agent.LoggedOut, Grant: "client_credentials"}, "on demand"},
		{agent.Status{State: agent.LoggedOut, Grant: "authorization_code", Attended: true}, "logged out"},
		{agent.Status{State: agent.LoggedOut}, "logged out"}, // of an agent that does not say
		{agent.Status{State: agent.Unusable, Grant: "client_credentials"}, "unusable"},
	} {
		if _, got := statusWord(c.status); got != c.want {
			t.Errorf("%+v: %q, want %q", c.status, got, c.want)
		}
	}
}

// TestReadLine holds that a line is read and not a byte of the next one.
func TestReadLine(t *testing.T) {
	in := strings.NewReader("first\r\nsecond")
	for _, want := range []string{"first", "second"} {
		if got, err := readLine(in); err != nil || got != want {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	if _, err := readLine(in); err == nil {
		t.Error("the end of input is a line")
	}
}
