//go:build !windows

package cli

import (
	"io"
	"os"
	"os/exec"
	"syscall"
)

// curlPipes are the descriptors between us and curl: it reads addresses and credential from one, writes the heads of answers to
// another, and gets its standard input from a third where that may have to be sent again.
type curlPipes struct {
	words  []string // that tell curl of them
	header io.Reader
	theirs []*os.File // ends that only curl needs
	ours   []*os.File
	begin  []func() // what is written once curl runs
}

func newCurlPipes(cmd *exec.Cmd, config string, input *replay) (*curlPipes, error) {
	p := &curlPipes{words: []string{"--config", "/dev/fd/3", "--dump-header", "/dev/fd/4"}}
	fromConfig, toConfig, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.theirs, p.ours = append(p.theirs, fromConfig), append(p.ours, toConfig)
	p.begin = append(p.begin, func() {
		io.WriteString(toConfig, config) // curl that ended early says why itself
		toConfig.Close()
	})
	fromHeader, toHeader, err := os.Pipe()
	if err != nil {
		p.close()
		return nil, err
	}
	p.theirs, p.ours, p.header = append(p.theirs, toHeader), append(p.ours, fromHeader), fromHeader
	cmd.ExtraFiles = []*os.File{fromConfig, toHeader}
	if input == nil {
		return p, nil
	}
	if file := input.file(); file != nil {
		cmd.Stdin = file
		return p, nil
	}
	fromInput, toInput, err := os.Pipe()
	if err != nil {
		p.close()
		return nil, err
	}
	p.theirs, p.ours = append(p.theirs, fromInput), append(p.ours, toInput)
	cmd.Stdin = fromInput
	p.begin = append(p.begin, func() {
		input.copyTo(toInput)
		toInput.Close()
	})
	return p, nil
}

// started lets go of curl's ends and begins to write to it.
func (p *curlPipes) started() {
	for _, file := range p.theirs {
		file.Close()
	}
	p.theirs = nil
	for _, write := range p.begin {
		go write()
	}
}

func (p *curlPipes) close() {
	for _, file := range append(p.theirs, p.ours...) {
		file.Close()
	}
}

// endedBy is the exit code of a program that a signal ended, as shells have it.
func endedBy(exit *exec.ExitError) int {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return 1
}
