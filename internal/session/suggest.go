package session

// noteClient keeps how the profile's client authenticates and why so, and what the server offers that would make a login safer.
func (e *Engine) noteClient(name string, c *client) {
	e.noteClock(name, c)
	if isOAuth1(c.profile) {
		return
	}
	method, why := c.ChosenAuthMethod()
	suggestions := c.Suggestions()
	e.mu.Lock()
	l, ok := e.logins[name]
	if !ok {
		e.mu.Unlock()
		return
	}
	l.rec.Authentication, l.rec.Suggestions = method+": "+why, suggestions
	e.mu.Unlock()
	e.keepRecord(name)
}
