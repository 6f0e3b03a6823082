package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fob/internal/agent"
	"fob/profiles"
)

// helperNames are the names under which other programs look for their credential helpers, and the verb that each stands for.
var helperNames = map[string][]string{
	"git-credential-fob":        {"credential", "git"},
	"docker-credential-fob":     {"credential", "docker"},
	"cargo-credential-fob":      {"credential", "cargo"},
	"terraform-credentials-fob": {"credential", "terraform"},
}

// Arguments are the arguments of a program that was called as argv says: a credential helper's name, which is a link to fob, stands
// for its verb.
func Arguments(argv []string) []string {
	if len(argv) == 0 {
		return nil
	}
	name := strings.TrimSuffix(filepath.Base(argv[0]), ".exe")
	return append(append([]string(nil), helperNames[name]...), argv[1:]...)
}

func (f *face) credentialVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "credential TOOL", Short: "Answer git, docker, kubectl and their kin when they ask for a credential",
		Long: `Speaks the protocols in which other programs ask for credentials. They get a profile's token, always fresh, and nobody pastes one.

A token goes to no host but those of its profile: the one of api_base_url and those in credential_hosts. A profile is found by the host, or named.
A token that is bound to a key (DPoP) or a certificate is no password and is refused.

Each says how to set it up: fob credential git --help. The names git-credential-fob, docker-credential-fob, cargo-credential-fob and
terraform-credentials-fob are links to fob that ` + "`make install`" + ` puts beside it.`,
		Example: `  git config --global credential.https://git.example.com.helper fob
  fob credential kubernetes work
  fob credential netrc work`,
		Args: noSuchVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(f.credentialGit(), f.credentialDocker(), f.credentialKubernetes(), f.credentialAWS(), f.credentialCargo(), f.credentialTerraform(),
		f.credentialNetrc(), f.credentialNpm())
	return cmd
}

// errNotOurs means that no profile is for the host that a tool asks about; most tools then go on with their next helper.
var errNotOurs = errors.New("no profile is for this host")

// credentialAsk is what a tool wants to be let in to.
type credentialAsk struct {
	profile string // "" finds it by the host
	scheme  string // "" is https
	host    string // HOST or HOST:PORT
	user    string // the account, if the tool knows it
}

// ask splits an address as tools write it: with or without scheme, path and user.
func askFor(address string) credentialAsk {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	address = strings.TrimPrefix(address, "sparse+") // cargo
	u, err := url.Parse(address)
	if err != nil {
		return credentialAsk{}
	}
	return credentialAsk{scheme: u.Scheme, host: u.Host, user: u.User.Username()}
}

// given is what a tool gets.
type given struct {
	profile profiles.Profile
	agent.Handout
}

// give finds the profile for what is asked and gets its token, or errNotOurs.
func (f *face) give(ctx context.Context, client *agent.Client, ask credentialAsk) (given, error) {
	p, err := f.profileFor(ctx, client, ask)
	if err != nil {
		return given{}, err
	}
	handout, err := client.Token(ctx, agent.TokenQuery{Name: p.Name}, chosenMinTTL)
	if err != nil {
		return given{}, err
	}
	return given{p, handout}, usableAsPassword(handout)
}

// usableAsPassword refuses a token that lets nobody in without a key.
func usableAsPassword(h agent.Handout) error {
	switch strings.ToLower(h.TokenType) {
	case "bearer", "":
		return nil
	}
	return failed("bound_token", "turn that off in the profile, if the server lets you (dpop_bound_access_tokens)",
		"profile %s: a %s token needs a proof or a signature for each request; it cannot be handed out as a password", h.Name, h.TokenType)
}

// profileFor is the profile that ask is about: the one it names, if its token may go to that host, or the only one that is for the host.
func (f *face) profileFor(ctx context.Context, client *agent.Client, ask credentialAsk) (profiles.Profile, error) {
	all, err := client.Profiles(ctx)
	if err != nil {
		return profiles.Profile{}, err
	}
	var fitting []profiles.Profile
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
		if ask.profile == "" && p.HandedTo(ask.scheme, ask.host) {
			fitting = append(fitting, p)
		}
	}
	if ask.profile != "" {
		for _, p := range all {
			if p.Name != ask.profile && p.Name != onlyFold(names, ask.profile) {
				continue
			}
			if !p.HandedTo(ask.scheme, ask.host) {
				return p, fmt.Errorf("%w: profile %s is for %s", errNotOurs, p.Name, strings.Join(p.Hosts(), ", "))
			}
			return p, nil
		}
		return profiles.Profile{}, unknownName(names, ask.profile)
	}
	if len(fitting) > 1 && ask.user != "" {
		fitting, err = ofAccount(ctx, client, fitting, ask.user)
	}
	switch {
	case err != nil:
		return profiles.Profile{}, err
	case len(fitting) == 0:
		return profiles.Profile{}, errNotOurs
	case len(fitting) > 1:
		several := make([]string, len(fitting))
		for i, p := range fitting {
			several[i] = p.Name
		}
		return profiles.Profile{}, misused("name the profile where the tool's helper is set up, or the account in the address", "%s: several profiles are for this host: %s", ask.host, strings.Join(several, ", "))
	}
	return fitting[0], nil
}

// ofAccount keeps the profiles that are logged in as user, or that hand out user as their user name; all of them when none is.
func ofAccount(ctx context.Context, client *agent.Client, all []profiles.Profile, user string) ([]profiles.Profile, error) {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	statuses, err := client.Status(ctx, names...)
	if err != nil {
		return nil, err
	}
	var some []profiles.Profile
	for i, s := range statuses {
		if s.Account == user || all[i].CredentialUser() == user {
			some = append(some, all[i])
		}
	}
	if len(some) == 0 {
		return all, nil
	}
	return some, nil
}

// helper makes a command that a tool calls. A tool that asks about a host of nobody's gets silence, or what notOurs says.
func helper(cmd *cobra.Command, f *face, run func(ctx context.Context, client *agent.Client, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := f.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer client.Close()
		return run(cmd.Context(), client, args)
	}
	return cmd
}
