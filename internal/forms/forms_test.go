package forms

import (
	"encoding/base64"
	"encoding/json"
	"go/format"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// nasty are pieces of text that some target takes for its own syntax.
var nasty = []string{"'", `"`, "$", "$(id)", "`id`", "\\", "\\n", "!", "&", "|", ";", "<", ">", "*", "?", "~", "#", "%", "%0A", "{{", "}}", "${X}", "@", "=", ":", " ", "\t", "ü", "日本", "😀", "’", "‘", "\u2028", "a", "Z", "0", "-", "--", "EOF", "\n", "\r\n", "\x01", "\x7f"}

// text is random text of nasty pieces; without lines where a target has none.
func text(r *rand.Rand, lines bool) string {
	var out strings.Builder
	for range r.IntN(12) {
		piece := nasty[r.IntN(len(nasty))]
		if !lines && strings.ContainsAny(piece, "\r\n") {
			continue
		}
		out.WriteString(piece)
	}
	return out.String()
}

// Issue 5, "Copy as": what is quoted arrives as it was, in the shell itself.
func TestShellQuoting(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	var script strings.Builder
	var want []string
	for range 2000 {
		s := text(r, true)
		want = append(want, s)
		script.WriteString("printf '%s\\0' " + Shell(s) + "\n")
	}
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command("sh", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range strings.Split(strings.TrimSuffix(string(got), "\x00"), "\x00") {
		if s != want[i] {
			t.Fatalf("%q arrives as %q", want[i], s)
		}
	}
}

// PowerShell cannot be run here: this is its rule (about_Quoting_Rules), read backwards. Within single quotes, of every kind it
// knows, two are one, one ends the string, and nothing else is special.
func powerShellReads(t *testing.T, quoted string) string {
	t.Helper()
	isQuote := func(r rune) bool { return r == '\'' || r >= '\u2018' && r <= '\u201b' }
	runes := []rune(quoted)
	if len(runes) < 2 || !isQuote(runes[0]) || !isQuote(runes[len(runes)-1]) {
		t.Fatalf("%q is not a quoted string", quoted)
	}
	var out strings.Builder
	for i := 1; i < len(runes)-1; i++ {
		out.WriteRune(runes[i])
		if isQuote(runes[i]) {
			if i++; i >= len(runes)-1 || !isQuote(runes[i]) {
				t.Fatalf("%q ends early", quoted)
			}
		}
	}
	return out.String()
}

func TestQuotingOfLanguages(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2))
	for range 5000 {
		s := text(r, true)
		if got := powerShellReads(t, PowerShell(s)); got != s {
			t.Fatalf("PowerShell: %q is read as %q", s, got)
		}
		var fromJSON string
		if err := json.Unmarshal([]byte(JSON(s)), &fromJSON); err != nil || fromJSON != s {
			t.Fatalf("JSON: %q is read as %q, %v", s, fromJSON, err)
		}
		if got, err := strconv.Unquote(goText(s)); err != nil || got != s {
			t.Fatalf("Go: %q is read as %q, %v", s, got, err)
		}
		if got := dotenvReads(dotenvText(s)); got != strings.ReplaceAll(s, "\r", "\r") {
			t.Fatalf(".env: %q is read as %q", s, got)
		}
		for _, c := range pythonText(s) {
			if c < ' ' || c > '~' {
				t.Fatalf("Python: %q is not ASCII", pythonText(s))
			}
		}
	}
}

// dotenvReads is the rule that the readers of .env files share: single quotes hide everything, double quotes all but what has a
// backslash in front.
func dotenvReads(value string) string {
	switch {
	case strings.HasPrefix(value, "'"):
		return strings.Trim(value, "'")
	case strings.HasPrefix(value, `"`):
		var out strings.Builder
		inner := value[1 : len(value)-1]
		for i := 0; i < len(inner); i++ {
			if inner[i] == '\\' && i+1 < len(inner) {
				if i++; inner[i] == 'n' {
					out.WriteByte('\n')
					continue
				}
			}
			out.WriteByte(inner[i])
		}
		return out.String()
	}
	return value
}

func given() Given {
	return Given{Profile: "work", AccessToken: "tok.en-1_2~3+4/5==", IDToken: "id.to.ken", TokenType: "Bearer", ExpiresAt: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
		Scope: []string{"openid"}, API: "https://api.example.com/v1/", Method: http.MethodGet, URL: "https://api.example.com/v1/it's?q=$HOME&a[]=ü",
		Header: []Field{{"Authorization", "Bearer tok.en-1_2~3+4/5=="}, {"X-Note", "it's \"$HOME\" `id`"}}}
}

// Issue 5: every form holds what it is for, in the characters of a URL, and no header can hold a second one.
func TestEveryFormHoldsTheToken(t *testing.T) {
	for _, f := range BuiltIn() {
		out, err := f.Text(given())
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		want := "tok.en-1_2~3+4/5=="
		if f.Name == IDToken {
			want = "id.to.ken"
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s does not hold the token:\n%s", f.Name, out)
		}
		if f.Kind == Call && !strings.Contains(out, "%C3%BC") {
			t.Errorf("%s: the URL is not written in ASCII:\n%s", f.Name, out)
		}
		bad := given()
		bad.Header[1].Value = "a\r\nX-Evil: 1"
		if out, err := f.Text(bad); err == nil && f.Kind != Alone && f.Kind != Value {
			t.Errorf("%s takes a header of two lines:\n%s", f.Name, out)
		}
	}
	f, _ := Find("go", nil)
	out, err := f.Text(given())
	if err != nil {
		t.Fatal(err)
	}
	if pretty, err := format.Source([]byte(out)); err != nil || string(pretty) != out {
		t.Errorf("the Go program is not as gofmt writes it: %v", err)
	}
}

// What a tool has no way to write is refused, and not written wrongly.
func TestFormsRefuseWhatTheyCannotHold(t *testing.T) {
	for name, change := range map[string]func(*Given){
		"httpie":     func(g *Given) { g.Header[1].Value = `a\:b` },
		"powershell": func(g *Given) { g.Header[1].Value = "ü" },
		"fetch":      func(g *Given) { g.Body = "x" },
		"http":       func(g *Given) { g.Header[1].Value = "{{x}}" },
		"insomnia":   func(g *Given) { g.AccessToken = "{% x %}" },
		"bruno":      func(g *Given) { g.AccessToken = "a\nb" },
	} {
		f, ok := Find(name, nil)
		g := given()
		change(&g)
		if out, err := f.Text(g); !ok || err == nil {
			t.Errorf("%s writes it:\n%s", name, out)
		}
	}
}

func TestEnvironmentsAreReadBack(t *testing.T) {
	find := func(name string) string {
		f, _ := Find(name, nil)
		g := given()
		out, err := f.Text(g)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var postman struct {
		ID, Name string
		Values   []struct {
			Key, Value, Type string
			Enabled          bool
		}
		Scope string `json:"_postman_variable_scope"`
	}
	if err := json.Unmarshal([]byte(find("postman")), &postman); err != nil || postman.Scope != "environment" || postman.Name != "work" || len(postman.ID) != 36 {
		t.Fatalf("%+v, %v", postman, err)
	}
	if v := postman.Values[1]; v.Key != "access_token" || v.Value != given().AccessToken || v.Type != "secret" || !v.Enabled {
		t.Errorf("%+v", v)
	}
	var insomnia map[string]string
	if err := json.Unmarshal([]byte(find("insomnia")), &insomnia); err != nil || insomnia["access_token"] != given().AccessToken || insomnia["base_url"] != "https://api.example.com/v1" {
		t.Errorf("%v, %v", insomnia, err)
	}
	if want := "vars {\n  base_url: https://api.example.com/v1\n  access_token: tok.en-1_2~3+4/5==\n"; !strings.HasPrefix(find("bruno"), want) {
		t.Errorf("bruno:\n%s", find("bruno"))
	}
}

// Issue 5: user-defined forms.
func TestOwnForms(t *testing.T) {
	dir := t.TempDir()
	if own, err := Read(dir); len(own) != 0 || err != nil {
		t.Fatalf("%v, %v", own, err)
	}
	const text = "machine {{.API | urlquery}} {{shell .AccessToken}} {{json .Profile}} {{powershell .Method}} {{base64 .IDToken}} {{.Header}} {{join .Scope \",\"}} {{.Var}}{{range .Headers}} {{.Name}}{{end}}\n"
	if replaced, err := Add(dir, "mine", "My own", text); replaced || err != nil {
		t.Fatal(replaced, err)
	}
	own, err := Read(dir)
	if err != nil || len(own) != 1 || own[0].Label != "My own" {
		t.Fatalf("%+v, %v", own, err)
	}
	f, ok := Find("mine", own)
	g := given()
	g.URL, g.Profile, g.Header = "https://x.example/", `it's "x"`, g.Header[:1]
	got, err := f.Text(g)
	want := `machine https%3A%2F%2Fapi.example.com%2Fv1%2F 'tok.en-1_2~3+4/5==' "it's \"x\"" 'GET' ` + base64.StdEncoding.EncodeToString([]byte("id.to.ken")) + " Authorization: Bearer tok.en-1_2~3+4/5== openid FOB_TOKEN Authorization"
	want = strings.Replace(want, "'tok.en-1_2~3+4/5=='", Shell("tok.en-1_2~3+4/5=="), 1)
	if !ok || err != nil || got != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	if replaced, err := Add(dir, "mine", "", "{{.AccessToken}}"); !replaced || err != nil {
		t.Error(replaced, err)
	}
	if removed, err := Remove(dir, "mine"); !removed || err != nil {
		t.Error(removed, err)
	}
	if removed, err := Remove(dir, "mine"); removed || err != nil {
		t.Error(removed, err)
	}
}

// A mistake is named with line and column, and changes nothing; a file that cannot be read is not overwritten.
func TestOwnFormsSayWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if _, err := Add(dir, "good", "", "{{.AccessToken}}"); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(filepath.Join(dir, FileName))
	for _, c := range []struct{ name, text, want string }{
		{"x", "a\n  {{.Acces}}", "line 2, column 5: <.Acces>: can't evaluate field Acces"},
		{"x", "a\n\n {{nofunc .AccessToken}}", `line 3, column 4: function "nofunc" not defined`},
		{"x", "{{.AccessToken", "line 1, column 1: unclosed action"},
		{"x", "ok {{if}}", "line 1, column 4: missing value for if"},
		{"x", "{{readFile \"/etc/passwd\"}}", `line 1, column 3: function "readFile" not defined`},
		{"x", "{{range $i := 99999999}}aaaaaaaaaaaaaaaaaaaaaa{{end}}", "more than 1 MiB"},
		{"curl", "{{.AccessToken}}", "a form that Fob brings along"},
		{"../x", "{{.AccessToken}}", "no name for a form"},
		{"x", "  \n", "is empty"},
	} {
		if _, err := Add(dir, c.name, "", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
	if after, _ := os.ReadFile(filepath.Join(dir, FileName)); string(after) != string(before) {
		t.Error("a mistake changed the file")
	}
	broken := `{"version":1,"forms":[` + "\n" + `{"name":"bad","template":"{{.Nope}}"}, {"name":"good","template":"{{.AccessToken}}"}]}`
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	if own, err := Read(dir); err == nil || len(own) != 1 || own[0].Name != "good" {
		t.Errorf("%v, %v: one bad form takes the others along", own, err)
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte("{\n  \"forms\": [,]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Add(dir, "x", "", "{{.AccessToken}}"); err == nil || !strings.Contains(err.Error(), "line 2, column 13") {
		t.Errorf("%v", err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, FileName)); string(text) != "{\n  \"forms\": [,]}" {
		t.Error("a file that cannot be read was overwritten")
	}
}

// FuzzOwn holds that no template can do more than write text.
func FuzzOwn(f *testing.F) {
	f.Add("{{.AccessToken}}")
	f.Add("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}")
	f.Add("{{printf \"%999999d\" 1}}")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "range") {
			return // over a number it is slow, which is the author's own time
		}
		out, err := Form{Name: "x", Template: text}.Text(given())
		if err == nil && len(out) > textMost {
			t.Errorf("%d bytes", len(out))
		}
	})
}
