package cli

import (
	"errors"
	"strconv"
	"time"
)

// seconds is a duration flag that also takes a bare number of seconds.
type seconds time.Duration

// Set reads "90s", "5m" or "90".
func (s *seconds) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		whole, numErr := strconv.ParseUint(text, 10, 31)
		if numErr != nil {
			return errors.New("write a length of time as 90s, 5m or 1h30m")
		}
		d = time.Duration(whole) * time.Second
	}
	if d < 0 {
		return errors.New("a length of time is not negative")
	}
	*s = seconds(d)
	return nil
}

// String is the length of time as Set reads it.
func (s *seconds) String() string { return time.Duration(*s).String() }

// Type is the word that help shows.
func (s *seconds) Type() string { return "duration" }
