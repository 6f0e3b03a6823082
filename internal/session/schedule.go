package session

import "time"

// Numbers of the refresh schedule.
const (
	// sleepMax is the longest the loop sleeps: Go's timers stand still while a laptop is suspended, so a longer sleep
	// would oversleep by the time of the suspension where nothing tells us of the wake-up.
	sleepMax = 30 * time.Second
	// refreshBeforeMin and refreshBeforeMax bound the lead that Fob chooses by itself, a tenth of the lifetime: enough
	// for a few retries, not so much that an hour's token lives only half of it.
	refreshBeforeMin = 30 * time.Second
	refreshBeforeMax = 5 * time.Minute
	// refreshEndsBefore is the lead before the end of the refresh token itself, where the server says it: a few retries.
	refreshEndsBefore = 2 * time.Minute
	// atOnce is how many refreshes run side by side; with one per issuer it keeps a wake-up of many profiles from
	// being a storm.
	atOnce = 4
	// refreshesApart is the pause between two refreshes at an issuer that nobody waits for: 10,000 that have ended in a night
	// take nine minutes, and no server sees more than twenty in a second.
	refreshesApart = 50 * time.Millisecond
	// backoffFirst doubles with every failure in a row up to backoffMax.
	backoffFirst = 5 * time.Second
	backoffMax   = 5 * time.Minute
	// retryAfterMax bounds what a server may ask for in Retry-After (RFC 9110 §10.2.3) before we look again.
	retryAfterMax = time.Hour
	// doubtFirst is the pause at first while a refresh token may have been spent and its answer lost; it grows to a quarter of the
	// time since. The grace of servers that rotate is a few seconds to a minute.
	doubtFirst = time.Second
	// mendedEvery is how often a refresh is tried that failed for a reason a person must mend (invalid_client): a
	// console may have been put right without anybody telling Fob.
	mendedEvery = time.Hour
)

// dueAt is when the refresh token is to be spent next: a pure function of what is known of the login. It returns false when
// nothing is to be done without a person.
func dueAt(r *record, refreshBefore time.Duration, seed string) (time.Time, bool) {
	if !r.Kept || !r.Refreshable || r.Ended != nil {
		return time.Time{}, false
	}
	if !r.NextTry.IsZero() {
		return r.NextTry, true
	}
	if !r.Interrupted.IsZero() {
		// The answer of before was lost: servers that rotate take the old refresh token once more, but not for long.
		return r.Interrupted, true
	}
	if r.ExpiresAt.IsZero() {
		return time.Time{}, false // nothing says that it ends
	}
	lifetime := r.ExpiresAt.Sub(r.ObtainedAt)
	lead := refreshBefore
	if lead <= 0 {
		lead = min(max(lifetime/10, refreshBeforeMin), refreshBeforeMax)
	}
	// A lead longer than half the life would refresh a token that was just refreshed.
	lead = min(lead, lifetime/2)
	// Up to a quarter more, the same for the same token: profiles that were logged in together do not refresh together,
	// nor do two agents that share a keychain, each with its seed.
	lead += spread(seed, r.Name, r.ObtainedAt, lead/4)
	at := r.ExpiresAt.Add(-lead)
	// A refresh token that ends earlier takes the login with it. What was obtained in its last minutes is not obtained
	// again: then the server does not move that end.
	if r.RefreshExpires.Sub(r.ObtainedAt) > 2*refreshEndsBefore {
		at = minTime(at, r.RefreshExpires.Add(-refreshEndsBefore))
	}
	return at, true
}

// clockSlack is how far a clock may be corrected in a day's work without anybody calling it wrong.
const clockSlack = time.Minute

// clockPutBack says that the times of r are of a clock that has been put back since. They mean nothing now: the token may
// end any moment, and a pause would last for hours.
func clockPutBack(r *record, now time.Time) bool {
	if !r.NextTry.IsZero() {
		return r.NextTry.Sub(now) > max(retryAfterMax, mendedEvery)+clockSlack
	}
	return fromTheFuture(r.ObtainedAt, now)
}

func fromTheFuture(at, now time.Time) bool { return at.Sub(now) > clockSlack }

// spread is a duration in [0, width) that depends only on the engine, the login and the moment. It is FNV-1a by hand: the loop asks
// for thousands of logins at each look, and the one in hash/fnv allocates.
func spread(seed, name string, at time.Time, width time.Duration) time.Duration {
	if width <= 0 {
		return 0
	}
	hash := uint64(14695981039346656037)
	add := func(b byte) { hash = (hash ^ uint64(b)) * 1099511628211 }
	for i := range len(seed) {
		add(seed[i])
	}
	add(0)
	for i := range len(name) {
		add(name[i])
	}
	for at := uint64(at.UnixNano()); at > 0; at >>= 8 {
		add(byte(at))
	}
	return time.Duration(hash % uint64(width))
}

// backoff is how long to wait after the given number of failures in a row, at least retryAfter.
func backoff(name string, failures int, at time.Time, retryAfter time.Duration) time.Duration {
	wait := backoffMax
	if shift := failures - 1; shift < 6 { // 5 s << 6 is past the maximum
		wait = min(backoffFirst<<max(shift, 0), backoffMax)
	}
	wait += spread("", name, at, wait/4)
	return max(wait, min(retryAfter, retryAfterMax))
}

// stateAt is the state of a login as time goes by.
func stateAt(r *record, reminderBefore time.Duration, now time.Time) State {
	switch {
	case !r.Kept:
		return LoggedOut
	case r.Ended != nil:
		return LoginRequired
	case r.Failing != nil && r.Mend:
		return Unusable
	case r.Failing != nil:
		return Offline
	case r.ExpiresAt.IsZero() || r.Refreshable:
		return LoggedIn // even past its end: the next use refreshes it
	case !now.Before(r.ExpiresAt):
		return LoginRequired
	case !now.Before(r.ExpiresAt.Add(-reminderBefore)):
		return Expiring
	}
	return LoggedIn
}

// nextChange is when stateAt will answer something else by itself, if ever.
func nextChange(r *record, reminderBefore time.Duration, now time.Time) (time.Time, bool) {
	if !r.Kept || r.Ended != nil || r.Refreshable || r.ExpiresAt.IsZero() {
		return time.Time{}, false
	}
	if reminder := r.ExpiresAt.Add(-reminderBefore); now.Before(reminder) {
		return reminder, true
	}
	if now.Before(r.ExpiresAt) {
		return r.ExpiresAt, true
	}
	return time.Time{}, false
}
