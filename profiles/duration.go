package profiles

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that reads and writes as text: "90s", "5m", "1h30m", "2d". A day is 24 hours.
type Duration time.Duration

var errDuration = errors.New("is not a duration; write a number with its unit: 90s, 5m, 1h30m, 2d")

// ParseDuration reads "90s", "5m", "1h30m" or "2d12h".
func ParseDuration(text string) (Duration, error) {
	text = strings.TrimSpace(text)
	var days time.Duration
	rest := text
	if number, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, errDuration
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return Duration(days), nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || (days != 0 && d < 0) {
		return 0, errDuration
	}
	sum := days + d
	if sum < d && days > 0 {
		return 0, errDuration
	}
	return Duration(sum), nil
}

// String is the shortest text that [ParseDuration] reads back: "5m", not "5m0s".
func (d Duration) String() string {
	t := time.Duration(d)
	const day = 24 * time.Hour
	if t >= day && t/day <= 1<<16-1 {
		text := strconv.FormatInt(int64(t/day), 10) + "d"
		if t%day != 0 {
			text += Duration(t % day).String()
		}
		return text
	}
	text := t.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes the duration as [Duration.String] does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what [ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
