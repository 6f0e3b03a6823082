package agent

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Build tells one program of Fob from another: releases by their version, what developers build again and again by its file.
type Build struct {
	Version  string    `json:"version"`
	Path     string    `json:"path,omitempty"` // of the program file
	Modified time.Time `json:"modified,omitzero"`
	Size     int64     `json:"size,omitempty"`
}

// BuildOf is the build of the program file at path, which says of itself that it is version. It costs one look at the file.
func BuildOf(version, path string) Build {
	b := Build{Version: version, Path: path}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		b.Path = real
	}
	if info, err := os.Stat(b.Path); err == nil {
		b.Modified, b.Size = info.ModTime().UTC(), info.Size()
	}
	return b
}

// NewerThan says that b should take over from other: it is a later release, or of the same one and built later. The order is strict,
// so that two programs that are used by turns never take over from each other in turn.
func (b Build) NewerThan(other Build) bool {
	mine, known := release(b.Version)
	if its, too := release(other.Version); known && too && mine != its {
		for i := range mine {
			if mine[i] != its[i] {
				return mine[i] > its[i]
			}
		}
	}
	if b.Modified.IsZero() || other.Modified.IsZero() {
		return false
	}
	return b.Modified.After(other.Modified)
}

// Words names a build in a sentence.
func (b Build) Words() string {
	if b.Version == "" {
		return "unknown version"
	}
	return "version " + b.Version
}

// release reads MAJOR.MINOR.PATCH at the start of a version; what stands behind them (a pre-release, a revision) orders nothing.
func release(version string) (numbers [3]int, ok bool) {
	text := strings.TrimPrefix(version, "v")
	if cut := strings.IndexAny(text, "-+ "); cut >= 0 {
		text = text[:cut]
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return numbers, false
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return numbers, false
		}
		numbers[i] = n
	}
	return numbers, true
}
