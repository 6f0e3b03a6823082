package session

// Waits says what keeps this engine from making place for another one: something that only this process has and another would not
// find. "" is nothing: what waits in the keychain, and refreshes, which [Engine.Close] lets finish, hold nobody up.
func (e *Engine) Waits() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range e.order {
		switch l := e.logins[name]; {
		case l == nil:
		case l.attempt != nil:
			return "the login of " + quoteArg(name)
		case l.unsaved != nil:
			return "the token of " + quoteArg(name) + ", which the keychain does not take"
		}
	}
	return ""
}

// Refreshing says whether a refresh is under way.
func (e *Engine) Refreshing() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.active > 0
}
