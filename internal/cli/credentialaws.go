package cli

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fob/internal/agent"
)

// awsAsk is what `fob credential aws` was asked.
type awsAsk struct {
	name, role, sessionName, region, endpoint string
	duration                                  time.Duration
}

func (f *face) credentialAWS() *cobra.Command {
	ask := awsAsk{duration: time.Hour}
	cmd := helper(&cobra.Command{
		Use: "aws NAME --role-arn ARN", Short: "Exchange the ID token for AWS credentials, as credential_process wants them",
		Long: `Exchanges the profile's ID token at AWS's token service (AssumeRoleWithWebIdentity) for credentials of a role and prints them in the form that
credential_process wants. The role must trust the profile's issuer as an OpenID Connect identity provider. In ~/.aws/config:

  [profile work]
  region = eu-central-1
  credential_process = fob credential aws work --role-arn arn:aws:iam::123456789012:role/developer

The token service is that of --region, AWS_REGION or AWS_DEFAULT_REGION, else the global one; --endpoint names another one.`,
		Example: "  fob credential aws work --role-arn arn:aws:iam::123456789012:role/developer | jq .Expiration",
		Args:    words(1, 1), ValidArgsFunction: f.completeNames,
	}, f, func(ctx context.Context, client *agent.Client, args []string) error {
		ask.name = args[0]
		return f.aws(ctx, client, ask)
	})
	flags := cmd.Flags()
	flags.StringVar(&ask.role, "role-arn", "", "the role to assume (`ARN`)")
	flags.StringVar(&ask.sessionName, "role-session-name", "", "what AWS's logs call this session (default: the account)")
	flags.StringVar(&ask.region, "region", "", "the AWS region of the token service")
	flags.StringVar(&ask.endpoint, "endpoint", "", "the `URL` of the token service")
	flags.Var((*seconds)(&ask.duration), "duration", "how long the credentials live")
	flags.Lookup("duration").DefValue = "1h"
	for _, name := range []string{"role-arn", "role-session-name", "region", "endpoint", "duration"} {
		cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

// awsCredentials is what credential_process prints (AWS SDKs and Tools Reference Guide, "Process credential provider").
type awsCredentials struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

func (f *face) aws(ctx context.Context, client *agent.Client, ask awsAsk) error {
	if ask.role == "" {
		return misused("name the role: --role-arn arn:aws:iam::ACCOUNT:role/NAME", "aws: --role-arn is missing")
	}
	endpoint, err := ask.service()
	if err != nil {
		return err
	}
	handout, err := withName(ctx, client, ask.name, func(name string) (agent.Handout, error) {
		return client.Token(ctx, agent.TokenQuery{Name: name, IDToken: true}, chosenMinTTL)
	})
	if err != nil {
		return err
	}
	if handout.IDToken == "" {
		return failed("no_id_token", "add openid to the profile's scope and log in again", "profile %s: AWS wants an ID token, and this login has none", handout.Name)
	}
	if ask.sessionName == "" {
		if all, err := client.Status(ctx, handout.Name); err == nil && len(all) == 1 {
			ask.sessionName = all[0].Account
		}
	}
	given, err := ask.assume(ctx, endpoint, handout.IDToken)
	if err != nil {
		return err
	}
	return f.printJSON(given)
}

// service is the address of the token service.
func (ask awsAsk) service() (string, error) {
	if ask.endpoint != "" {
		return ask.endpoint, checkRequest(http.MethodPost, ask.endpoint)
	}
	region := cmp.Or(ask.region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if region == "" {
		return "https://sts.amazonaws.com/", nil
	}
	if strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "", misused("write it like eu-central-1", "%q is no AWS region", region)
	}
	host := "sts." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		host += ".cn"
	}
	return "https://" + host + "/", nil
}

// stsAnswer is what the token service says (AWS STS API Reference, AssumeRoleWithWebIdentity); an error has another root.
type stsAnswer struct {
	Result struct {
		Credentials struct {
			AccessKeyID     string    `xml:"AccessKeyId"`
			SecretAccessKey string    `xml:"SecretAccessKey"`
			SessionToken    string    `xml:"SessionToken"`
			Expiration      time.Time `xml:"Expiration"`
		} `xml:"Credentials"`
	} `xml:"AssumeRoleWithWebIdentityResult"`
	Error struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	} `xml:"Error"`
}

const stsTimeout = 30 * time.Second

// assume asks the token service. The ID token goes in the body, never in the address, and no redirect is followed with it.
func (ask awsAsk) assume(ctx context.Context, endpoint, idToken string) (awsCredentials, error) {
	form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {ask.role}, "RoleSessionName": {sessionName(ask.sessionName)},
		"WebIdentityToken": {idToken}, "DurationSeconds": {strconv.Itoa(int(ask.duration.Seconds()))}}
	ctx, cancel := context.WithTimeout(ctx, stsTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return awsCredentials{}, misused("", "aws: the endpoint is no address")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := direct.Do(request)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err
		}
		return awsCredentials{}, &agent.Error{Kind: agent.TryAgain, Code: "network", Sentence: "AWS's token service cannot be reached at " + request.URL.Host + ": " + err.Error(), Remedy: "try again when the network is back"}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return awsCredentials{}, &agent.Error{Kind: agent.TryAgain, Code: "network", Sentence: "AWS's token service broke off its answer", Remedy: "try again"}
	}
	var answer stsAnswer
	parsed := xml.Unmarshal(text, &answer)
	c := answer.Result.Credentials
	switch {
	case response.StatusCode == http.StatusOK && parsed == nil && c.AccessKeyID != "":
		return awsCredentials{1, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Expiration}, nil
	case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests:
		return awsCredentials{}, &agent.Error{Kind: agent.TryAgain, Code: "server_error", Sentence: "AWS's token service answers " + response.Status, Remedy: "try again later"}
	case parsed == nil && answer.Error.Code != "":
		return awsCredentials{}, failed("aws_"+answer.Error.Code, awsRemedy(answer.Error.Code), "AWS refuses to let you assume %s: %s: %s", ask.role, answer.Error.Code, answer.Error.Message)
	}
	return awsCredentials{}, failed("aws_answer", "see --endpoint and --region", "%s answers %s, and not as AWS's token service does", request.URL.Host, response.Status)
}

func awsRemedy(code string) string {
	switch code {
	case "AccessDenied":
		return "the role's trust policy must name the profile's issuer, and its conditions must fit aud and sub: see fob show"
	case "InvalidIdentityToken", "IDPRejectedClaim":
		return "AWS must know the issuer as an identity provider, with the profile's client_id as audience"
	case "ExpiredTokenException":
		return "see whether the clock of this computer is right: fob doctor"
	}
	return ""
}

// sessionName is text as AWS takes it for the name of a session: 2 to 64 of these characters.
func sessionName(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=,.@-_", r) {
			return r
		}
		return '-'
	}, text)
	if len(text) < 2 {
		return "fob"
	}
	return text[:min(len(text), 64)]
}
