package quick

import "os"

// promptPatience is how long a prompt waits for the agent, in milliseconds: a shell must come back to its user.
const promptPatience = 300

// prompt is where `fob status --prompt` ends. What it cannot get is left to package cli.
func prompt(words []string) {
	body, ok := promptBody(words)
	if !ok {
		return
	}
	text, ok := promptText(exchange(socket(os.Getenv), post("prompt", body), promptPatience))
	if !ok {
		return
	}
	if _, err := os.Stdout.WriteString(text); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// promptBody reads the plain spellings of `fob status --prompt [NAME] [--color SHELL]`.
func promptBody(words []string) (body string, ok bool) {
	const color = "--color"
	name, shell := "", ""
	for i := 0; i < len(words); i++ {
		switch word := words[i]; {
		case word == "--prompt":
			ok = true
		case word == color && i+1 < len(words):
			i++
			shell = words[i]
		case len(word) > len(color)+1 && word[:len(color)+1] == color+"=":
			shell = word[len(color)+1:]
		case word == "--no-start":
		case word == "" || word[0] == '-' || name != "":
			return "", false
		default:
			name = word
		}
	}
	switch shell {
	case "", "ansi", "bash", "fish", "starship", "zsh":
	default:
		return "", false
	}
	return `{"name":"` + name + `","color":"` + shell + `"}`, ok && plain(name)
}

// promptText is the body of a successful answer.
func promptText(answer []byte) (string, bool) {
	const ok = "HTTP/1.x 200 "
	if len(answer) < len(ok) || string(answer[9:13]) != "200 " {
		return "", false
	}
	for i := 0; i+4 <= len(answer); i++ {
		if string(answer[i:i+4]) == "\r\n\r\n" {
			return string(answer[i+4:]), true
		}
	}
	return "", false
}
