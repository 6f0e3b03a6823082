package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"fob/internal/session"
	"fob/profiles"
)

// Client talks to the agent. Its methods return *[Error], or the context's error.
type Client struct {
	// Version is the version of the program that asks; it lets an older agent make place. "" never does.
	Version string

	home     Home
	http     *http.Client
	greeting Hello  // what the agent said to Ensure
	note     string // why an older agent goes on
}

// NewClient returns a client of the agent of home. It connects when it is first used; see [Client.Ensure] for starting the
// agent when it is not running.
func NewClient(home Home) *Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, home) },
		// The agent is one process on this machine: a handful of kept connections serves a window.
		MaxIdleConns: 4, IdleConnTimeout: time.Minute, DisableCompression: true,
	}
	return &Client{home: home, http: &http.Client{Transport: transport}}
}

// Close ends the kept connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Hello asks the agent who it is; it is the cheapest way to see whether one runs.
func (c *Client) Hello(ctx context.Context) (Hello, error) {
	var hello Hello
	err := c.call(ctx, http.MethodGet, "hello", nil, &hello)
	return hello, err
}

// Status returns the named profiles, or all of them in the order of profiles.json.
func (c *Client) Status(ctx context.Context, names ...string) ([]Status, error) {
	var all []Status
	err := c.call(ctx, http.MethodGet, "status?"+url.Values{"name": names}.Encode(), nil, &all)
	return all, err
}

// Watch calls show with everything, then with each change, until ctx ends or the agent goes away. It returns the reason:
// an *[Error] of kind [Unreachable] when the agent is gone.
func (c *Client) Watch(ctx context.Context, show func(Update)) error {
	return c.stream(ctx, "watch", nil, func(line []byte) error {
		var update Update
		if err := json.Unmarshal(line, &update); err != nil {
			return err
		}
		show(update)
		return nil
	})
}

// Details returns one profile in depth.
func (c *Client) Details(ctx context.Context, name string) (Details, error) {
	var details Details
	err := c.call(ctx, http.MethodGet, "details?"+url.Values{"name": {name}}.Encode(), nil, &details)
	return details, err
}

// Token hands out a token of the login with at least minTTL left, refreshed if need be. A negative minTTL lets the agent
// choose: 60 seconds, or half the life of tokens that live shorter than two minutes. It never opens a browser.
func (c *Client) Token(ctx context.Context, q TokenQuery, minTTL time.Duration) (Handout, error) {
	request := tokenRequest{TokenQuery: q}
	if minTTL >= 0 {
		request.MinTTL = (*profiles.Duration)(&minTTL)
	}
	var handout Handout
	err := c.call(ctx, http.MethodPost, "token", request, &handout)
	return handout, err
}

type tokenRequest struct {
	TokenQuery
	MinTTL *profiles.Duration `json:"min_ttl,omitempty"`
}

type nameRequest struct {
	Name string `json:"name"`
}

// Refresh spends the refresh token now and returns the new state.
func (c *Client) Refresh(ctx context.Context, name string) (Status, error) {
	var status Status
	err := c.call(ctx, http.MethodPost, "refresh", nameRequest{name}, &status)
	return status, err
}

// Login runs one login. The caller opens [LoginEvent.URL] of the "open" event in its own environment, unless the login was
// joined. When ctx ends and no other face waits for it, the login is cancelled.
func (c *Client) Login(ctx context.Context, name string, o LoginOptions, event func(LoginEvent)) (Status, error) {
	var status *Status
	err := c.stream(ctx, "login", loginRequest{Name: name, LoginOptions: o}, func(line []byte) error {
		var ev LoginEvent
		if err := json.Unmarshal(line, &ev); err != nil {
			return err
		}
		status = ev.Status
		event(ev)
		return nil
	})
	if status != nil {
		return *status, nil
	}
	if err == nil {
		err = &Error{Kind: Unreachable, Code: "agent_gone", Sentence: "profile " + name + ": the agent ended during the login", Remedy: "log in again"}
	}
	return Status{}, err
}

type loginRequest struct {
	Name string `json:"name"`
	LoginOptions
}

// CancelLogin ends a waiting login for every face.
func (c *Client) CancelLogin(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodPost, "login/cancel", nameRequest{name}, nil)
}

// Logout revokes the tokens at the authorization server, unless local, and forgets them.
func (c *Client) Logout(ctx context.Context, name string, local bool) (Status, error) {
	var status Status
	err := c.call(ctx, http.MethodPost, "logout", logoutRequest{name, local}, &status)
	return status, err
}

type logoutRequest struct {
	Name  string `json:"name"`
	Local bool   `json:"local,omitempty"`
}

// Copy puts a form of the profile's token on the clipboard of the desktop that env describes. The agent keeps the clipboard
// filled after the caller is gone and clears it after the time of [Settings.ClipboardSeconds].
func (c *Client) Copy(ctx context.Context, r FormRequest, env map[string]string) (Copied, error) {
	var answer Copied
	err := c.call(ctx, http.MethodPost, "copy", copyRequest{r, env}, &answer)
	return answer, err
}

type copyRequest struct {
	FormRequest
	Env map[string]string `json:"env,omitempty"`
}

// Copied is what there is to say of a copy.
type Copied struct {
	ClearsAfter profiles.Duration `json:"clears_after"` // 0 is never
	Note        string            `json:"note,omitempty"`
}

// Fill returns a form of the profile's token.
func (c *Client) Fill(ctx context.Context, r FormRequest) (Filled, error) {
	var filled Filled
	err := c.call(ctx, http.MethodPost, "fill", r, &filled)
	return filled, err
}

// Profiles returns all profiles in the order of the file.
func (c *Client) Profiles(ctx context.Context) ([]profiles.Profile, error) {
	var all []profiles.Profile
	err := c.call(ctx, http.MethodGet, "profiles", nil, &all)
	return all, err
}

// Profile returns one profile, with the keys of the secrets kept for it.
func (c *Client) Profile(ctx context.Context, name string) (ProfileView, error) {
	var view ProfileView
	err := c.call(ctx, http.MethodGet, "profile?"+url.Values{"name": {name}}.Encode(), nil, &view)
	return view, err
}

// PutProfile writes a profile and its secrets. An invalid one is refused with the first problem.
func (c *Client) PutProfile(ctx context.Context, edit ProfileEdit) error {
	return c.call(ctx, http.MethodPut, "profile", edit, nil)
}

// RemoveProfile forgets a profile, its tokens and its secrets.
func (c *Client) RemoveProfile(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, "profile?"+url.Values{"name": {name}}.Encode(), nil, nil)
}

// Discover asks an issuer for its metadata (OIDC Discovery, RFC 8414).
func (c *Client) Discover(ctx context.Context, issuer string) (Discovery, error) {
	var found Discovery
	err := c.call(ctx, http.MethodPost, "discover", discoverRequest{issuer}, &found)
	return found, err
}

type discoverRequest struct {
	Issuer string `json:"issuer"`
}

// Settings returns the user's settings.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	var s Settings
	err := c.call(ctx, http.MethodGet, "settings", nil, &s)
	return s, err
}

// PutSettings writes the user's settings and applies them.
func (c *Client) PutSettings(ctx context.Context, s Settings) error {
	return c.call(ctx, http.MethodPut, "settings", s, nil)
}

// Attach tells the agent of a desktop, so that it can show its tray icon and notifications there when it was started
// without one.
func (c *Client) Attach(ctx context.Context, env map[string]string) error {
	return c.call(ctx, http.MethodPost, "attach", attachRequest{env}, nil)
}

type attachRequest struct {
	Env map[string]string `json:"env"`
}

// Demo starts the built-in demo authorization server, makes the Demo profile if there is none and returns its name.
func (c *Client) Demo(ctx context.Context) (string, error) {
	var answer nameRequest
	err := c.call(ctx, http.MethodPost, "demo", nil, &answer)
	return answer.Name, err
}

// Doctor examines what Fob stands on: keychain, tray host, clipboard, profiles.
func (c *Client) Doctor(ctx context.Context) ([]Finding, error) {
	var found []Finding
	err := c.call(ctx, http.MethodGet, "doctor", nil, &found)
	return found, err
}

// Stop ends the agent. It returns when the agent has ended: a refresh that has spent its token is finished first.
func (c *Client) Stop(ctx context.Context) error {
	if err := c.call(ctx, http.MethodPost, "stop", nil, nil); err != nil {
		return err
	}
	c.Close()
	ctx, cancel := context.WithTimeout(ctx, stopsWithin)
	defer cancel()
	if err := released(ctx, c.home); err != nil {
		return &Error{Kind: Failed, Code: "agent_stopping", Sentence: "the agent was told to stop and has not ended yet", Remedy: "see " + c.home.LogFile()}
	}
	return nil
}

// stopsWithin is how long an agent that was told to stop may take.
const stopsWithin = 30 * time.Second

// call makes one request with a JSON body and reads a JSON answer.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	response, err := c.do(ctx, method, path, in)
	if c.Version != "" && repeatable(method, path) && leaving(err) && ctx.Err() == nil {
		// It may be making place for a newer one, which waits for us.
		response, err = c.do(ctx, method, path, in)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		return c.gone(ctx, err)
	}
	return nil
}

// stream makes one POST request and hands each line of the answer to next. A line with an error ends it.
func (c *Client) stream(ctx context.Context, path string, in any, next func([]byte) error) error {
	response, err := c.do(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var line json.RawMessage
		if err := decoder.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) && path != "watch" {
				return nil
			}
			return c.gone(ctx, err)
		}
		var failure errorAnswer
		if json.Unmarshal(line, &failure) == nil && failure.Error != nil {
			return failure.Error
		}
		if err := next(line); err != nil {
			return c.gone(ctx, err)
		}
	}
}

// errorAnswer is the body of every answer that is not a success, and the last line of a stream that failed.
type errorAnswer struct {
	Error *Error `json:"error"`
}

func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("agent request %s: %w", path, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://fob/v1/"+path, body)
	if err != nil {
		return nil, fmt.Errorf("agent request %s: %w", path, err)
	}
	if repeatable(method, path) {
		// An agent that hands over closes the connections that nobody uses; the request then goes to the new one. An empty value
		// tells net/http so and sends nothing.
		request.Header["X-Idempotency-Key"] = []string{}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.gone(ctx, err)
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	var failure errorAnswer
	if json.NewDecoder(response.Body).Decode(&failure) != nil || failure.Error == nil {
		return nil, &Error{Kind: Failed, Code: "agent_answer", Sentence: fmt.Sprintf("the agent answered %d to %s without saying why", response.StatusCode, path),
			Remedy: "run `fob stop` and try again: agent and command may be of different versions"}
	}
	return nil, failure.Error
}

// leaving says that the agent was about to end when it was asked.
func leaving(err error) bool {
	var known *Error
	return errors.As(err, &known) && (known.Code == session.CodeStopping || known.Code == codeUnreachable)
}

// repeatable says that a request may be made again when nobody knows what became of it.
func repeatable(method, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	return method == http.MethodGet || slices.Contains([]string{"token", "fill", "copy", "credential", "watch", "attach"}, path)
}

const codeUnreachable = "agent_unreachable"

// gone is the error of an agent that cannot be reached, unless the caller gave up.
func (c *Client) gone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if c.home.Elsewhere != "" {
		return &Error{Kind: Unreachable, Code: codeUnreachable, Sentence: "no agent answers at " + c.home.Elsewhere + ", which FOB_SOCKET names",
			Remedy: "see that the ssh connection that forwards it is open and its RemoteForward was accepted; unset FOB_SOCKET to use an agent of this machine"}
	}
	return &Error{Kind: Unreachable, Code: codeUnreachable, Sentence: "the agent cannot be reached at " + c.home.Socket(),
		Remedy: "start it with `fob agent`, or any command without --no-start"}
}

// Ensure starts the agent when it is not running: the fob binary at exe, detached, holding none of our descriptors. With
// start false it only looks. What the agent says of itself is kept: see [Client.Greeting].
func (c *Client) Ensure(ctx context.Context, exe string, start bool) error {
	hello, err := c.greet(ctx)
	var known *Error
	if err != nil && start && c.home.Elsewhere == "" && errors.As(err, &known) && known.Code == codeUnreachable {
		if err = launch(ctx, c.home, exe); err == nil {
			hello, err = c.greet(ctx)
		}
	}
	if err == nil && start && c.Version != "" && exe != "" {
		if mine := BuildOf(c.Version, exe); !hello.Build.Modified.IsZero() && mine.NewerThan(hello.Build) {
			hello, c.note, err = c.takeOver(ctx, hello, mine)
		}
	}
	c.greeting = hello
	return err
}

// helloPatience is how long an agent may take to say hello: longer than one takes to give way to a newer one. Tests wait less.
var helloPatience = 30 * time.Second

// greet is Hello for an agent that may hang, or that somebody has stopped.
func (c *Client) greet(ctx context.Context) (Hello, error) {
	within, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	hello, err := c.Hello(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = mute(c.home)
	}
	return hello, err
}

// muteElsewhere is the error of a forwarded socket behind which nothing is said.
func muteElsewhere(home Home) *Error {
	return &Error{Kind: Unreachable, Code: CodeSilent, Sentence: "the agent at " + home.Elsewhere + ", which FOB_SOCKET names, does not answer",
		Remedy: "see that the ssh connection that forwards it is alive, and the agent behind it"}
}

// Note is what a person should know about the agent that [Client.Ensure] found; "" is nothing. It is said once of each agent.
func (c *Client) Note() string { return c.note }

// Greeting is what the agent said of itself when [Client.Ensure] found it.
func (c *Client) Greeting() Hello { return c.greeting }
