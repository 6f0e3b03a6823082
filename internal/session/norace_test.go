//go:build !race

package session

// eachRefreshes is how often each of two agents refreshes.
const eachRefreshes = 1000

// monthDays is how long TestAMonth's month is.
const monthDays = 30
