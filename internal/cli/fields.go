package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fob/profiles"
)

func (f *face) profileFields() *cobra.Command {
	var asJSON bool
	var group, grant string
	cmd := &cobra.Command{
		Use: "fields [KEY]", Short: "List the keys of a profile and what they take",
		Long: `Lists every key of a profile by group, or the one named, with what it does, when it matters, its default and the specification that names it.
--grant leaves out what that grant does not use.`,
		Example: "  fob profile fields\n  fob profile fields redirect_uri\n  fob profile fields --group client\n  fob profile fields --grant client_credentials",
		Args:    words(0, 1), ValidArgsFunction: completeKeys,
		RunE: func(_ *cobra.Command, args []string) error {
			fields, err := chooseFields(args, group, grant)
			if err != nil {
				return err
			}
			if asJSON {
				return f.printJSON(fieldViews(fields))
			}
			return f.print(fieldsText(fields))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&group, "group", "", "only those of this `group`, such as Client or Network")
	cmd.Flags().StringVar(&grant, "grant", "", "only those that a profile with this `grant` uses")
	cmd.RegisterFlagCompletionFunc("group", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return fieldGroups(), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RegisterFlagCompletionFunc("grant", choicesOf("grant_type"))
	return cmd
}

// chooseFields are the fields of one key, of a group, of a grant, or all.
func chooseFields(args []string, group, grant string) ([]profiles.Field, error) {
	fields := profiles.Fields()
	if len(args) == 1 {
		field, known := profiles.FieldByKey(args[0])
		if !known {
			var none profiles.Profile
			return nil, misused("`fob profile fields` lists the keys", "%s", none.Set(args[0], "x"))
		}
		fields = []profiles.Field{field}
	}
	if group != "" {
		if !slices.ContainsFunc(fieldGroups(), func(g string) bool { return strings.EqualFold(g, group) }) {
			return nil, misused("one of "+strings.Join(fieldGroups(), ", "), "there is no group %s", group)
		}
		fields = slices.DeleteFunc(fields, func(field profiles.Field) bool { return !strings.EqualFold(field.Group, group) })
	}
	if grant != "" {
		var p profiles.Profile
		if err := p.Set("grant_type", grant); err != nil {
			return nil, misused("", "%s", err)
		}
		fields = slices.DeleteFunc(fields, func(field profiles.Field) bool { return !field.Shown(p) })
	}
	return fields, nil
}

// fieldGroups are the groups in the order to show them.
func fieldGroups() []string {
	var groups []string
	for _, field := range profiles.Fields() {
		if !slices.Contains(groups, field.Group) {
			groups = append(groups, field.Group)
		}
	}
	return groups
}

// fieldView is a field as --json shows it.
type fieldView struct {
	Key      string   `json:"key"`
	Group    string   `json:"group"`
	Kind     string   `json:"kind"`
	Default  string   `json:"default,omitempty"`
	Help     string   `json:"help"`
	When     string   `json:"when,omitempty"`
	Example  string   `json:"example,omitempty"`
	Spec     string   `json:"spec,omitempty"`
	Choices  []string `json:"choices,omitempty"`
	Open     bool     `json:"open,omitempty"` // choices are suggestions
	Advanced bool     `json:"advanced,omitempty"`
	Required bool     `json:"required,omitempty"`
}

func fieldViews(fields []profiles.Field) []fieldView {
	views := []fieldView{}
	for _, field := range fields {
		view := fieldView{Key: field.Key, Group: field.Group, Kind: string(field.Kind), Default: field.Default, Help: field.Help, When: field.When,
			Example: field.Example, Spec: field.RFC, Open: field.Open, Advanced: field.Advanced, Required: field.Required}
		for _, choice := range field.Choices {
			if choice.Value != "" {
				view.Choices = append(view.Choices, choice.Value)
			}
		}
		views = append(views, view)
	}
	return views
}

func fieldsText(fields []profiles.Field) string {
	var text strings.Builder
	group := ""
	for i, view := range fieldViews(fields) {
		if i > 0 {
			text.WriteString("\n")
		}
		if view.Group != group && len(fields) > 1 {
			group = view.Group
			text.WriteString(strings.ToUpper(group) + "\n\n")
		}
		text.WriteString(view.Key + "  (" + view.Kind + ")\n  " + view.Help + "\n")
		choices := strings.Join(view.Choices, ", ")
		if view.Open && choices != "" {
			choices += ", or another"
		}
		var rows [][]string
		for _, line := range [][]string{{"when", view.When}, {"default", view.Default}, {"choices", choices}, {"example", view.Example}, {"named by", view.Spec}} {
			if line[1] != "" {
				rows = append(rows, line)
			}
		}
		if len(rows) > 0 {
			text.WriteString(indent(table(rows)))
		}
	}
	return text.String()
}

func (f *face) profileSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of profiles.json",
		Long:    "Prints the JSON Schema (draft 2020-12) of profiles.json, for editors that check and complete as one types.",
		Example: "  fob profile schema > profiles.schema.json", Args: words(0, 0),
		RunE: func(*cobra.Command, []string) error { return f.print(string(profiles.Schema())) },
	}
}
