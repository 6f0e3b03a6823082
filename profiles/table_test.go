package profiles

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every row of the table is a member of Profile under the same name, and every member has a row: whoever adds a field
// adds it once, and it is validated, written, shown and documented.
func TestTableAndStructAgree(t *testing.T) {
	var p Profile
	v := reflect.ValueOf(&p).Elem()
	byTag := map[string]reflect.Value{}
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() {
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			byTag[tag] = v.Field(i)
		}
	}
	for _, f := range Fields() {
		if f.Kind == KindSecret {
			if f.member != nil || byTag[f.Key].IsValid() {
				t.Errorf("%s is a secret and has a place in Profile", f.Key)
			}
			continue
		}
		field, ok := byTag[f.Key]
		if !ok {
			t.Errorf("%s has a row and no member of Profile", f.Key)
			continue
		}
		if got := reflect.ValueOf(f.member(&p)).Pointer(); got != field.Addr().Pointer() {
			t.Errorf("%s: the row points to another member", f.Key)
		}
		delete(byTag, f.Key)
	}
	for tag := range byTag {
		t.Errorf("%s is a member of Profile and has no row", tag)
	}
}

func TestRowsAreComplete(t *testing.T) {
	groups := []string{GroupProfile, GroupServer, GroupClient, GroupRequest, GroupAccount, GroupAssertion, GroupExchange, GroupBackchannel, GroupOAuth1,
		GroupRedirect, GroupToken, GroupProtection, GroupConstrained, GroupRegistration, GroupNetwork, GroupQuirks}
	seen := map[string]bool{}
	at := 0
	for _, f := range Fields() {
		if seen[f.Key] {
			t.Errorf("%s has two rows", f.Key)
		}
		seen[f.Key] = true
		if f.Label == "" || f.Help == "" || f.Example == "" || f.check == nil {
			t.Errorf("%s: label, help, example or check is missing", f.Key)
		}
		if f.Kind == KindSecret && !secretName(f.Key) {
			t.Errorf("%s is a secret and would be read from the file: add it to secretName", f.Key)
		}
		if (f.Kind == KindJSON || f.Kind == KindPEM) != f.Multiline && f.Kind != KindSecret {
			t.Errorf("%s: a %s is multiline", f.Key, f.Kind)
		}
		if !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: help is no sentence: %q", f.Key, f.Help)
		}
		group := slices.Index(groups, f.Group)
		if group < at {
			t.Errorf("%s: group %q is not with its like", f.Key, f.Group)
		}
		at = group
		if f.Kind != KindSecret {
			var p Profile
			if err := p.Set(f.Key, f.Example); err != nil {
				t.Errorf("%s: its example is refused: %v", f.Key, err)
			}
		}
		for _, c := range f.Choices {
			if err := ValidateValue(f.Key, c.Value); err != nil {
				t.Errorf("%s: its choice %q is refused: %v", f.Key, c.Value, err)
			}
		}
		if f.Kind == KindDuration && !strings.Contains(f.Default, " ") {
			if _, err := ParseDuration(f.Default); err != nil {
				t.Errorf("%s: default %q: %v", f.Key, f.Default, err)
			}
		}
	}
	if len(table) > 256 {
		t.Error("decodeProfile counts 256 rows") // its array
	}
	if got := (Profile{}).Timeout().String(); got != "5m0s" || row("login_timeout").Default != DefaultLoginTimeout.String() {
		t.Errorf("the default of login_timeout is %s and its row says %s", got, row("login_timeout").Default)
	}
	if got := (Profile{}).Reminder().String(); got != "10m0s" || row("reminder_before").Default != DefaultReminderBefore.String() {
		t.Errorf("the default of reminder_before is %s and its row says %s", got, row("reminder_before").Default)
	}
}

func TestShown(t *testing.T) {
	secret, _ := FieldByKey("client_secret")
	for method, want := range map[string]bool{"": true, "client_secret_basic": true, "client_secret_post": true, "none": false} {
		if got := secret.Shown(Profile{TokenEndpointAuthMethod: method}); got != want {
			t.Errorf("client_secret is shown with %q: %t, want %t", method, got, want)
		}
	}
	redirect, _ := FieldByKey("redirect_uri")
	if !redirect.Shown(Profile{}) || redirect.Shown(Profile{GrantType: "client_credentials"}) {
		t.Error("redirect_uri is shown where no browser is used, or is not where one is")
	}
}

// F-050: the values that OpenID Connect Core §3.1.2.1 and its account creation have, for faces to offer.
func TestPromptChoices(t *testing.T) {
	var offered []string
	for _, c := range row("prompt").Choices {
		offered = append(offered, c.Value)
	}
	for _, value := range []string{"none", "login", "consent", "select_account", "create"} {
		if !slices.Contains(offered, value) {
			t.Errorf("prompt %s is not offered", value)
		}
	}
}

func TestFieldByKey(t *testing.T) {
	tests := []struct {
		key, want string
	}{
		{"scope", "scope"}, {"authorize_params.audience", "authorize_params"}, {"client_secret", "client_secret"},
		{"scope.x", ""}, {"authorize_params.", ""}, {"", ""}, {"Scope", ""},
	}
	for _, tt := range tests {
		f, ok := FieldByKey(tt.key)
		if f.Key != tt.want || ok != (tt.want != "") {
			t.Errorf("FieldByKey(%q) = %q, %t, want %q", tt.key, f.Key, ok, tt.want)
		}
	}
	fields := Fields()
	fields[0].Key = "changed"
	if Fields()[0].Key != "name" {
		t.Error("a caller changed the table")
	}
}

func TestPaletteAndColorChoicesAgree(t *testing.T) {
	f, _ := FieldByKey("color")
	var choices, names []string
	for _, c := range f.Choices[1:] {
		choices = append(choices, c.Value)
	}
	for _, c := range Palette() {
		names = append(names, c.Name)
	}
	if !slices.Equal(choices, names) {
		t.Errorf("choices %v, palette %v", choices, names)
	}
	if r, g, b, ok := RGB("#0a0Bff"); !ok || r != 0x0a || g != 0x0b || b != 0xff {
		t.Errorf("RGB(#0a0Bff) = %x %x %x %t", r, g, b, ok)
	}
}

func TestDuration(t *testing.T) {
	tests := []struct{ in, out string }{
		{"90s", "1m30s"}, {"5m", "5m"}, {"1h", "1h"}, {"60m", "1h"}, {"1h30m", "1h30m"}, {"2d", "2d"}, {"48h", "2d"},
		{"1d12h", "1d12h"}, {"500ms", "500ms"}, {"0", "0s"}, {" 5m ", "5m"}, {"1h0m1s", "1h0m1s"},
	}
	for _, tt := range tests {
		d, err := ParseDuration(tt.in)
		if err != nil || d.String() != tt.out {
			t.Errorf("ParseDuration(%q) = %s, %v, want %s", tt.in, d, err, tt.out)
		}
		if again, err := ParseDuration(d.String()); err != nil || again != d {
			t.Errorf("%s does not read back: %s, %v", d, again, err)
		}
	}
	for _, in := range []string{"", "5", "five", "5 minutes", "1.5d", "d", "-1d", "1d-1h", "99999d99999999h"} {
		if d, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %s, want an error", in, d)
		}
	}
}
