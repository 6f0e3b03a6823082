package oauth

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	jose "github.com/go-jose/go-jose/v4"
)

// everyType has a pointer to a zero value of every exported struct.
func everyType() map[string]struct {
	value any
	loose bool // its maps may hold secrets, too; of the others only what is a Secret
} {
	type entry = struct {
		value any
		loose bool
	}
	return map[string]entry{
		"AnswerQuirk": {new(AnswerQuirk), false}, "AssertionClaims": {new(AssertionClaims), false},
		"Authorization": {new(Authorization), true}, "AuthorizationRequest": {new(AuthorizationRequest), false},
		"BackchannelAuthorization": {new(BackchannelAuthorization), true}, "BackchannelRequest": {new(BackchannelRequest), true},
		"ChainHost": {new(ChainHost), false}, "Challenge": {new(Challenge), false}, "Check": {new(Check), false},
		"CheckError": {new(CheckError), false}, "Client": {new(Client), true}, "ClientMetadata": {new(ClientMetadata), false},
		"CustomAuth": {new(CustomAuth), false}, "DeviceAuthorization": {new(DeviceAuthorization), true},
		"DiscoverOptions": {new(DiscoverOptions), false}, "Discovery": {new(Discovery), false}, "Error": {new(Error), false},
		"ExchangeRequest": {new(ExchangeRequest), true}, "Exploration": {new(Exploration), false},
		"ExploreOptions": {new(ExploreOptions), false}, "ExploreStep": {new(ExploreStep), false}, "Guard": {new(Guard), false},
		"HTTPOptions": {new(HTTPOptions), true}, "Introspection": {new(Introspection), false}, "JWT": {new(JWT), false},
		"KeySet": {new(KeySet), false}, "Logout": {new(Logout), false}, "Member": {new(Member), false},
		"Metadata": {new(Metadata), false}, "MismatchError": {new(MismatchError), false}, "PortalError": {new(PortalError), false}, "PrivateKeys": {new(PrivateKeys), true}, "ProxyError": {new(ProxyError), false},
		"ProofKey": {new(ProofKey), true}, "Quirks": {new(Quirks), false}, "Registration": {new(Registration), false},
		"ResourceMetadata": {new(ResourceMetadata), false}, "ResourceOptions": {new(ResourceOptions), false},
		"ServerFound": {new(ServerFound), false}, "Servers": {new(Servers), false}, "ServiceAccount": {new(ServiceAccount), true},
		"Step": {new(Step), false}, "StepUp": {new(StepUp), false}, "Token": {new(Token), true}, "TokenRequest": {new(TokenRequest), true},
		"Trace": {new(Trace), false}, "Transport": {new(Transport), true}, "Use": {new(Use), true}, "Way": {new(Way), false},
	}
}

const canary = "canary8f3a"

// filler sets every field, the unexported ones too.
type filler struct {
	loose bool
	keys  []jose.JSONWebKey
}

func (f filler) fill(v reflect.Value, depth int) {
	if depth > 6 {
		return
	}
	if !v.CanSet() && v.CanAddr() {
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	switch v.Interface().(type) {
	case Secret:
		v.SetString(canary)
		return
	case time.Time, http.RoundTripper, *http.Client, error:
		return
	case jose.JSONWebKey:
		v.Set(reflect.ValueOf(f.keys[0]))
		return
	case []jose.JSONWebKey:
		v.Set(reflect.ValueOf(f.keys))
		return
	case jose.SignatureAlgorithm:
		v.SetString("EdDSA")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("https://plain.example/x")
	case reflect.Pointer:
		if pkg := v.Type().Elem().PkgPath(); pkg == "fob/oauth" || pkg == "" || pkg == "time" {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Struct:
		if v.Type().PkgPath() == "fob/oauth" || v.Type().PkgPath() == "" {
			for i := range v.NumField() {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return // JSON, or PEM that is public
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if f.fill(key, depth+1); key.Kind() == reflect.String {
			key.SetString("name")
		}
		switch {
		case value.Kind() == reflect.Interface:
			value.Set(reflect.ValueOf(f.text()))
		case value.Kind() == reflect.String:
			value.SetString(f.text())
		case value.Type() == reflect.TypeFor[[]string]():
			value.Set(reflect.ValueOf([]string{f.text()}))
		default:
			f.fill(value, depth+1)
		}
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	}
}

func (f filler) text() string {
	if f.loose {
		return canary
	}
	return "plain"
}

// Every exported struct with everything in it, printed in every way there is,
// by itself and inside others: R-300.
func TestNothingPrintsSecrets(t *testing.T) {
	private, keys, err := GeneratePrivateKey("EdDSA") // the one kind of key that fmt would spell out
	if err != nil {
		t.Fatal(err)
	}
	raw := keys.keys[0].Key
	secrets := []string{canary, fmt.Sprintf("%x", canary), strings.Trim(fmt.Sprintf("%d", raw), "[]")[:40], private.Reveal()[20:60],
		fmt.Sprintf("%x", raw)[:40], strings.ReplaceAll(strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"), " ", ", ")}
	for name, entry := range everyType() {
		p := reflect.ValueOf(entry.value)
		f := filler{entry.loose, keys.keys}
		if name == "KeySet" {
			f.keys = []jose.JSONWebKey{keys.keys[0].Public()}
		}
		f.fill(p.Elem(), 0)
		ways := map[string]any{"pointer": entry.value, "field": struct{ V any }{entry.value}}
		switch name {
		case "Authorization", "Client", "Guard", "KeySet", "Servers", "Trace", "Transport", "Way": // go vet: they hold a lock
		default:
			ways["value"], ways["list"] = p.Elem().Interface(), []any{p.Elem().Interface()}
		}
		for kind, v := range ways {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				noSecret(t, name+" "+kind+" "+verb+" "+strings.ToLower(fmt.Sprintf(verb, v)), secrets...)
			}
			if text, err := json.Marshal(v); err == nil {
				noSecret(t, name+" "+kind+" json "+string(text), secrets...)
			}
		}
	}
}

// A new type cannot be forgotten above.
func TestEveryTypeIsPrinted(t *testing.T) {
	have := everyType()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			if _, isStruct := spec.Type.(*ast.StructType); isStruct && have[spec.Name.Name].value == nil {
				t.Errorf("%s: %s is missing in everyType", file.Name(), spec.Name.Name)
			}
			return true
		})
	}
}
