//go:build race

package session

// eachRefreshes is how often each of two agents refreshes: the race detector, which makes everything ten times as slow, sees as much in a
// tenth of R-307's thousand. The run without it makes all of them.
const eachRefreshes = 100
