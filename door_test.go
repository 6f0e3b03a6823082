package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"fob/internal/agent"
)

func TestASecondWindowFindsTheFirst(t *testing.T) {
	home := agent.Home{Runtime: filepath.Join(t.TempDir(), "run")}
	first, alone := knock(home, "")
	if !alone {
		t.Fatal("somebody is at an unused door")
	}
	raised := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		first.answer(func(profile string) { raised <- profile })
	}()
	if _, alone := knock(home, "work\nstation"); alone {
		t.Error("the second window did not find the first")
	}
	if got := <-raised; got != "work station" {
		t.Errorf("the first window was asked to show %q", got)
	}
	first.close()
	<-ended
	second, alone := knock(home, "")
	if !alone {
		t.Error("a window that is closed still answers")
	}
	second.close()
}

func TestASocketThatNobodyAnswersIsNoWindow(t *testing.T) {
	home := agent.Home{Runtime: t.TempDir()}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(home.Runtime, "app.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as after kill -9
	left.Close()
	door, alone := knock(home, "")
	if !alone || door.listener == nil {
		t.Fatalf("first=%t after a window that was killed", alone)
	}
	door.close()
}

func TestWithoutARuntimeDirectoryThereIsStillAWindow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	door, alone := knock(agent.Home{Runtime: filepath.Join(file, "run")}, "")
	if !alone {
		t.Fatal("nobody can be there")
	}
	door.answer(nil) // returns at once
	door.close()
}
