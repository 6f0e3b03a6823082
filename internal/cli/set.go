package cli

import (
	"fmt"
	"os"
	"strings"

	"fob/profiles"
)

// changes are what --set and its kin ask for: values by key in the order given, and secrets that never touch a profile.
type changes struct {
	keys    []string
	values  map[string][]string
	secrets map[string]string
}

func (c *changes) add(key string, values ...string) {
	if c.values == nil {
		c.values = map[string][]string{}
	}
	if _, seen := c.values[key]; !seen {
		c.keys = append(c.keys, key)
	}
	c.values[key] = append(c.values[key], values...)
}

func (c *changes) addSecret(key, value string) error {
	if _, twice := c.secrets[key]; twice {
		return misused("", "%s is given twice", key)
	}
	if c.secrets == nil {
		c.secrets = map[string]string{}
	}
	c.secrets[key] = value
	return nil
}

// takePairs reads KEY=VALUE words. Repeating a key of a list adds to it.
func (f *face) takePairs(c *changes, pairs []string) error {
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			// What was typed is not repeated: somebody may have pasted a secret.
			return misused("`fob profile fields` lists the keys", "write settings as KEY=VALUE")
		}
		if field, known := profiles.FieldByKey(key); !known || field.Kind != profiles.KindSecret {
			c.add(key, value)
			continue
		}
		secret, err := f.secretValue(key, value)
		if err != nil {
			return err
		}
		if err := c.addSecret(key, secret); err != nil {
			return err
		}
	}
	return nil
}

// secretValue reads the value of a secret from where value points: @FILE or - for standard input; nothing removes the secret.
func (f *face) secretValue(key, value string) (string, error) {
	switch {
	case value == "":
		return "", nil
	case value == "-":
		return f.readSecret(key)
	case strings.HasPrefix(value, "@"):
		text, err := os.ReadFile(value[1:])
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		return oneLine(key, string(text))
	}
	return "", misused("write "+key+"=@FILE, or "+key+"=- for standard input",
		"%s is a secret, and every process on this computer can read a command line", key)
}

// apply makes the changes to p.
func (c *changes) apply(p *profiles.Profile) error {
	for _, key := range c.keys {
		if err := p.Set(key, c.values[key]...); err != nil {
			return misused("`fob profile fields` lists the keys and what they take", "profile %s: %s", p.Name, err)
		}
	}
	return nil
}

// validate says everything that is wrong with p, and fails if anything is.
func (f *face) validate(p profiles.Profile) error {
	problems := p.Validate()
	for _, problem := range problems {
		f.say("profile %s: %s", p.Name, problem)
	}
	if len(problems) > 0 {
		f.hint("`fob profile fields` lists the keys and what they take")
		return exitCode(2)
	}
	return nil
}
