package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// requestAsk is what `fob request` was asked.
type requestAsk struct {
	request agent.Request
	headers []string
	data    string
	json    bool
	raw     bool
	include bool
}

// sentMost bounds a body that goes through the agent, whose requests are 1 MiB at most, in base64.
const sentMost = 700 << 10

func (f *face) requestVerb() *cobra.Command {
	var ask requestAsk
	cmd := &cobra.Command{
		Use: "request NAME [METHOD PATH]", Short: "Make a request to the profile's API",
		Long: `Makes one request to the API of the profile and prints the answer's body. The agent makes it: this command never sees the token. PATH is below the profile's api_base_url, which
no request leaves; redirects elsewhere are followed without the token. The default is GET of api_base_url itself.

DPoP proofs and nonces, OAuth 1.0a signatures and certificate-bound tokens are dealt with; a token that the API refuses is refreshed once. Where the API asks for a stronger login or more scope, that
is offered at a terminal, and named with exit code 3 elsewhere.

A terminal gets JSON on several lines and no control characters; anything else gets the body as it came. --json prints status, headers and body as one JSON object.
Exit codes: 0 for an answer below 400, 1 for 400 and above, and those of every verb. An answer is cut at 1 MiB, which is said and ends with 1: see fob curl for more.`,
		Example: `  fob request work GET /me
  fob request work POST /items -d '{"name": "lamp"}'
  fob request work PUT /items/7 -d @item.json -H 'If-Match: "3"'
  fob request work DELETE /items/7 -i`,
		Args: requestWords, ValidArgsFunction: f.completeRequest,
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.request.Name = args[0]
			if len(args) == 3 {
				ask.request.Method, ask.request.URL = args[1], args[2]
				if err := checkMethod(args[1]); err != nil {
					return err
				}
			}
			if ask.json && (ask.raw || ask.include) {
				return misused("--json has status, headers and body in it", "--json goes with neither --raw nor --include")
			}
			if err := ask.read(f, cmd.Flags().Changed("data")); err != nil {
				return err
			}
			return f.request(cmd.Context(), ask)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&ask.headers, "header", "H", nil, "send this `HEADER`; repeat for more")
	flags.StringVarP(&ask.data, "data", "d", "", "send this `BODY`, or @FILE, or - for standard input; JSON is sent as application/json")
	flags.BoolVar(&ask.json, "json", false, "print status, headers and body as JSON")
	flags.BoolVar(&ask.raw, "raw", false, "print the body as it came, at a terminal too")
	flags.BoolVarP(&ask.include, "include", "i", false, "print status and headers before the body")
	cmd.RegisterFlagCompletionFunc("header", cobra.NoFileCompletions)
	return cmd
}

// read gets headers and body.
func (ask *requestAsk) read(f *face, sends bool) error {
	var err error
	r := &ask.request
	if r.Header, err = headerFields(ask.headers); err != nil {
		return err
	}
	typed := false
	for _, h := range r.Header {
		if name := strings.ToLower(h.Name); name == "authorization" || name == "dpop" {
			return misused("leave it out", "the header %s is Fob's to write", h.Name)
		}
		typed = typed || strings.EqualFold(h.Name, "Content-Type")
	}
	if !sends {
		return nil
	}
	if r.Body, err = f.body(ask.data); err != nil {
		return err
	}
	if len(r.Body) > sentMost {
		return failed("too_large", "send it with fob curl, which has no limit", "a body of %d bytes is more than `fob request` sends", len(r.Body))
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if !typed {
		kind := "application/x-www-form-urlencoded"
		if json.Valid(r.Body) {
			kind = "application/json"
		}
		r.Header = append(r.Header, agent.HeaderField{Name: "Content-Type", Value: kind})
	}
	return nil
}

// body is what -d names.
func (f *face) body(data string) ([]byte, error) {
	if data == "-" {
		text, err := f.readIn()
		return []byte(text), err
	}
	path, found := strings.CutPrefix(data, "@")
	if !found {
		return []byte(data), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, misused("see that the file is there", "the body: %s", err)
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, pasteMax))
}

func (f *face) request(ctx context.Context, ask requestAsk) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var answer agent.Response
	for again := false; ; again = true {
		answer, err = withName(ctx, client, ask.request.Name, func(name string) (agent.Response, error) {
			ask.request.Name = name
			return client.Request(ctx, ask.request)
		})
		if err != nil {
			return err
		}
		if answer.StepUp == nil {
			break
		}
		status, err := statuses(ctx, client, []string{ask.request.Name})
		if err != nil {
			return err
		}
		_, went, err := f.stepUp(ctx, client, loginAsk{name: ask.request.Name}, status[0], answer.StepUp, again)
		if err != nil { // the API's own words say more
			if printed := f.printAnswer(ask, answer); printed != nil {
				return printed
			}
			return err
		}
		if !went {
			break
		}
	}
	if err := f.printAnswer(ask, answer); err != nil {
		return err
	}
	switch {
	case answer.Cut:
		return failed("cut", "get all of it with fob curl", "the answer is longer than %d bytes and was cut there", len(answer.Body))
	case answer.Status >= http.StatusBadRequest:
		return failed("api_refused", "", "the API answers %s", statusLine(answer.Status))
	}
	return nil
}

func statusLine(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func (f *face) printAnswer(ask requestAsk, answer agent.Response) error {
	if ask.json {
		return f.printJSON(answerJSON(answer))
	}
	terminal := isTerminal(f.Out) && !ask.raw
	var head strings.Builder
	if ask.include {
		head.WriteString("HTTP " + statusLine(answer.Status) + "\n")
		for _, h := range answer.Header {
			head.WriteString(clean(h.Name+": "+h.Value) + "\n")
		}
		head.WriteString("\n")
	}
	if !terminal {
		return f.print(head.String() + string(answer.Body))
	}
	return f.print(head.String() + shownBody(answer.Body))
}

// shownBody is a body as a terminal can show it.
func shownBody(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return fmt.Sprintf("(%d bytes that are no text; redirect them to a file)\n", len(body))
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "", "  ") == nil {
		body = pretty.Bytes()
	}
	var out strings.Builder
	for line := range strings.Lines(string(body)) {
		out.WriteString(cleanLine(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return out.String()
}

// cleanLine is clean, but for tabs, which text may be indented with.
func cleanLine(line string) string {
	parts := strings.Split(line, "\t")
	for i := range parts {
		parts[i] = clean(parts[i])
	}
	return strings.Join(parts, "\t")
}

// answerJSON is an answer as one object: a body that is JSON stands in it as such, other text as a string, bytes in base64.
func answerJSON(answer agent.Response) any {
	out := struct {
		Status int                 `json:"status"`
		Header []agent.HeaderField `json:"header"`
		Body   any                 `json:"body,omitempty"`
		Base64 []byte              `json:"body_base64,omitempty"`
		Cut    bool                `json:"cut,omitempty"`
	}{Status: answer.Status, Header: slices.Concat([]agent.HeaderField{}, answer.Header), Cut: answer.Cut}
	switch {
	case len(answer.Body) == 0:
	case json.Valid(answer.Body):
		out.Body = json.RawMessage(answer.Body)
	case utf8.Valid(answer.Body):
		out.Body = string(answer.Body)
	default:
		out.Base64 = answer.Body
	}
	return out
}
