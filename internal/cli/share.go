package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/internal/carry"
	"fob/profiles"
)

// importAsk is what `fob profile import` was asked.
type importAsk struct {
	from, environment       string
	only, pairs             []string
	name                    string
	replace, dry, asJSON    bool
	secrets, withoutSecrets bool
}

func (f *face) profileImport() *cobra.Command {
	var ask importAsk
	cmd := &cobra.Command{
		Use: "import [FILE|FOLDER|-]", Short: "Add profiles from other tools' files, or from JSON",
		Long: `Adds the profiles that a file, a folder or standard input describes, recognised by its content: Postman collections and environments,
Insomnia exports, Bruno and OpenCollection folders, OpenAPI documents, IntelliJ's http-client.env.json, kubeconfigs with OpenID Connect, a
pasted curl or oauth2c command (which is never run), an authorization URL, Google's client JSON, oidc-agent's accounts, and what
` + "`fob profile export`" + ` prints. What could not be carried over is listed on standard error, with the reason.

Secrets go to the keychain after you were asked; --secrets is the answer beforehand. Tokens and passwords are never taken. A profile that
is there already and differs is never changed unawares: the differences are shown, and --replace is the consent to them. Nothing is
added unless all of it can be; --only picks some, --set gives what the file does not say.`,
		Example: `  fob profile import team.postman_collection.json --environment staging.postman_environment.json
  fob profile import bruno-collection/ --environment prod --only Orders
  fob profile import openapi.yaml --set client_id=acme-desktop --dry-run
  oidc-gen -p egi | fob profile import -
  fob profile import --replace < team.json`,
		Args: words(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.importAsked(cmd.Context(), args, ask) },
	}
	flags := cmd.Flags()
	flags.StringVar(&ask.from, "from", "", "the `FORMAT`, when the content does not say it")
	flags.StringVar(&ask.environment, "environment", "", "values for its variables: a `FILE`, or the name of an environment in it")
	flags.StringArrayVar(&ask.only, "only", nil, "take this profile alone (`NAME`); repeat for more")
	flags.StringVar(&ask.name, "name", "", "call the one profile `NAME`")
	flags.StringArrayVar(&ask.pairs, "set", nil, "set `KEY=VALUE` in each; repeat for more")
	flags.BoolVar(&ask.secrets, "secrets", false, "store the secrets in the keychain without asking")
	flags.BoolVar(&ask.withoutSecrets, "no-secrets", false, "leave secrets out")
	flags.BoolVar(&ask.replace, "replace", false, "change profiles that are there already")
	flags.BoolVar(&ask.dry, "dry-run", false, "only show what would be done")
	flags.BoolVar(&ask.asJSON, "json", false, "print JSON: profiles, differences, what was left")
	cmd.RegisterFlagCompletionFunc("from", completeFormats(func(carry.Format) bool { return true }))
	cmd.RegisterFlagCompletionFunc("only", cobra.NoFileCompletions)
	cmd.RegisterFlagCompletionFunc("name", cobra.NoFileCompletions)
	cmd.RegisterFlagCompletionFunc("set", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return completePair(typed)
	})
	return cmd
}

func completeFormats(which func(carry.Format) bool) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var all []string
		for _, format := range carry.Formats() {
			if which(format) {
				all = append(all, cobra.CompletionWithDesc(format.ID, format.Label))
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

func (f *face) importAsked(ctx context.Context, args []string, ask importAsk) error {
	if ask.secrets && ask.withoutSecrets {
		return misused("", "--secrets and --no-secrets exclude each other")
	}
	source, what, err := f.importSource(args)
	if err != nil {
		return err
	}
	found, err := f.importFound(source, what, ask)
	if err != nil {
		return err
	}
	return f.importAll(ctx, found, what, ask)
}

// importSource reads what is to be imported; what is how to call it.
func (f *face) importSource(args []string) (source carry.Source, what string, err error) {
	if len(args) == 0 || args[0] == "-" {
		if isTerminal(f.In) {
			f.hint("paste what is to be imported, then Enter and Ctrl-D")
		}
		what = "standard input"
		source, err = carry.Read(f.In)
	} else {
		what = args[0]
		source, err = carry.Open(args[0])
	}
	var path *os.PathError
	switch {
	case errors.Is(err, carry.ErrTooLarge):
		return source, what, failed("too_large", "", "%s %s", what, carry.ErrTooLarge)
	case errors.As(err, &path):
		return source, what, misused("", "%s", err)
	}
	return source, what, err
}

// importFound reads a source, and picks what was asked for.
func (f *face) importFound(source carry.Source, what string, ask importAsk) (carry.Found, error) {
	options, err := f.importOptions(source, ask)
	if err != nil {
		return carry.Found{}, err
	}
	found, err := carry.Import(source, options)
	var ambiguous *carry.AmbiguousError
	trimmed := strings.TrimSpace(source.Text)
	own := found.Format.ID == "fob" || options.From == "fob" || err != nil && options.From == "" && (strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "["))
	switch {
	case errors.As(err, &ambiguous):
		return found, misused("say which with --from", "%s %s", what, err)
	case errors.Is(err, carry.ErrUnknown) && source.Files == nil && trimmed == "":
		return found, misused("", "%s is empty", what)
	case err != nil && own:
		if _, err = carry.ParseOwn(source.Text); err != nil {
			return found, invalid(jsonPlace(source.Text, err))
		}
		return found, misused(readable(), "%s %s", what, carry.ErrUnknown)
	case errors.Is(err, carry.ErrUnknown):
		return found, misused(readable(), "%s %s", what, carry.ErrUnknown)
	case err != nil:
		return found, misused("", "%s: %s", what, err)
	}
	return found, ask.pick(&found, what)
}

// readable says what can be imported.
func readable() string {
	var all []string
	for _, format := range carry.Formats() {
		all = append(all, format.ID)
	}
	return "it reads " + strings.Join(all, ", ") + "; --from says which it is"
}

func (f *face) importOptions(source carry.Source, ask importAsk) (carry.Options, error) {
	o := carry.Options{From: ask.from}
	if ask.from != "" && !slices.ContainsFunc(carry.Formats(), func(format carry.Format) bool { return format.ID == ask.from }) {
		return o, misused(readable(), "there is no format %s", ask.from)
	}
	for _, pair := range ask.pairs {
		key, value, found := strings.Cut(pair, "=")
		field, known := profiles.FieldByKey(key)
		switch {
		case !found:
			return o, misused("`fob profile fields` lists the keys", "write settings as KEY=VALUE")
		case !known:
			var none profiles.Profile
			return o, misused("`fob profile fields` lists the keys", "%s", none.Set(key, value))
		case field.Kind == profiles.KindSecret:
			return o, misused("import first, then `fob profile set NAME "+key+"=@FILE`", "%s is a secret, and every process on this computer can read a command line", key)
		}
		o.Set = append(o.Set, [2]string{key, value})
	}
	if ask.environment == "" {
		return o, nil
	}
	environment, err := carry.Open(ask.environment)
	switch {
	case err == nil && environment.Files == nil:
		o.Environment = &environment
	case errors.Is(err, os.ErrNotExist) && filepath.Ext(ask.environment) == "": // one that the source has itself
		o.Within = ask.environment
	case err != nil:
		return o, misused("", "%s", err)
	default:
		return o, misused("", "%s is a folder; --environment takes a file or the name of an environment", ask.environment)
	}
	return o, nil
}

// pick leaves the profiles that were asked for.
func (ask importAsk) pick(found *carry.Found, what string) error {
	var names []string
	for _, d := range found.Drafts {
		names = append(names, d.Profile.Name)
	}
	for _, name := range ask.only {
		if !slices.Contains(names, name) {
			return misused("it has "+quotedList(names), "%s has no profile named %s", what, name)
		}
	}
	if len(ask.only) > 0 {
		found.Drafts = slices.DeleteFunc(found.Drafts, func(d carry.Draft) bool { return !slices.Contains(ask.only, d.Profile.Name) })
		found.Left = slices.DeleteFunc(found.Left, func(l carry.Left) bool { return l.Profile != "" && !slices.Contains(ask.only, l.Profile) })
	}
	if ask.name != "" {
		if len(found.Drafts) != 1 {
			return misused("choose one with --only; it has "+quotedList(names), "--name is for one profile, and there are %d", len(found.Drafts))
		}
		if err := found.Drafts[0].Profile.Set("name", ask.name); err != nil {
			return misused("", "%s", err)
		}
	}
	if ask.withoutSecrets {
		for i := range found.Drafts {
			for _, key := range found.Drafts[i].SecretKeys() {
				found.Left = append(found.Left, carry.Left{Profile: found.Drafts[i].Profile.Name, What: key, Why: "secrets were not wanted"})
			}
			found.Drafts[i].Secrets = nil
		}
	}
	return nil
}

func quotedList(names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, quoted(name))
	}
	return strings.Join(all, ", ")
}

// planned is what an import does about one profile.
type planned struct {
	Profile     profiles.Profile `json:"profile"`
	Secrets     []string         `json:"secrets,omitempty"` // their names
	Missing     []string         `json:"missing,omitempty"`
	Change      string           `json:"change"`
	Differences []string         `json:"differences,omitempty"`
	draft       carry.Draft
}

// importAll shows what was found and, with consent, takes it in.
func (f *face) importAll(ctx context.Context, found carry.Found, what string, ask importAsk) (err error) {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	present, err := client.Profiles(ctx)
	if err != nil {
		return err
	}
	all := make([]planned, 0, len(found.Drafts))
	for _, d := range found.Drafts {
		p := planned{Profile: d.Profile, Secrets: d.SecretKeys(), draft: d}
		for _, need := range d.Needs {
			p.Missing = append(p.Missing, need.Error())
		}
		p.Change, p.Differences = d.Meets(present)
		all = append(all, p)
	}
	for _, left := range found.Left {
		f.say("not carried over: %s", leftLine(left))
	}
	if ask.asJSON {
		left := found.Left
		if left == nil {
			left = []carry.Left{}
		}
		defer func() {
			if err == nil {
				err = f.printJSON(map[string]any{"format": found.Format.ID, "profiles": all, "left": left})
			}
		}()
	}
	if len(all) == 0 {
		return misused("", "there is no login in %s that Fob could take over", what)
	}
	if err := f.importRefusals(all, ask); err != nil {
		return err
	}
	if ask.dry {
		f.dryRun(all, found)
		return nil
	}
	if words := carry.SecretWords(found.Drafts); words != "" && !ask.secrets {
		if err := f.consentToSecrets(ctx, words, what); err != nil {
			return err
		}
	}
	return f.importPut(ctx, client, all)
}

func leftLine(l carry.Left) string {
	var parts []string
	for _, part := range []string{l.Profile, l.What, l.Why} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// importRefusals says why nothing is imported: nothing is half imported.
func (f *face) importRefusals(all []planned, ask importAsk) error {
	refused, incomplete := "", ""
	for _, p := range all {
		if p.Change == carry.Unchanged && len(p.Missing) == 0 && !ask.dry {
			f.say("profile %s is unchanged", p.Profile.Name)
		}
		for _, line := range p.Differences {
			f.say("profile %s: %s", p.Profile.Name, line)
		}
		if p.Change == carry.Replaces {
			refused = p.Profile.Name
		}
		for _, problem := range p.Missing {
			f.say("profile %s: %s", p.Profile.Name, problem)
			incomplete = p.Profile.Name
		}
	}
	switch {
	case ask.dry:
		return nil
	case incomplete != "":
		hint := "give it with --set KEY=VALUE"
		if len(all) > 1 {
			hint += ", or choose others with --only"
		}
		return misused(hint, "profile %s is not complete; nothing was imported", incomplete)
	case refused != "" && !ask.replace: // a file from somewhere never redirects a profile that the user trusts
		return misused("look at the differences above; --replace accepts them", "profile %s is there already and differs; nothing was imported", refused)
	}
	return nil
}

func (f *face) dryRun(all []planned, found carry.Found) {
	f.say("it is a file of %s; nothing was imported", found.Format.Label)
	for _, p := range all {
		line := map[string]string{carry.Adds: "would add", carry.Replaces: "would change", carry.Unchanged: "would leave alone"}[p.Change]
		if len(p.Missing) > 0 {
			line = "could not take"
		}
		line += " profile " + p.Profile.Name
		if len(p.Secrets) > 0 {
			line += ", with " + strings.Join(p.Secrets, ", ") + " for the keychain"
		}
		f.say("%s", line)
	}
}

// consentToSecrets asks before a secret of a file goes to the keychain.
func (f *face) consentToSecrets(ctx context.Context, words, what string) error {
	const remedy = "--secrets stores them in the keychain, --no-secrets leaves them out"
	if !f.conversing() {
		return misused(remedy, "%s holds %s; nothing was imported", what, words)
	}
	line, err := f.question(ctx, words+" found: store in the keychain? [y/N] ")
	if err != nil {
		return err
	}
	if !isYes(line) {
		return failed("declined", remedy, "nothing was imported")
	}
	return nil
}

func (f *face) importPut(ctx context.Context, client *agent.Client, all []planned) error {
	for _, p := range all {
		if p.Change == carry.Unchanged {
			continue
		}
		edit := agent.ProfileEdit{Profile: p.Profile, Secrets: p.draft.Revealed(), Create: p.Change == carry.Adds}
		if err := client.PutProfile(ctx, edit); err != nil {
			return err
		}
		if edit.Create {
			f.say("added profile %s", p.Profile.Name)
		} else {
			f.say("changed profile %s", p.Profile.Name)
		}
	}
	return nil
}
