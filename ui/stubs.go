package ui

import "fob/internal/agent"

const agentLoggingIn = agent.LoggingIn

func aboutStore(code string) bool       { return false }
func (w *Window) edit(name string)      {}
func (w *Window) duplicate(name string) {}
func (w *Window) remove(name string)    {}
func (w *Window) addProfile()           {}
func (w *Window) openSettings()         {}
func (w *Window) showShortcuts()        {}
