//go:build race

package session

// eachRefreshes is how often each of two agents refreshes: the race detector, which makes everything ten times as slow, sees as much in a
// tenth of R-307's thousand. The run without it makes all of them.
const eachRefreshes = 100

// monthDays is how long TestAMonth's month is: for races, until everything has happened.
const monthDays = 12
