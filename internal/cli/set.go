package cli

import (
	"context"
	"encoding/base64"
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
	stdin   string // the key that standard input is read for
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

// useStdin keeps standard input for one key: there is one of it.
func (c *changes) useStdin(key string) error {
	if c.stdin != "" {
		return misused("give one of them as @FILE", "standard input cannot be read for both %s and %s", c.stdin, key)
	}
	c.stdin = key
	return nil
}

// takePairs reads KEY=VALUE words. Repeating a key of a list adds to it.
func (f *face) takePairs(ctx context.Context, c *changes, pairs []string) error {
	for _, pair := range pairs { // before the first one is read
		key, value, _ := strings.Cut(pair, "=")
		if field, known := profiles.FieldByKey(key); value != "-" || !known || field.Kind != profiles.KindSecret && !field.Multiline {
			continue
		}
		if err := c.useStdin(key); err != nil {
			return err
		}
	}
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			// What was typed is not repeated: somebody may have pasted a secret.
			return misused("`fob profile fields` lists the keys", "write settings as KEY=VALUE")
		}
		field, known := profiles.FieldByKey(key)
		switch {
		case known && field.Kind == profiles.KindSecret:
			secret, err := f.secretValue(ctx, field, value)
			if err != nil {
				return err
			}
			if err := c.addSecret(key, secret); err != nil {
				return err
			}
		case known && field.Multiline && (value == "-" || strings.HasPrefix(value, "@")):
			text, err := f.fileValue(key, value)
			if err != nil {
				return err
			}
			c.add(key, strings.TrimSpace(text))
		default:
			c.add(key, value)
		}
	}
	return nil
}

// secretValue reads the value of a secret from where value points: @FILE or - for standard input; nothing removes the secret.
func (f *face) secretValue(ctx context.Context, field profiles.Field, value string) (string, error) {
	switch {
	case value == "":
		return "", nil
	case value != "-" && !strings.HasPrefix(value, "@"):
		return "", misused("write "+field.Key+"=@FILE, or "+field.Key+"=- for standard input",
			"%s is a secret, and every process on this computer can read a command line", field.Key)
	case value == "-" && !field.Multiline:
		return f.readSecret(ctx, field.Key)
	}
	text, err := f.fileValue(field.Key, value)
	if err != nil {
		return "", err
	}
	if !field.Multiline {
		return oneLine(field.Key, text)
	}
	if strings.TrimSpace(text) == "" {
		return "", misused("give the file that holds it", "%s is empty", field.Key)
	}
	return text, nil // a key or an assertion, to its last byte
}

// fileValue reads what @FILE or - points at. PKCS#12 is not text: it becomes base64, as the keychain keeps it.
func (f *face) fileValue(key, value string) (string, error) {
	if value == "-" {
		if isTerminal(f.In) {
			f.hint("paste %s, then Enter and Ctrl-D", key)
		}
		return f.readIn()
	}
	info, err := os.Stat(value[1:])
	if err == nil && info.Size() > pasteMax {
		return "", failed("too_large", "", "%s is larger than %d MiB", value[1:], pasteMax>>20)
	}
	text, err := os.ReadFile(value[1:])
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	if key == "private_key" && len(text) > 0 && text[0] == 0x30 { // a DER SEQUENCE (X.690 §8.9)
		return base64.StdEncoding.EncodeToString(text), nil
	}
	return string(text), nil
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
