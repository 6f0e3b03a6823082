package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

func (f *face) credentialKubernetes() *cobra.Command {
	var access bool
	cmd := helper(&cobra.Command{
		Use: "kubernetes NAME", Short: "Print an ExecCredential for kubectl and other Kubernetes clients",
		Long: `Prints an ExecCredential (client.authentication.k8s.io) with the profile's ID token, which is what a cluster with OpenID Connect looks at, or with its
access token where the login has no ID token or --access-token is given. In the kubeconfig:

  users:
  - name: work
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: fob
        args: [credential, kubernetes, work]
        interactiveMode: Never
        provideClusterInfo: true

With provideClusterInfo, Fob checks the cluster's host against the profile's credential_hosts when those are set.`,
		Example: "  fob credential kubernetes work | jq .status.expirationTimestamp",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		return f.kubernetes(ctx, client, args[0], access, os.Getenv("KUBERNETES_EXEC_INFO"))
	})
	cmd.Flags().BoolVar(&access, "access-token", false, "the access token, also where there is an ID token")
	return cmd
}

// execCredential is what kubectl and a credential plugin exchange (Kubernetes "client-go credential plugins").
type execCredential struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Spec       *execSpec `json:"spec,omitempty"`
	Status     *struct {
		ExpirationTimestamp *time.Time `json:"expirationTimestamp,omitempty"`
		Token               string     `json:"token"`
	} `json:"status,omitempty"`
}

type execSpec struct {
	Cluster struct {
		Server string `json:"server"`
	} `json:"cluster"`
}

func (f *face) kubernetes(ctx context.Context, client *agent.Client, name string, access bool, info string) error {
	const versions = "client.authentication.k8s.io/"
	answer := execCredential{APIVersion: versions + "v1", Kind: "ExecCredential"}
	if info != "" {
		var asked execCredential
		if err := json.Unmarshal([]byte(info), &asked); err != nil || !strings.HasPrefix(asked.APIVersion, versions) {
			return misused("let the kubeconfig name client.authentication.k8s.io/v1", "KUBERNETES_EXEC_INFO is not an ExecCredential that Fob knows")
		}
		answer.APIVersion = asked.APIVersion
		if asked.Spec != nil && asked.Spec.Cluster.Server != "" {
			if err := f.clusterFits(ctx, client, name, asked.Spec.Cluster.Server); err != nil {
				return err
			}
		}
	}
	handout, err := withName(ctx, client, name, func(name string) (agent.Handout, error) {
		return client.Token(ctx, agent.TokenQuery{Name: name, IDToken: !access}, chosenMinTTL)
	})
	if err != nil {
		return err
	}
	token := handout.IDToken
	if access || token == "" {
		token = handout.AccessToken
		if err := usableAsPassword(handout); err != nil {
			return err
		}
	}
	answer.Status = &struct {
		ExpirationTimestamp *time.Time `json:"expirationTimestamp,omitempty"`
		Token               string     `json:"token"`
	}{handout.ExpiresAt, token}
	return f.printJSON(answer)
}

// clusterFits refuses a cluster that the profile does not name, if it names any host for its credentials.
func (f *face) clusterFits(ctx context.Context, client *agent.Client, name, server string) error {
	view, err := withName(ctx, client, name, func(name string) (agent.ProfileView, error) { return client.Profile(ctx, name) })
	if err != nil || len(view.Profile.CredentialHosts) == 0 {
		return err
	}
	if ask := askFor(server); !view.Profile.HandedTo(ask.scheme, ask.host) {
		return misused("add the host to credential_hosts, or use another profile", "profile %s is not for the cluster at %s", view.Profile.Name, ask.host)
	}
	return nil
}

// dockerNotFound is what a docker credential helper prints when it has nothing; docker then goes on without.
const dockerNotFound = "credentials not found in native keychain"

func (f *face) credentialDocker() *cobra.Command {
	return helper(&cobra.Command{
		Use: "docker get|list|store|erase", Short: "Be the credential helper of docker, podman, skopeo and buildah",
		Long: `Answers docker and what reads its configuration (podman, skopeo, buildah, helm, oras). They call it as docker-credential-fob. Tell them for which
registry, in ~/.docker/config.json:

  {"credHelpers": {"registry.example.com": "fob"}}

The profile names the registry in credential_hosts. credential_username is the user name that goes with the token: oauth2accesstoken for Google,
00000000-0000-0000-0000-000000000000 for Azure, oauth2 (the default) for GitLab.`,
		Example: "  echo registry.example.com | fob credential docker get",
		Args:    words(1, 1), ValidArgs: []string{"get", "list", "store", "erase"},
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		switch args[0] {
		case "get":
			return f.dockerGet(ctx, client)
		case "list":
			return f.dockerList(ctx, client)
		case "erase": // docker logout: the login is Fob's
			return nil
		case "store":
			return failed("not_stored", "there is nothing to do for docker login: Fob hands out the token of the profile", "Fob keeps only what it got itself")
		}
		return misused("docker asks with get, list, store or erase", "there is no docker credential action %s", args[0])
	})
}

func (f *face) dockerGet(ctx context.Context, client *agent.Client) error {
	address, err := readLine(io.LimitReader(f.In, 1<<16))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	address = strings.TrimSpace(address)
	g, err := f.give(ctx, client, askFor(address))
	if err != nil {
		// docker reads the reason from standard output; people read standard error.
		reason := dockerNotFound
		if !errors.Is(err, errNotOurs) {
			reason = clean(err.Error())
			f.report(err)
		}
		if err := f.print(reason + "\n"); err != nil {
			return err
		}
		return exitCode(agent.Failed)
	}
	return f.printJSON(struct{ ServerURL, Username, Secret string }{address, g.profile.CredentialUser(), g.AccessToken})
}

func (f *face) dockerList(ctx context.Context, client *agent.Client) error {
	all, err := client.Profiles(ctx)
	if err != nil {
		return err
	}
	hosts := map[string]string{}
	for _, p := range all {
		for _, host := range p.CredentialHosts {
			hosts[host] = p.CredentialUser()
		}
	}
	return f.printJSON(hosts)
}

func (f *face) credentialTerraform() *cobra.Command {
	return helper(&cobra.Command{
		Use: "terraform get|store|forget HOST", Short: "Be the credentials helper of Terraform and OpenTofu",
		Long: `Answers Terraform and OpenTofu, which call it as terraform-credentials-fob. In ~/.terraformrc:

  credentials_helper "fob" {}

Terraform looks for the program in ~/.terraform.d/plugins: make a link there to the installed terraform-credentials-fob. The profile names the host in
credential_hosts.`,
		Example: "  fob credential terraform get app.terraform.example.com",
		Args:    words(2, 2),
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		switch args[0] {
		case "get":
			g, err := f.give(ctx, client, askFor(args[1]))
			if errors.Is(err, errNotOurs) {
				return f.print("{}\n")
			}
			if err != nil {
				return err
			}
			return f.printJSON(map[string]string{"token": g.AccessToken})
		case "store", "forget":
			return failed("not_stored", "log in and out with fob: fob login, fob logout", "Fob keeps only what it got itself")
		}
		return misused("Terraform asks with get, store or forget", "there is no Terraform credentials action %s", args[0])
	})
}

func (f *face) credentialCargo() *cobra.Command {
	return helper(&cobra.Command{
		Use: "cargo [NAME]", Short: "Be cargo's credential provider",
		Long: `Answers cargo (1.74 or later), which calls it as cargo-credential-fob. In .cargo/config.toml:

  [registries.work]
  index = "sparse+https://crates.example.com/index/"
  credential-provider = ["cargo-credential-fob"]           or ["cargo-credential-fob", "work"]

The profile names the registry's host in credential_hosts.`,
		Example: "  cargo login --registry work      is not needed: fob login work",
		Args:    cobra.ArbitraryArgs, ValidArgsFunction: f.completeNames, // cargo puts a flag of its own in front
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		return f.cargo(ctx, client, args)
	})
}

// cargoRequest is a line that cargo writes (The Cargo Book, "Credential Provider Protocol").
type cargoRequest struct {
	V        int      `json:"v"`
	Kind     string   `json:"kind"`
	Args     []string `json:"args"`
	Registry struct {
		IndexURL string `json:"index-url"`
	} `json:"registry"`
}

// cargo answers each line of cargo's with one line, until there are no more.
func (f *face) cargo(ctx context.Context, client *agent.Client, args []string) error {
	if err := f.print(`{"v":[1]}` + "\n"); err != nil {
		return err
	}
	requests := bufio.NewScanner(io.LimitReader(f.In, 1<<20))
	for requests.Scan() {
		var r cargoRequest
		answer := map[string]any{"Err": map[string]any{"kind": "operation-not-supported"}}
		if err := json.Unmarshal(requests.Bytes(), &r); err != nil || r.V != 1 {
			answer["Err"] = map[string]any{"kind": "other", "message": "fob: cargo's request was not understood", "caused-by": []string{}}
		} else if r.Kind == "get" {
			answer = f.cargoGet(ctx, client, append(args, r.Args...), r.Registry.IndexURL)
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		if err := f.print(string(text) + "\n"); err != nil {
			return err
		}
	}
	return requests.Err()
}

func (f *face) cargoGet(ctx context.Context, client *agent.Client, args []string, index string) map[string]any {
	ask := askFor(index)
	if len(args) > 0 {
		ask.profile = args[len(args)-1]
	}
	g, err := f.give(ctx, client, ask)
	switch {
	case errors.Is(err, errNotOurs):
		return map[string]any{"Err": map[string]any{"kind": "url-not-supported"}}
	case err != nil:
		message, causes := clean(err.Error()), []string{}
		var known *agent.Error
		if errors.As(err, &known) && known.Remedy != "" {
			causes = append(causes, clean(known.Remedy))
		}
		return map[string]any{"Err": map[string]any{"kind": "other", "message": message, "caused-by": causes}}
	}
	// Cargo sends the text as it is, as the whole Authorization header.
	token := g.AccessToken
	if scheme := cmp.Or(g.profile.TokenHeaderScheme, "Bearer"); scheme != "none" {
		token = scheme + " " + token
	}
	ok := map[string]any{"kind": "get", "token": token, "cache": "never", "operation_independent": true}
	if g.ExpiresAt != nil {
		ok["cache"], ok["expiration"] = "expires", g.ExpiresAt.Unix()
	}
	return map[string]any{"Ok": ok}
}

func (f *face) credentialNetrc() *cobra.Command {
	return helper(&cobra.Command{
		Use: "netrc NAME...", Short: "Print netrc lines, for what reads nothing else",
		Long: `Prints a line in the form of ~/.netrc for each host of the profiles. Pip, curl and Python's requests read such a file. Give it to them through a pipe,
so that the token is never on the disk. A netrc line knows no port.`,
		Example: `  curl --netrc-file <(fob credential netrc work) https://api.example.com/me
  NETRC=<(fob credential netrc pypi) pip install --index-url https://pypi.example.com/simple acme`,
		Args: words(1, -1), ValidArgsFunction: f.completeNames,
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		var text strings.Builder
		for _, name := range args {
			g, err := f.giveNamed(ctx, client, name)
			if err != nil {
				return err
			}
			written := map[string]bool{}
			for _, host := range g.profile.Hosts() {
				host, _, _ = net.SplitHostPort(host)
				if !written[host] {
					fmt.Fprintf(&text, "machine %s login %s password %s\n", host, g.profile.CredentialUser(), g.AccessToken)
				}
				written[host] = true
			}
		}
		return f.print(text.String())
	})
}

func (f *face) credentialNpm() *cobra.Command {
	var registry string
	cmd := helper(&cobra.Command{
		Use: "npm NAME", Short: "Print the line of an .npmrc that lets npm in",
		Long: `Prints the _authToken line for a registry. Npm has no credential helpers, but reads its user configuration from a pipe as well, and takes variables:
"//npm.example.com/:_authToken=${NPM_TOKEN}" in .npmrc goes with ` + "`fob exec NAME --env NPM_TOKEN -- npm install`" + `. The registry is --registry, or each host
of the profile.`,
		Example: `  npm --userconfig <(fob credential npm work) install
  fob credential npm work --registry https://npm.example.com/team/`,
		Args: words(1, 1), ValidArgsFunction: f.completeNames,
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		g, err := f.giveNamed(ctx, client, args[0])
		if err != nil {
			return err
		}
		var places []string
		if registry != "" {
			u, err := url.Parse(registry)
			if err != nil || !g.profile.HandedTo(u.Scheme, u.Host) {
				return misused("add the host to credential_hosts, or use another profile", "profile %s is not for the registry %s", g.profile.Name, registry)
			}
			places = []string{u.Host + "/" + strings.TrimPrefix(strings.TrimSuffix(u.Path, "/")+"/", "/")}
		} else {
			for _, host := range g.profile.Hosts() {
				places = append(places, strings.TrimSuffix(host, ":443")+"/")
			}
		}
		var text strings.Builder
		for _, place := range places {
			fmt.Fprintf(&text, "//%s:_authToken=%s\n", place, g.AccessToken)
		}
		return f.print(text.String())
	})
	cmd.Flags().StringVar(&registry, "registry", "", "the `URL` of the registry")
	cmd.RegisterFlagCompletionFunc("registry", cobra.NoFileCompletions)
	return cmd
}

// giveNamed gets the token of a profile that has hosts to hand it to.
func (f *face) giveNamed(ctx context.Context, client *agent.Client, name string) (given, error) {
	view, err := withName(ctx, client, name, func(name string) (agent.ProfileView, error) { return client.Profile(ctx, name) })
	if err != nil {
		return given{}, err
	}
	p := view.Profile
	if len(p.Hosts()) == 0 {
		return given{}, misused("name them: fob profile set "+quoted(p.Name)+" credential_hosts=HOST", "profile %s names no host that its token may go to", p.Name)
	}
	handout, err := client.Token(ctx, agent.TokenQuery{Name: p.Name}, chosenMinTTL)
	if err != nil {
		return given{}, err
	}
	return given{p, handout}, usableAsPassword(handout)
}
