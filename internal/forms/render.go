package forms

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func headerLines(g Given) (string, error) {
	var lines []string
	for _, h := range g.Header {
		lines = append(lines, h.Name+": "+h.Value)
	}
	return strings.Join(lines, "\n"), nil
}

// sends is the header with the type of a body that has none yet.
func (g Given) sends() []Field {
	if g.Body == "" || g.has("Content-Type") || !g.Form {
		return g.Header
	}
	return append(g.Header[:len(g.Header):len(g.Header)], Field{"Content-Type", "application/x-www-form-urlencoded"})
}

func (g Given) has(name string) bool {
	for _, h := range g.Header {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}

func curl(g Given) (string, error) {
	words := []string{"curl"}
	usual := http.MethodGet
	if g.Body != "" {
		usual = http.MethodPost
	}
	switch {
	case g.Method == http.MethodHead:
		words = append(words, "-I")
	case g.Method != usual:
		words = append(words, "-X", Shell(g.Method))
	}
	if strings.ContainsAny(g.URL, "[]") {
		words = append(words, "-g") // brackets are ranges to curl
	}
	for _, h := range g.Header {
		line := h.Name + ": " + h.Value
		if h.Value == "" {
			line = h.Name + ";" // with a colon and nothing after it curl would take the header away
		}
		words = append(words, "-H", Shell(line))
	}
	if g.Body != "" {
		flag := "--data-raw" // -d would read a file where the body begins with @
		if g.Form {
			flag = "-d"
		}
		words = append(words, flag, Shell(g.Body))
	}
	return strings.Join(append(words, Shell(g.URL)), " "), nil
}

func httpie(g Given) (string, error) {
	words := []string{"http", "--ignore-stdin"}
	if g.Body != "" {
		words = append(words, "--raw", Shell(g.Body))
	}
	words = append(words, Shell(g.Method), Shell(g.URL))
	for _, h := range g.sends() {
		item, err := httpieItem(h)
		if err != nil {
			return "", err
		}
		words = append(words, Shell(item))
	}
	return strings.Join(words, " "), nil
}

// httpieItem writes a header as HTTPie's items are: NAME:VALUE, with a backslash before what would be another separator. The
// first separator ends the name; after it only the backslash is special, and only before a separator, where HTTPie has no way
// to write it.
func httpieItem(h Field) (string, error) {
	const special = ":;=@"
	if strings.HasPrefix(h.Value, "=") || h.Value == "" {
		if h.Value == "" {
			return h.Name + ";", nil
		}
		return "", errors.New("HTTPie cannot send a header whose value begins with =")
	}
	for i, c := range h.Value {
		if c == '\\' && (i+1 == len(h.Value) || strings.IndexByte(special, h.Value[i+1]) >= 0) {
			return "", errors.New("HTTPie cannot send a header with a backslash there")
		}
	}
	name := strings.NewReplacer("=", `\=`, "@", `\@`, ";", `\;`).Replace(h.Name)
	return name + ":" + h.Value, nil
}

func wget(g Given) (string, error) {
	words := []string{"wget", "-qO-"}
	if g.Method == http.MethodHead {
		words = []string{"wget", "-qS", "--spider"}
	} else if g.Method != http.MethodGet || g.Body != "" {
		words = append(words, Shell("--method="+g.Method))
	}
	for _, h := range g.sends() {
		words = append(words, Shell("--header="+h.Name+": "+h.Value))
	}
	if g.Body != "" {
		words = append(words, Shell("--body-data="+g.Body))
	}
	return strings.Join(append(words, Shell(g.URL)), " "), nil
}

func powershell(g Given) (string, error) {
	words := []string{"Invoke-RestMethod", "-Method", PowerShell(g.Method), "-Uri", PowerShell(g.URL)}
	var headers []string
	for _, h := range g.Header {
		if !latin(h.Value) {
			return "", fmt.Errorf("PowerShell cannot send the header %s: it is not ASCII", h.Name)
		}
		if strings.EqualFold(h.Name, "Content-Type") { // Invoke-RestMethod wants it apart
			words = append(words, "-ContentType", PowerShell(h.Value))
			continue
		}
		headers = append(headers, PowerShell(h.Name)+" = "+PowerShell(h.Value))
	}
	if len(headers) > 0 {
		words = append(words, "-Headers", "@{ "+strings.Join(headers, "; ")+" }")
	}
	if g.Body != "" {
		words = append(words, "-Body", PowerShell(g.Body))
	}
	return strings.Join(words, " "), nil
}

// comment is the line of a program or file that says what it is and how long it is good.
func (g Given) comment(mark string) string {
	line := mark + " made by fob for the profile " + strings.Join(strings.Fields(g.Profile), " ")
	if good := g.Good(); good != "" {
		line += "; " + good
	} else if !g.ExpiresAt.IsZero() {
		line += "; its token is good until " + g.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return line + "\n"
}

// httpFile is the format of IntelliJ's HTTP client and of the VS Code REST Client. Both put variables where {{ }} stands, and
// know no way to write the braces themselves.
func httpFile(g Given) (string, error) {
	var out strings.Builder
	out.WriteString(g.comment("#"))
	fmt.Fprintf(&out, "%s %s\n", g.Method, g.URL)
	for _, h := range g.sends() {
		fmt.Fprintf(&out, "%s: %s\n", h.Name, h.Value)
	}
	if g.Body != "" {
		out.WriteString("\n" + g.Body + "\n")
		for line := range strings.Lines(g.Body) {
			if strings.HasPrefix(line, "###") || strings.HasPrefix(line, "< ") || strings.HasPrefix(line, "> ") {
				return "", fmt.Errorf("a .http file cannot hold a body with a line that begins with %s", strings.Fields(line)[0])
			}
		}
	}
	for _, h := range append(g.sends(), Field{Value: g.Body}) {
		if strings.Contains(h.Value, "{{") {
			return "", errors.New("a .http file cannot hold {{ as it is: it would be a variable")
		}
	}
	return out.String(), nil
}

// variables are the values of an environment, with the name that each has in every tool.
func (g Given) variables() (all []Field) {
	if g.API != "" {
		all = append(all, Field{"base_url", strings.TrimSuffix(g.API, "/")})
	}
	name := g.Var
	if name == "" {
		name = "access_token"
	}
	all = append(all, Field{name, g.AccessToken})
	if g.TokenType != "" {
		all = append(all, Field{"token_type", g.TokenType})
	}
	if !g.ExpiresAt.IsZero() {
		all = append(all, Field{"expires_at", g.ExpiresAt.UTC().Format(time.RFC3339)})
	}
	return all
}

// postman is an environment in the format that Postman exports and imports.
func postman(g Given) (string, error) {
	type value struct {
		Key     string `json:"key"`
		Value   string `json:"value"`
		Type    string `json:"type"`
		Enabled bool   `json:"enabled"`
	}
	var values []value
	for _, v := range g.variables() {
		kind := "default"
		if v.Value == g.AccessToken {
			kind = "secret"
		}
		values = append(values, value{v.Name, v.Value, kind, true})
	}
	// The id stays the same for a profile, so that importing again replaces what was imported.
	sum := sha256.Sum256([]byte("fob environment " + g.Profile))
	id := hex.EncodeToString(sum[:16])
	id = id[:8] + "-" + id[8:12] + "-4" + id[13:16] + "-8" + id[17:20] + "-" + id[20:32]
	return jsonText(struct {
		ID     string  `json:"id"`
		Name   string  `json:"name"`
		Values []value `json:"values"`
		Scope  string  `json:"_postman_variable_scope"`
	}{id, g.Profile, values, "environment"})
}

// insomnia is what Insomnia's environment editor shows, and takes: one JSON object. Its templates begin with {{ or {%.
func insomnia(g Given) (string, error) {
	values := map[string]string{}
	for _, v := range g.variables() {
		if strings.Contains(v.Value, "{{") || strings.Contains(v.Value, "{%") {
			return "", errors.New("an Insomnia environment cannot hold {{ or {% as it is: it would be a template")
		}
		values[v.Name] = v.Value
	}
	return jsonText(values)
}

// bruno is a .bru file of a collection's environments directory. A value ends with its line.
func bruno(g Given) (string, error) {
	var out strings.Builder
	out.WriteString("vars {\n")
	for _, v := range g.variables() {
		if strings.ContainsAny(v.Value, "\r\n") || strings.Contains(v.Value, "{{") || strings.HasPrefix(v.Value, "'''") || v.Value != strings.TrimSpace(v.Value) {
			return "", fmt.Errorf("a Bruno environment cannot hold %s as it is", v.Name)
		}
		fmt.Fprintf(&out, "  %s: %s\n", v.Name, v.Value)
	}
	out.WriteString("}\n")
	return out.String(), nil
}

func (g Given) variable() string {
	if g.Var == "" {
		return "FOB_TOKEN"
	}
	return g.Var
}

func dotenv(g Given) (string, error) { return g.variable() + "=" + dotenvText(g.AccessToken), nil }

func export(g Given) (string, error) {
	return "export " + g.variable() + "=" + Shell(g.AccessToken), nil
}

func asJSON(g Given) (string, error) {
	type field struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	value := struct {
		Profile     string     `json:"profile"`
		AccessToken string     `json:"access_token"`
		IDToken     string     `json:"id_token,omitempty"`
		TokenType   string     `json:"token_type,omitempty"`
		ExpiresAt   *time.Time `json:"expires_at,omitempty"`
		Scope       []string   `json:"scope,omitempty"`
		Method      string     `json:"method,omitempty"`
		URL         string     `json:"url,omitempty"`
		Header      []field    `json:"header,omitempty"`
		Body        string     `json:"body,omitempty"`
	}{Profile: g.Profile, AccessToken: g.AccessToken, IDToken: g.IDToken, TokenType: g.TokenType, Scope: g.Scope, URL: g.URL, Body: g.Body}
	if !g.ExpiresAt.IsZero() {
		value.ExpiresAt = &g.ExpiresAt
	}
	if g.URL != "" {
		value.Method = g.Method
	}
	for _, h := range g.Header {
		value.Header = append(value.Header, field(h))
	}
	return jsonText(value)
}

func jsonText(value any) (string, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return strings.TrimSuffix(buffer.String(), "\n"), err
}

func fetch(g Given) (string, error) {
	if g.Body != "" && (g.Method == http.MethodGet || g.Method == http.MethodHead) {
		return "", errors.New("fetch() sends no body with " + g.Method)
	}
	var out strings.Builder
	out.WriteString(g.comment("//"))
	fmt.Fprintf(&out, "const response = await fetch(%s, {\n  method: %s,\n  headers: {\n", JSON(g.URL), JSON(g.Method))
	for _, h := range g.sends() {
		if !latin(h.Value) {
			return "", fmt.Errorf("fetch() cannot send the header %s: it is not ASCII", h.Name)
		}
		fmt.Fprintf(&out, "    %s: %s,\n", JSON(h.Name), JSON(h.Value))
	}
	out.WriteString("  },\n")
	if g.Body != "" {
		fmt.Fprintf(&out, "  body: %s,\n", JSON(g.Body))
	}
	out.WriteString("});\nconsole.log(response.status, await response.text());\n")
	return out.String(), nil
}

func python(g Given) (string, error) {
	var out strings.Builder
	out.WriteString(g.comment("#"))
	fmt.Fprintf(&out, "import requests\n\nresponse = requests.request(\n    %s,\n    %s,\n    headers={\n", pythonText(g.Method), pythonText(g.URL))
	for _, h := range g.sends() {
		value := pythonText(h.Value)
		if !latin(h.Value) {
			value += `.encode("utf-8")`
		}
		fmt.Fprintf(&out, "        %s: %s,\n", pythonText(h.Name), value)
	}
	out.WriteString("    },\n")
	if g.Body != "" {
		fmt.Fprintf(&out, "    data=%s.encode(\"utf-8\"),\n", pythonText(g.Body))
	}
	out.WriteString("    timeout=60,\n)\nprint(response.status_code, response.text)\n")
	return out.String(), nil
}

func goProgram(g Given) (string, error) {
	var out strings.Builder
	out.WriteString(g.comment("//"))
	body, imports := "nil", ""
	if g.Body != "" {
		body, imports = "strings.NewReader("+goText(g.Body)+")", "\t\"strings\"\n"
	}
	fmt.Fprintf(&out, "package main\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"log\"\n\t\"net/http\"\n%s)\n\n", imports)
	fmt.Fprintf(&out, "func main() {\n\trequest, err := http.NewRequest(%s, %s, %s)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n", goText(g.Method), goText(g.URL), body)
	for _, h := range g.sends() {
		fmt.Fprintf(&out, "\trequest.Header.Set(%s, %s)\n", goText(h.Name), goText(h.Value))
	}
	out.WriteString(`	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode, string(body))
}
`)
	return out.String(), nil
}
