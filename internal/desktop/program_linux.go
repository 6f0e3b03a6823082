package desktop

import (
	"math"

	"golang.org/x/sys/unix"
)

// keepDescriptors marks ours close-on-exec. Go does so with those it opens;
// this is for those that we were started with, such as a shell's. Kernels
// before 5.11 do not know the call; then those few go along.
func keepDescriptors() { _ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }
