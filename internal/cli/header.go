package cli

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) headerVerb() *cobra.Command {
	var nonce string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "header NAME [METHOD URL]", Short: "Print the headers that let a request in",
		Long: `Prints the headers that carry the profile's token, a line each, as curl -H @- takes them. METHOD and URL name the request they are for.
A bearer token's header is the same for every request, but is refused for one that would travel unencrypted. A DPoP token comes with a fresh
proof for that request, which is good once and for a short time (RFC 9449), and OAuth 1.0a with its signature: both need METHOD and URL.

Some APIs want the credential in the address or in a form body. Then that is printed instead, and standard error says which.`,
		Example: `  fob header work | curl -H @- https://api.example.com/me
  fob header work POST https://api.example.com/items
  fob header work GET https://api.example.com/me --nonce "$(cat dpop-nonce)"
  fob header work GET https://api.example.com/me --json`,
		Args: requestWords, ValidArgsFunction: f.completeRequest,
		RunE: func(cmd *cobra.Command, args []string) error {
			method, address := "", ""
			if len(args) == 3 {
				if err := checkRequest(args[1], args[2]); err != nil {
					return err
				}
				method, address = args[1], args[2]
			} else if nonce != "" {
				return misused("add METHOD and URL", "--nonce is for the proof of one request")
			}
			return f.header(cmd.Context(), args[0], method, address, nonce, asJSON)
		},
	}
	cmd.Flags().StringVar(&nonce, "nonce", "", "the `NONCE` that the API asked for (DPoP-Nonce); default: the last one Fob saw")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print headers, address and form as JSON")
	cmd.RegisterFlagCompletionFunc("nonce", cobra.NoFileCompletions)
	return cmd
}

func (f *face) header(ctx context.Context, name, method, address, nonce string, asJSON bool) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	credential, err := withName(ctx, client, name, func(name string) (agent.Credential, error) {
		return client.Credential(ctx, name, method, address, nonce)
	})
	if err != nil {
		return err
	}
	inURL := address != "" && credential.URL != "" && credential.URL != plainURL(address)
	switch {
	case asJSON:
		return f.printJSON(credential)
	case len(credential.Header) > 0:
		var text strings.Builder
		for _, h := range credential.Header {
			text.WriteString(h.Name + ": " + h.Value + "\n")
		}
		if inURL || credential.Form != "" {
			f.hint("this API wants something beside the headers as well: see --json")
		}
		return f.print(text.String())
	case credential.Form != "":
		f.say("the credential is no header: this is the form body of the request (application/x-www-form-urlencoded)")
		return f.print(credential.Form + "\n")
	case inURL:
		f.say("the credential is no header: this is the address of the request")
		return f.print(credential.URL + "\n")
	}
	return failed("no_credential", "see the profile's token_placement", "profile %s: this request carries no credential", name)
}

// plainURL is an address as the agent writes it.
func plainURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.String()
}

// checkRequest refuses a request that would show the token to the network: bearer tokens travel over TLS (RFC 6750 §5.3),
// except to this computer.
func checkRequest(method, address string) error {
	if err := checkMethod(method); err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return misused("write URL as https://host/path", "the request's URL is not an absolute http or https URL")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return misused("use https", "%s would carry the token unencrypted", u.Host)
	}
	return nil
}

func checkMethod(method string) error {
	if method == "" || strings.ContainsFunc(method, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) }) {
		return misused("write METHOD as GET, POST, …", "%q is not an HTTP method", method)
	}
	return nil
}
