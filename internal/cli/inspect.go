package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fob/oauth"
)

// pasteMax bounds what is read from standard input: a token, a secret or a few profiles.
const pasteMax = 4 << 20

func (f *face) inspectVerb() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "inspect [-]", Short: "Decode a JWT from standard input, offline",
		Long: `Decodes a JWT from standard input: header, claims, times in words. It asks no server and no agent, and verifies nothing: do not decide
by what it shows. A token is never taken from the command line, where every process could read it.`,
		Example: "  fob token work | fob inspect\n  fob token work --id-token | fob inspect - --json | jq .claims",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && args[0] != "-" {
				return misused("pipe it: `fob inspect < FILE`; what stands on a command line, every process can read", "inspect takes the token from standard input")
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			if isTerminal(f.In) {
				f.hint("paste the token, then Enter and Ctrl-D")
			}
			text, err := f.readIn()
			if err != nil {
				return err
			}
			jwt, err := oauth.InspectJWT(text)
			switch {
			case err != nil:
				return failed("malformed", "an opaque token has nothing inside to look at; only its server knows what it means", "standard input is not a JWT: %s", err)
			case asJSON:
				return f.printJSON(jwt)
			}
			return f.print(jwtText(jwt, time.Now()))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print kind, header and claims as JSON")
	return cmd
}

func jwtText(jwt *oauth.JWT, now time.Time) string {
	text := jwt.Kind + " JWT, not verified\n" + claimsText("header", jwt.Header, now)
	if jwt.Kind == oauth.Encrypted {
		return text + "\nthe claims are encrypted; only who holds the key can read them\n"
	}
	return text + claimsText("claims", jwt.Claims, now)
}

// readIn reads standard input to its end.
func (f *face) readIn() (string, error) {
	text, err := io.ReadAll(io.LimitReader(f.In, pasteMax+1))
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	if len(text) > pasteMax {
		return "", failed("too_large", "", "standard input is larger than %d MiB", pasteMax>>20)
	}
	return string(text), nil
}

// oneLine takes the end of line off a secret that an editor or echo put there.
func oneLine(what, text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return "", misused("give the secret on its own line", "%s is empty", what)
	case strings.ContainsAny(text, "\r\n"):
		return "", misused("give the secret on its own line", "%s has more than one line", what)
	}
	return text, nil
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
