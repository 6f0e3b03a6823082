package tray

import (
	"strings"
	"testing"
	"time"

	"fob/internal/agent"
)

func endingSoon(name string) agent.Status {
	return agent.Status{Name: name, State: agent.LoggedIn, LoggedInAt: in(-13 * 24 * time.Hour), EndsSoon: &agent.End{What: "refresh_token", At: in(3 * time.Hour),
		NeedsPerson: true, Note: "learned: this server ended the last login after 14 days"}}
}

func TestReminderOfALoginThatEnds(t *testing.T) {
	say, _, memory := Reminders([]agent.Status{endingSoon("a")}, nil, noon)
	if len(say) != 1 || say[0].Urgent || say[0].Title != "a: the login ends in 3 h" || !strings.Contains(say[0].Body, "learned: this server") || say[0].Choices[0].Command.Verb != VerbLogin {
		t.Fatalf("%+v", say)
	}
	moved := endingSoon("a") // the server counts in seconds
	moved.EndsSoon.At = in(3*time.Hour + time.Second)
	if say, _, _ := Reminders([]agent.Status{moved}, memory, noon.Add(time.Minute)); len(say) != 0 {
		t.Errorf("said twice: %+v", say)
	}
	if _, withdraw, _ := Reminders([]agent.Status{well("a")}, memory, noon.Add(time.Minute)); len(withdraw) != 1 {
		t.Errorf("not withdrawn after a login: %v", withdraw)
	}
	over := ended("a", 0)
	if say, _, _ := Reminders([]agent.Status{over}, memory, noon.Add(3*time.Hour)); len(say) != 1 || !say[0].Urgent {
		t.Errorf("that it is over: %+v", say)
	}
}

func TestQuietHoursKeepBackWhatCanWait(t *testing.T) {
	all := []agent.Status{endingSoon("a"), expiring("b", 9), ended("c", 0), endingSoon("d"), endingSoon("e")}
	say, _, memory := reminders(all, nil, noon, true)
	if len(say) != 1 || say[0].Title != "c: log in again" {
		t.Fatalf("in the night: %+v", say)
	}
	if say, _, _ := reminders(all, memory, noon.Add(time.Hour), true); len(say) != 0 {
		t.Errorf("an hour later: %+v", say)
	}
	say, _, memory = reminders(all, memory, noon.Add(8*time.Hour), false)
	if len(say) != 1 || say[0].Key != summary || say[0].Title != "1 token about to expire, 3 logins about to end" {
		t.Errorf("in the morning: %+v", say)
	}
	if say, _, _ := reminders(all, memory, noon.Add(9*time.Hour), false); len(say) != 0 {
		t.Errorf("said again: %+v", say)
	}
}
