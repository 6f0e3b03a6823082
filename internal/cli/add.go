package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

// addAsk is what `fob profile add` was asked.
type addAsk struct {
	name        string
	preset      string
	issuer      string
	clientID    string
	secretStdin bool
	scopes      []string
	pairs       []string
	account     string // where a Google service account's key file is
	register    bool   // register a client at the server
}

func (f *face) profileAdd() *cobra.Command {
	var ask addAsk
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a profile",
		Long: `Adds a profile. Give the issuer and Fob finds the endpoints; or start from a preset, which asks for a few answers: give each as
--set QUESTION=ANSWER (` + "`fob profile presets`" + ` lists them). --set takes any key of ` + "`fob profile fields`" + `; repeat it for lists. A secret is
given as --set client_secret=@FILE, --set client_secret=- or --client-secret-stdin, never as a literal. Where what is given fits one grant
alone, as subject_token does, that is the profile's, and Fob says so.

--service-account takes the JSON key file of a Google service account: server, assertion and key come from it, and the profile needs no login.
` + "`fob login --url`" + ` makes a profile from nothing but the address of an API.`,
		Example: `  fob profile add work --issuer https://login.example.com --client-id acme-desktop --scope openid --scope offline_access
  fob profile add corp --preset entra --set tenant=11111111-2222-3333-4444-555555555555 --client-id 8a7c…
  fob profile add gh --preset github --client-id Iv1.… --client-secret-stdin < secret.txt
  fob profile add mine --issuer https://login.example.com --register --scope openid
  fob profile add robot --service-account @key.json --scope https://www.googleapis.com/auth/drive.readonly`,
		Args: words(1, 1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.name = args[0]
			return f.addProfile(cmd.Context(), ask)
		},
	}
	cmd.Flags().StringVar(&ask.preset, "preset", "", "start from this preset (`ID`)")
	cmd.Flags().StringVar(&ask.issuer, "issuer", "", "the authorization server's issuer `URL`")
	cmd.Flags().StringVar(&ask.clientID, "client-id", "", "the client's `ID` there")
	cmd.Flags().BoolVar(&ask.secretStdin, "client-secret-stdin", false, "read the client secret from standard input")
	cmd.Flags().StringArrayVar(&ask.scopes, "scope", nil, "ask for this `scope`; repeat for more")
	cmd.Flags().StringArrayVar(&ask.pairs, "set", nil, "set `KEY=VALUE`; repeat for more")
	cmd.Flags().StringVar(&ask.account, "service-account", "", "make it of a Google service account's key file (`@FILE`, or - for standard input)")
	cmd.Flags().BoolVar(&ask.register, "register", false, "register a client at the server (RFC 7591) instead of giving --client-id")
	for _, name := range []string{"issuer", "client-id", "scope"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	cmd.RegisterFlagCompletionFunc("preset", completePresets)
	cmd.RegisterFlagCompletionFunc("set", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return completePair(typed)
	})
	return cmd
}

func (f *face) addProfile(ctx context.Context, ask addAsk) error {
	var c changes
	if ask.account != "" {
		if err := f.fromServiceAccount(&ask, &c); err != nil {
			return err
		}
	}
	p, rest, err := ask.start()
	if err != nil {
		return err
	}
	if rest.issuer != "" {
		c.add("issuer", rest.issuer)
	}
	if ask.register {
		if rest.clientID != "" {
			return misused("", "--register and --client-id exclude each other")
		}
		rest.clientID = unregistered
	}
	if rest.clientID != "" {
		c.add("client_id", rest.clientID)
	}
	if len(rest.scopes) > 0 {
		c.add("scope", rest.scopes...)
	}
	if rest.secretStdin {
		if err := c.useStdin("client_secret"); err != nil {
			return err
		}
	}
	if err := f.takePairs(ctx, &c, rest.pairs); err != nil {
		return err
	}
	if rest.secretStdin {
		secret, err := f.readSecret(ctx, "client_secret")
		if err != nil {
			return err
		}
		if err := c.addSecret("client_secret", secret); err != nil {
			return err
		}
	}
	if err := c.apply(&p); err != nil {
		return err
	}
	if grant, because := p.GuessGrant(func(key string) bool { return c.secrets[key] != "" }); grant != "" {
		p.GrantType = grant
		f.say("%s is given, so the grant is %s; for another one add --set grant_type=…", because, grant)
	}
	if err := f.validate(p); err != nil {
		return err
	}
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.PutProfile(ctx, agent.ProfileEdit{Profile: p, Secrets: c.secrets, Create: true}); err != nil {
		return err
	}
	if ask.register {
		r, err := client.Register(ctx, p.Name)
		if err != nil { // without a client the profile is of no use
			return errors.Join(err, client.RemoveProfile(context.WithoutCancel(ctx), p.Name))
		}
		f.say("registered a client at the server: its id is %s", r.ClientID)
	}
	f.say("added profile %s", p.Name)
	if p.Attended() {
		f.hint("log in with `fob login %s`", quoted(p.Name))
	} else {
		f.hint("it needs no login: `fob token %s`", quoted(p.Name))
	}
	return nil
}

// unregistered stands for the client id that a registration will bring.
const unregistered = "unregistered"

// start makes the profile that the rest of the flags change: an empty one, or that of the preset. What answers a question of
// the preset is taken out of the rest.
func (ask addAsk) start() (p profiles.Profile, rest addAsk, err error) {
	if ask.preset == "" {
		if err := p.Set("name", ask.name); err != nil {
			return p, ask, misused("", "%s", err)
		}
		return p, ask, nil
	}
	preset, known := profiles.PresetByID(ask.preset)
	if !known {
		var ids []string
		for _, one := range profiles.Presets() {
			ids = append(ids, one.ID)
		}
		return p, ask, misused("one of "+strings.Join(ids, ", "), "there is no preset %s", ask.preset)
	}
	answers := map[string]string{}
	rest = ask
	rest.pairs = nil
	asked := func(key string) bool {
		return slices.ContainsFunc(preset.Questions, func(q profiles.Question) bool { return q.Key == key })
	}
	if asked("issuer") {
		answers["issuer"], rest.issuer = ask.issuer, ""
	}
	for _, pair := range ask.pairs {
		if key, value, found := strings.Cut(pair, "="); found && asked(key) {
			answers[key] = value
		} else {
			rest.pairs = append(rest.pairs, pair)
		}
	}
	p, err = preset.New(ask.name, answers)
	if err != nil {
		return p, rest, misused("give each answer as --set QUESTION=ANSWER; `fob profile presets "+preset.ID+"` explains them", "%s", err)
	}
	return p, rest, nil
}

// quoted is a name as a shell takes it.
func quoted(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._/@:+%", r) || r > 0x7f)
	}) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
