package desktop

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// OpenBrowser shows an http or https URL in a browser. It tries the first of
// these that there is: the given command (a profile's own; split into words
// with quotes honoured), the Env's BROWSER (a colon list, tried in turn), the
// system's. In a command, %s stands for the URL; without one the URL is the
// last argument. No shell is involved.
//
// A command that cannot start, or ends within a second with a non-zero status,
// is an error that names it. A browser that stays in the foreground is not
// waited for, yet OpenBrowser may take that second: do not wait for it where
// time counts. When ctx ends meanwhile, the browser stays.
func OpenBrowser(ctx context.Context, address, command string, env Env) error {
	if err := checkURL(address); err != nil {
		return err
	}
	if strings.TrimSpace(command) != "" {
		if err := openWith(ctx, env, command, address); err != nil {
			return fmt.Errorf("browser command: %w", err)
		}
		return nil
	}
	if list := env["BROWSER"]; strings.Trim(list, ": ") != "" {
		var failed []error
		for _, one := range browserList(list) {
			err := openWith(ctx, env, one, address)
			if err == nil {
				return nil
			}
			failed = append(failed, fmt.Errorf("$BROWSER: %w", err))
		}
		// Another browser may hold another account: not without being asked.
		return errors.Join(failed...)
	}
	if err := openSystem(ctx, env, address); err != nil {
		return fmt.Errorf("system browser: %w", err)
	}
	return nil
}

// checkURL lets http and https pass. Characters that no URL may hold (RFC 3986
// §2) are refused rather than encoded: a command of the user's may be a script
// that quotes badly.
func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("browser: the address is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("browser: only http and https are opened, not %q", u.Scheme)
	case u.Host == "":
		return errors.New("browser: the address names no host")
	}
	for _, c := range address {
		if c <= ' ' || c == 0x7f || strings.ContainsRune("\"<>\\^`{|}", c) {
			return fmt.Errorf("browser: the address holds %q, which no URL may", c)
		}
	}
	return nil
}

// browserList splits BROWSER at colons, but not where a drive letter or a URL
// scheme has one (C:\…, on Windows).
func browserList(list string) []string {
	var commands []string
	for one := range strings.SplitSeq(list, ":") {
		last := len(commands) - 1
		if last >= 0 && len(commands[last]) == 1 && strings.HasPrefix(one, `\`) {
			commands[last] += ":" + one
		} else if strings.TrimSpace(one) != "" {
			commands = append(commands, one)
		}
	}
	return commands
}

func openWith(ctx context.Context, env Env, command, address string) error {
	list, err := words(command)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("the command is empty")
	}
	replaced := false
	for i := 1; i < len(list); i++ {
		if strings.Contains(list[i], "%s") {
			list[i] = strings.ReplaceAll(list[i], "%s", address)
			replaced = true
		}
	}
	if !replaced {
		list = append(list, address)
	}
	return env.launch(ctx, list[0], list[1:]...)
}
