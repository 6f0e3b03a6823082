package durable

// SyncDir does nothing on Windows, where a directory cannot be flushed and NTFS journals the rename.
func SyncDir(string) error { return nil }
