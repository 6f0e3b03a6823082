//go:build !linux

package desktop

// keepDescriptors does nothing: what Go opens is close-on-exec, and Windows
// hands on only what is listed.
func keepDescriptors() {}
