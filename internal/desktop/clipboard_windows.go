package desktop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	user32   = windows.NewLazySystemDLL("user32.dll")
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")

	openClipboard     = user32.NewProc("OpenClipboard")
	closeClipboard    = user32.NewProc("CloseClipboard")
	emptyClipboard    = user32.NewProc("EmptyClipboard")
	setClipboardData  = user32.NewProc("SetClipboardData")
	registerFormat    = user32.NewProc("RegisterClipboardFormatW")
	clipboardSequence = user32.NewProc("GetClipboardSequenceNumber")
	globalAlloc       = kernel32.NewProc("GlobalAlloc")
	globalLock        = kernel32.NewProc("GlobalLock")
	globalUnlock      = kernel32.NewProc("GlobalUnlock")
	globalFree        = kernel32.NewProc("GlobalFree")
	moveMemory        = kernel32.NewProc("RtlMoveMemory")
)

const (
	cfUnicodeText = 13
	gmemMoveable  = 2
)

// windowsCopy remembers the sequence number that the clipboard had after our
// writing; any other number means that somebody has written since.
type windowsCopy struct {
	sequence uintptr
	once     sync.Once
	lost     chan struct{}
}

func hold(ctx context.Context, _ Env, text string, secret bool) (holder, string, error) {
	wide, err := windows.UTF16FromString(text)
	if err != nil {
		return nil, "", errors.New("clipboard: the text holds a zero byte")
	}
	data := make([]byte, 0, 2*len(wide))
	for _, unit := range wide {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	h := &windowsCopy{lost: make(chan struct{})}
	err = withClipboard(ctx, func() error {
		emptyClipboard.Call()
		// The marks first, so that no watcher sees the text without them
		// (learn.microsoft.com, "Cloud Clipboard and Clipboard History Formats").
		if secret {
			for _, name := range []string{"ExcludeClipboardContentFromMonitorProcessing", "CanIncludeInClipboardHistory", "CanUploadToCloudClipboard"} {
				format, err := namedFormat(name)
				if err != nil {
					return err
				}
				if err := putClipboard(format, make([]byte, 4)); err != nil { // a DWORD 0
					return err
				}
			}
		}
		return putClipboard(cfUnicodeText, data)
	})
	clear(data)
	clear(wide)
	if err != nil {
		return nil, "", err
	}
	h.sequence, _, _ = clipboardSequence.Call()
	return h, "Windows", nil
}

// withClipboard opens it, which only one program at a time may, and which
// belongs to the thread.
func withClipboard(ctx context.Context, use func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		ok, _, err := openClipboard.Call(0)
		if ok != 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("clipboard: another program holds it: %w", err)
		case <-retry.C:
		}
	}
	defer closeClipboard.Call()
	return use()
}

func namedFormat(name string) (uintptr, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	format, _, err := registerFormat.Call(uintptr(unsafe.Pointer(p)))
	if format == 0 {
		return 0, fmt.Errorf("clipboard: format %s: %w", name, err)
	}
	return format, nil
}

// putClipboard gives the system a copy of the data.
func putClipboard(format uintptr, data []byte) error {
	memory, _, err := globalAlloc.Call(gmemMoveable, uintptr(len(data)))
	if memory == 0 {
		return fmt.Errorf("clipboard: %w", err)
	}
	p, _, err := globalLock.Call(memory)
	if p == 0 {
		globalFree.Call(memory)
		return fmt.Errorf("clipboard: %w", err)
	}
	moveMemory.Call(p, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)))
	globalUnlock.Call(memory)
	if ok, _, err := setClipboardData.Call(format, memory); ok == 0 {
		globalFree.Call(memory)
		return fmt.Errorf("clipboard: %w", err)
	}
	return nil // the memory is the system's now
}

func (h *windowsCopy) clear() error {
	var err error
	h.once.Do(func() {
		defer close(h.lost)
		err = withClipboard(context.Background(), func() error {
			if now, _, _ := clipboardSequence.Call(); now == h.sequence {
				emptyClipboard.Call()
			}
			return nil
		})
	})
	return err
}

func (h *windowsCopy) gone() <-chan struct{} { return h.lost }
