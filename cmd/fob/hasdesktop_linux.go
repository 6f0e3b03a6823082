package main

// hasDesktop says whether env names a desktop: the tray icon and notifications live on its session bus.
func hasDesktop(env map[string]string) bool {
	return env["DISPLAY"] != "" || env["WAYLAND_DISPLAY"] != ""
}
