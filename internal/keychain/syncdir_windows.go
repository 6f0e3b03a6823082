package keychain

// syncDir does nothing: NTFS journals names itself, and a directory cannot be flushed.
func syncDir(string) error { return nil }
