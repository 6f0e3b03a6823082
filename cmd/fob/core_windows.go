package main

// limitCore does nothing on Windows, which writes no dumps of its own accord.
func limitCore() {}
