package profiles

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestSchemaDescribesEveryField(t *testing.T) {
	var schema struct {
		Schema string `json:"$schema"`
		Defs   struct {
			Profile struct {
				Required   []string `json:"required"`
				Properties map[string]struct {
					Description string          `json:"description"`
					Type        json.RawMessage `json:"type"`
					Not         json.RawMessage `json:"not"`
					Enum        []string        `json:"enum"`
				} `json:"properties"`
			} `json:"profile"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Schema != "https://json-schema.org/draft/2020-12/schema" || !slices.Equal(schema.Defs.Profile.Required, []string{"name"}) {
		t.Errorf("the schema is %q and requires %q", schema.Schema, schema.Defs.Profile.Required)
	}
	types := map[Kind]string{KindBool: `"boolean"`, KindNumber: `"integer"`, KindParameters: `"object"`, KindText: `"string"`, KindPEM: `"string"`}
	for _, f := range Fields() {
		got, ok := schema.Defs.Profile.Properties[f.Key]
		if !ok || got.Description == "" {
			t.Errorf("%s is not described", f.Key)
		}
		if (f.Kind == KindSecret) != (got.Not != nil) {
			t.Errorf("%s: a secret has no place in the file, everything else has one", f.Key)
		}
		if want := types[f.Kind]; want != "" && string(got.Type) != want {
			t.Errorf("%s is %s, want %s", f.Key, got.Type, want)
		}
		if f.Kind == KindChoice && !f.Open {
			for _, c := range f.Choices {
				if !slices.Contains(got.Enum, c.Value) {
					t.Errorf("%s: the schema refuses %q", f.Key, c.Value)
				}
			}
		}
	}
	if len(schema.Defs.Profile.Properties) != len(Fields()) {
		t.Errorf("%d properties, %d fields", len(schema.Defs.Profile.Properties), len(Fields()))
	}
}

// What the schema says of a kind is how a profile is written.
func TestSchemaFitsWhatIsWritten(t *testing.T) {
	var members map[string]json.RawMessage
	p := full()
	if err := json.Unmarshal(p.appendJSON(nil, ""), &members); err != nil {
		t.Fatal(err)
	}
	begins := map[Kind]string{KindBool: "tf", KindNumber: "0123456789", KindParameters: "{", KindJSON: "{[", KindList: `"[`}
	for _, f := range Fields() {
		raw := members[f.Key]
		if f.member == nil || raw == nil {
			continue
		}
		want := begins[f.Kind]
		if want == "" {
			want = `"`
		}
		if !slices.Contains([]byte(want), raw[0]) {
			t.Errorf("%s is written as %s", f.Key, raw)
		}
	}
}
