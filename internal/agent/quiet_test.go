package agent

import (
	"testing"
	"time"
)

func TestQuietHours(t *testing.T) {
	night, lunch := Settings{Theme: "system", QuietFrom: "22:00", QuietTo: "07:30"}, Settings{Theme: "system", QuietFrom: "12:00", QuietTo: "13:00"}
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 31, hour, minute, 0, 0, time.Local) }
	for _, tt := range []struct {
		s     Settings
		now   time.Time
		quiet bool
		until time.Time
	}{
		{night, at(21, 59), false, time.Time{}}, {night, at(22, 0), true, at(31, 30)}, {night, at(23, 59), true, at(31, 30)},
		{night, at(0, 0), true, at(7, 30)}, {night, at(7, 29), true, at(7, 30)}, {night, at(7, 30), false, time.Time{}},
		{lunch, at(11, 59), false, time.Time{}}, {lunch, at(12, 0), true, at(13, 0)}, {lunch, at(13, 0), false, time.Time{}},
		{Settings{}, at(3, 0), false, time.Time{}}, {Settings{QuietFrom: "08:00", QuietTo: "08:00"}, at(8, 0), false, time.Time{}},
	} {
		until, quiet := tt.s.Quiet(tt.now)
		if quiet != tt.quiet || quiet && !until.Equal(tt.until) {
			t.Errorf("%s to %s at %s: %v until %s", tt.s.QuietFrom, tt.s.QuietTo, tt.now, quiet, until)
		}
	}
	for _, bad := range []Settings{{Theme: "system", QuietFrom: "22:00"}, {Theme: "system", QuietFrom: "25:00", QuietTo: "07:00"}, {Theme: "system", QuietFrom: "late", QuietTo: "07:00"}} {
		if bad.validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if night.validate() != nil {
		t.Error(night.validate())
	}
}
