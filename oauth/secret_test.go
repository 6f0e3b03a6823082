package oauth

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

type holder struct{ S Secret }

// Whatever prints it, a secret stays one: R-300.
func TestSecretsNeverPrint(t *testing.T) {
	const canary = "canary-8f3a"
	c := &Client{ID: "c", Secret: canary, Metadata: &Metadata{Issuer: "https://id.example",
		AuthorizationEndpoint: "https://id.example/a", TokenEndpoint: "https://id.example/t"}}
	a, err := c.Authorize(t.Context(), AuthorizationRequest{Scope: []string{"openid"}})
	if err != nil {
		t.Fatal(err)
	}
	a.verifier = canary
	token := Token{AccessToken: canary, RefreshToken: canary, IDToken: canary, Type: "Bearer",
		Extra: map[string]any{"user_token": canary}}
	values := map[string]any{
		"Secret": Secret(canary), "struct": struct{ S Secret }{canary}, "map": map[string]Secret{"k": canary},
		"slice": []Secret{canary}, "client": c, "authorization": a, "token": token, "*token": &token,
		"struct of token": struct{ T *Token }{&token},
	}
	hex := fmt.Sprintf("%x", canary)
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T"} {
			noSecret(t, name+verb+" "+strings.ToLower(fmt.Sprintf(verb, v)), canary, hex)
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		if name != "token" && name != "*token" && name != "struct of token" && name != "client" {
			slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		}
		noSecret(t, out.String(), canary)
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "token", token, "client", c)
	noSecret(t, out.String(), canary)

	for name, marshal := range map[string]func(any) ([]byte, error){
		"json": json.Marshal, "xml": xml.Marshal,
	} {
		b, err := marshal(holder{canary})
		if err != nil || !bytes.Contains(b, []byte("[secret]")) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		noSecret(t, string(b), canary)
	}
	if Secret(canary).Reveal() != canary || Secret(canary).String() != "[secret]" {
		t.Error("Reveal or String")
	}
}

func TestSecretReadsBack(t *testing.T) {
	var s Secret
	if err := json.Unmarshal([]byte(`"value"`), &s); err != nil || s.Reveal() != "value" {
		t.Errorf("%v", err)
	}
	if err := json.Unmarshal([]byte(`"[secret]"`), &s); err == nil {
		t.Error("the mask was taken for a secret")
	}
}
