package main

// ours says that dir is a directory that only this user can reach into: on Windows the temporary directory is.
func ours(string) bool { return true }
