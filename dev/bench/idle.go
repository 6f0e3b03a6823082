package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// idleFor is how long an idle process is watched, as the design measures it.
const idleFor = 30 * time.Second

// usage is what a process has used so far.
type usage struct {
	switches int           // voluntary context switches of all threads: how often it woke up
	cpu      time.Duration // user and system time
	pss      int           // KB, its share of memory
}

// used reads /proc. The numbers of threads are added up.
func used(pid int) (usage, error) {
	var u usage
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return u, err
	}
	for _, path := range tasks {
		u.switches += field(path, "voluntary_ctxt_switches:")
	}
	u.pss = field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	after := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, i := range []int{11, 12} { // utime, stime in hundredths of a second
		ticks, err := strconv.Atoi(after[i])
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	return u, nil
}

// field is a number behind a name in a file of /proc, 0 when the file is gone.
func field(path, name string) int {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}

// agent asks which process is the agent.
func (b *bench) agent() (int, error) {
	cmd := exec.Command(b.fob, "doctor", "--json")
	cmd.Env = b.env
	text, err := cmd.Output()
	if err != nil && len(text) == 0 {
		return 0, err
	}
	var findings []struct {
		Subject, Detail string
	}
	if err := json.Unmarshal(text, &findings); err != nil {
		return 0, err
	}
	for _, f := range findings {
		if f.Subject != "agent" {
			continue
		}
		for _, part := range strings.Split(f.Detail, ", ") {
			if pid, ok := strings.CutPrefix(part, "process "); ok {
				return strconv.Atoi(pid)
			}
		}
	}
	return 0, fmt.Errorf("fob doctor names no process: %s", text)
}

// idle watches the agent with its tray icon and 20 profiles do nothing.
func (b *bench) idle() error {
	pid, err := b.agent()
	if err != nil {
		return err
	}
	time.Sleep(5 * time.Second) // the measurements before are over
	before, err := used(pid)
	if err != nil {
		return err
	}
	time.Sleep(idleFor)
	after, err := used(pid)
	if err != nil {
		return err
	}
	report("idle agent with tray, PSS (aim 15 MB)", fmt.Sprintf("%.1f MB", float64(after.pss)/1024))
	report("idle agent, wake-ups in 30 s (aim 30)", after.switches-before.switches)
	report("idle agent, CPU time in 30 s", after.cpu-before.cpu)
	return nil
}

// manyProfiles starts the agent on 10 and on 10,000 profiles.
func (b *bench) manyProfiles() error {
	for _, home := range []struct {
		name string
		n    int
	}{{"ten", 10}, {"many", 10_000}} {
		if err := b.profiles(home.name, home.n); err != nil {
			return err
		}
		b.in(home.name)
		var took stats
		for range 5 {
			d, err := b.run("status", "profile 00000")
			if err != nil {
				return err
			}
			took = append(took, d)
			if _, err := b.run("stop"); err != nil {
				return err
			}
		}
		if _, err := b.run("status", "profile 00000"); err != nil {
			return err
		}
		pid, err := b.agent()
		if err != nil {
			return err
		}
		u, err := used(pid)
		if err != nil {
			return err
		}
		report(fmt.Sprintf("agent start and first answer, %d profiles", home.n), took)
		report(fmt.Sprintf("agent PSS, %d profiles", home.n), fmt.Sprintf("%.1f MB", float64(u.pss)/1024))
	}
	return nil
}
