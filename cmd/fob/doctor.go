package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"fob/internal/agent"
	"fob/internal/desktop"
	"fob/internal/keychain"
	"fob/internal/session"
)

// doctor examines what the agent stands on.
func (r *resident) doctor(ctx context.Context) []agent.Finding {
	return []agent.Finding{r.doctorStore(ctx), r.doctorProfiles(), r.doctorClock(), r.doctorTray(), r.doctorClipboard(), r.doctorAutostart(), r.doctorLog()}
}

func (r *resident) doctorStore(ctx context.Context) agent.Finding {
	view, err := r.showStore(ctx)
	if err != nil {
		said := session.Explain("", err)
		return agent.Finding{Subject: "store", Detail: said.Sentence, Remedy: said.Remedy}
	}
	if p := view.Problem; p != nil {
		detail := p.Sentence
		if view.Owner != "" {
			detail += " (" + view.Owner + ")"
		}
		return agent.Finding{Subject: "store", Detail: detail, Remedy: p.Remedy}
	}
	if view.Kind == string(keychain.KindMemory) {
		return agent.Finding{Subject: "store", OK: true, Detail: "memory: every login is forgotten when the agent ends", Remedy: "unset FOB_STORE to use the OS keychain, or keep logins in a file with FOB_STORE=file"}
	}
	said := []string{view.Kind}
	if view.Owner != "" {
		said = append(said, "kept by "+view.Owner)
	}
	if view.Collection != "" {
		said = append(said, "in "+view.Collection)
	}
	if view.Items != nil {
		said = append(said, fmt.Sprintf("%d items of this home", *view.Items))
	}
	said = append(said, view.Survives(), view.Holds())
	finding := agent.Finding{Subject: "store", OK: true, Detail: strings.Join(said, ", ")}
	switch {
	case len(view.Notes) > 0:
		finding.OK, finding.Detail, finding.Remedy = false, view.Notes[0]+"; "+finding.Detail, "see fob store"
	case !view.Lasts:
		finding.OK, finding.Remedy = false, "make a keychain that lasts (in Passwords and Keys: a new password keyring, set as default), and log in again"
	case view.LeftOver > 0:
		finding.Remedy = fmt.Sprintf("%d left over from profiles that are gone: see fob store clean", view.LeftOver)
	}
	return finding
}

func (r *resident) doctorProfiles() agent.Finding {
	if damage := r.engine.Damage(); damage != nil {
		return agent.Finding{Subject: "profiles", Detail: damage.Sentence, Remedy: damage.Remedy}
	}
	all := r.engine.Profiles()
	if bad := r.file.Bad(); len(bad) > 0 {
		b := bad[0]
		return agent.Finding{Subject: "profiles", Detail: fmt.Sprintf("%s, line %d, column %d: %v", r.home.ProfilesFile(), b.Line, b.Column, b.Problems[0]), Remedy: "mend that entry; Fob keeps it as it is and works with the others"}
	}
	invalid := 0
	for _, p := range all {
		if len(p.Validate()) > 0 {
			invalid++
		}
	}
	finding := agent.Finding{Subject: "profiles", OK: invalid == 0, Detail: fmt.Sprintf("%d in %s", len(all), r.home.ProfilesFile())}
	if invalid > 0 {
		finding.Detail += fmt.Sprintf(", %d of them with a mistake", invalid)
		finding.Remedy = "see fob profile show NAME"
	}
	return finding
}

// doctorClock compares this computer's clock with those of the servers.
func (r *resident) doctorClock() agent.Finding {
	ok, detail, remedy := session.ClockFinding(r.engine.Clocks())
	return agent.Finding{Subject: "clock", OK: ok, Detail: detail, Remedy: remedy}
}

func (r *resident) doctorTray() agent.Finding {
	switch {
	case r.tray.off:
		return agent.Finding{Subject: "tray", OK: true, Detail: "switched off (--no-tray)"}
	case r.tray.shown():
		return agent.Finding{Subject: "tray", OK: true, Detail: "shown"}
	case !r.tray.started():
		// A server has no tray, and nothing is wrong with that.
		return agent.Finding{Subject: "tray", OK: true, Detail: "no desktop is known to the agent, so there is no icon"}
	}
	return agent.Finding{Subject: "tray", Detail: "no icon: nothing on this desktop shows tray icons",
		Remedy: "on GNOME install the AppIndicator extension; everything works without the icon"}
}

func (r *resident) doctorClipboard() agent.Finding {
	desk := r.tray.desk()
	switch {
	case runtime.GOOS != "linux":
		return agent.Finding{Subject: "clipboard", OK: true, Detail: "the system's"}
	case desk["DISPLAY"] == "" && desk["WAYLAND_DISPLAY"] == "":
		return agent.Finding{Subject: "clipboard", OK: true, Detail: "no desktop is known to the agent; fob copy brings its own"}
	case desk["WAYLAND_DISPLAY"] != "" && desk["DISPLAY"] == "":
		if _, err := exec.LookPath("wl-copy"); err != nil {
			return agent.Finding{Subject: "clipboard", Detail: "Wayland, and wl-copy is missing", Remedy: "install the package wl-clipboard"}
		}
		return agent.Finding{Subject: "clipboard", OK: true, Detail: "Wayland, by wl-copy"}
	}
	return agent.Finding{Subject: "clipboard", OK: true, Detail: "X11, display " + desk["DISPLAY"]}
}

func (r *resident) doctorAutostart() agent.Finding {
	on, err := desktop.AutostartEnabled(desktop.EnvOf(os.Environ()))
	switch {
	case err != nil:
		return agent.Finding{Subject: "start at login", Detail: err.Error()}
	case on:
		return agent.Finding{Subject: "start at login", OK: true, Detail: "on"}
	}
	return agent.Finding{Subject: "start at login", OK: true, Detail: "off: the first command or window starts the agent"}
}

// startAtLogin makes the desktop start the agent when the user logs in, or not.
func startAtLogin(on bool) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	return desktop.Autostart(desktop.EnvOf(os.Environ()), on, []string{exe, "agent"})
}
