//go:build !linux

package main

import "log"

func main() { log.Fatal("the soak needs Linux: a small disk, a session bus and gnome-keyring") }
