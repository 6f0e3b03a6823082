// Package e2e knows Fob from outside: the built programs, on a private desktop with a real keychain, panel and notification
// daemon, logging in through a real browser to a real authorization server. It imports nothing of Fob's.
//
// `make e2e` runs it. dev/e2e.sh says in FOB_BIN where the programs are; npm's part (an authorization server that nobody here
// wrote, and a hand for the browser) is in package.json. Each test has a desktop of its own, so that tests neither see each
// other nor the desktop of whoever runs them, and ends only what it started.
package e2e
