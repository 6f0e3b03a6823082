package cli

import (
	"io"
	"os/exec"
	"strings"
)

// curlPipes is what stands between us and curl: on Windows a program inherits no descriptors beside the three, so addresses and
// credential come through standard input. The heads of answers are then not seen, and nothing is tried again.
type curlPipes struct {
	words  []string
	header io.Reader // nil
}

func newCurlPipes(cmd *exec.Cmd, config string, input *replay) (*curlPipes, error) {
	if input != nil {
		return nil, misused("write the body into a file: -d @FILE, -T FILE", "on Windows curl gets the credential through standard input, so that a body cannot come there")
	}
	cmd.Stdin = strings.NewReader(config)
	return &curlPipes{words: []string{"--config", "-"}}, nil
}

func (p *curlPipes) started() {}

func (p *curlPipes) close() {}

func endedBy(*exec.ExitError) int { return 1 }
