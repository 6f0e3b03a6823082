package agent

// Become ends nothing here: a process cannot become another program on Windows. The agent ends, and who wanted the new one starts it.
func (s *Socket) Become(string, []string, []string) error { return nil }

// Keep has nothing to keep: the pipe goes with the process.
func (s *Socket) Keep() error { return nil }
