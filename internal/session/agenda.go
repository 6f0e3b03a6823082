package session

import (
	"container/heap"
	"slices"
	"time"
)

// agenda is logins by the moment when the loop has to look at them, so that a look costs what there is to do and not how many
// logins there are. Each login stands in one at most: in the engine's until its moment, in its issuer's while it is due and
// finds no place, in none while it is refreshed. Engine.mu guards them.
type agenda struct {
	logins byLook
	from   time.Time // an issuer's: it is left alone until then by those whom nobody waits for
}

// lookLeast is how often a login is looked at whatever it stands in the agenda for: nobody tells of a clock that is corrected
// little by little.
const lookLeast = 10 * time.Minute

// put moves l here, to be looked at at that time.
func (a *agenda) put(l *login, at time.Time) {
	if l.agenda == a {
		l.look = at
		heap.Fix(&a.logins, l.at)
		return
	}
	l.leaveAgenda()
	l.agenda, l.look = a, at
	heap.Push(&a.logins, l)
}

// first is the login to be looked at first, nil if there is none.
func (a *agenda) first() *login {
	if len(a.logins) == 0 {
		return nil
	}
	return a.logins[0]
}

func (l *login) leaveAgenda() {
	if l.agenda != nil {
		heap.Remove(&l.agenda.logins, l.at)
		l.agenda = nil
	}
}

// byLook is a heap (container/heap).
type byLook []*login

// Len, Less, Swap, Push and Pop are the heap's.
func (b byLook) Len() int           { return len(b) }
func (b byLook) Less(i, j int) bool { return b[i].look.Before(b[j].look) }
func (b byLook) Swap(i, j int)      { b[i], b[j] = b[j], b[i]; b[i].at, b[j].at = i, j }
func (b *byLook) Push(l any)        { l.(*login).at = len(*b); *b = append(*b, l.(*login)) }
func (b *byLook) Pop() any {
	last := len(*b) - 1
	l := (*b)[last]
	(*b)[last] = nil
	*b = (*b)[:last]
	return l
}

// againLocked lets the loop look at a login again: what decided about it has changed otherwise than by time; Engine.mu is held.
func (e *Engine) againLocked(l *login) { e.agenda.put(l, time.Time{}) }

// allAgainLocked is againLocked for all.
func (e *Engine) allAgainLocked() {
	for _, l := range e.logins {
		e.againLocked(l)
	}
}

// turnedLocked says that time alone has made something else of l than watchers were told; Engine.mu is held.
func (e *Engine) turnedLocked(l *login, now time.Time) bool {
	return e.stateLocked(l, now) != l.shown || (e.endsSoonLocked(l, now) != nil) != l.warned
}

// dueLocked says that l is to be refreshed now, and since when; or when to look at it again. Engine.mu is held.
func (e *Engine) dueLocked(l *login, now time.Time) (due bool, at time.Time) {
	again := now.Add(lookLeast)
	soon := func(at time.Time) {
		if at.After(now) {
			again = minTime(again, at)
		}
	}
	r := &l.rec
	if at, ok := nextChange(r, l.reminder, now); ok {
		soon(at)
	}
	first, remind := e.remindLocked(l, now)
	soon(remind)
	soon(first)
	if l.refreshing != nil || !l.unfinished() && (l.mistake != nil || r.Fingerprint != "" && r.Fingerprint != l.wants || l.foreign()) {
		return false, again
	}
	at, ok := dueAt(r, time.Duration(l.profile.RefreshBefore), e.seed)
	if l.unfinished() {
		at, ok = r.NextTry, true
	}
	switch b := e.breakerLocked(l, now); {
	case !ok:
	case at.After(now) && !clockPutBack(r, now):
		soon(at)
	case b.holds(background, now):
		soon(b.until)
	default:
		return true, at
	}
	return false, again
}

// dueNowLocked takes what time has come for off the agenda: those that have turned into something else, those to be refreshed
// whose servers' grace is short, and the first of each issuer that there is a place for, who is due longest first. next is when
// to look again. Engine.mu is held.
func (e *Engine) dueNowLocked(now time.Time) (turned, pursued, due []string, next time.Time) {
	for l := e.agenda.first(); l != nil && !l.look.After(now); l = e.agenda.first() {
		e.looks++
		if e.turnedLocked(l, now) {
			turned = append(turned, l.profile.Name)
		}
		switch ripe, at := e.dueLocked(l, now); {
		case !ripe:
			e.agenda.put(l, at)
		case l.waits() != nil || !l.rec.Interrupted.IsZero():
			pursued = append(pursued, l.profile.Name)
			e.agenda.put(l, now.Add(lookLeast)) // the end of its refresh lets it be looked at
		default:
			waiting := e.overdue[l.issuer]
			if waiting == nil {
				waiting = new(agenda)
				e.overdue[l.issuer] = waiting
			}
			waiting.put(l, at)
		}
	}
	var first []*login
	next = now.Add(sleepMax)
	for issuer, waiting := range e.overdue {
		if rest := waiting.from.Sub(now); rest > 0 && rest <= refreshesApart {
			next = minTime(next, waiting.from)
			continue
		}
		l := waiting.first()
		for ; l != nil && e.freeLocked(issuer); l = waiting.first() {
			e.looks++
			ripe, at := e.dueLocked(l, now) // others may have opened the breaker
			if ripe {
				first = append(first, l)
				break
			}
			e.agenda.put(l, at)
		}
		if l == nil {
			delete(e.overdue, issuer)
		}
	}
	slices.SortFunc(first, func(a, b *login) int { return a.look.Compare(b.look) })
	for _, l := range first {
		due = append(due, l.profile.Name)
	}
	if l := e.agenda.first(); l != nil {
		next = minTime(next, l.look)
	}
	return turned, pursued, due, next
}
