package quick

// socket is empty: a named pipe is opened by package agent.
func socket(func(string) string) string { return "" }

func exchange(_, _ string, _ int64) []byte { return nil }
