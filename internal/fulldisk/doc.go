// Package fulldisk knows how to fill a disk under a test.
package fulldisk
