package main

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// window measures the window from its start to the first picture, and its memory, with 10 and 10,000 profiles.
func (b *bench) window() error {
	screen, err := openScreen()
	if err != nil {
		return err
	}
	defer screen.conn.Close()
	for _, home := range []string{"ten", "many"} {
		b.in(home)
		if _, err := b.run("status", "profile 00000"); err != nil {
			return err
		}
		var painted stats
		var pss []int
		for range 5 {
			took, memory, err := b.openWindow(screen)
			if err != nil {
				return err
			}
			painted, pss = append(painted, took), append(pss, memory)
		}
		report("window, start to first picture, profiles: "+home+" (aim 400 ms)", painted)
		report("window PSS, profiles: "+home, fmt.Sprintf("%.0f MB", float64(pss[len(pss)/2])/1024))
	}
	return nil
}

func (b *bench) openWindow(s *screen) (time.Duration, int, error) {
	cmd := exec.Command(b.app)
	cmd.Env = b.env
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	took, err := s.painted(begin)
	if err == nil {
		time.Sleep(2 * time.Second) // until the list has come and the memory has settled
	}
	u, usedErr := used(cmd.Process.Pid)
	if err == nil {
		err = usedErr
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait() // ends by the signal
	return took, u.pss, err
}

// screen watches an X server for windows.
type screen struct {
	conn *xgb.Conn
	root xproto.Window
}

func openScreen() (*screen, error) {
	xgb.Logger.SetOutput(io.Discard) // it tells of a missing .Xauthority
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, fmt.Errorf("no display: %w; run it through make bench", err)
	}
	root := xproto.Setup(conn).DefaultScreen(conn).Root
	err = xproto.ChangeWindowAttributesChecked(conn, root, xproto.CwEventMask, []uint32{xproto.EventMaskSubstructureNotify}).Check()
	return &screen{conn, root}, err
}

// painted waits until a new window of a useful size is shown and has more than one colour in it, and returns how long after
// begin that was.
func (s *screen) painted(begin time.Time) (time.Duration, error) {
	deadline := begin.Add(20 * time.Second)
	for time.Now().Before(deadline) {
		event, failed := s.conn.PollForEvent()
		if failed != nil {
			return 0, failed
		}
		mapped, ok := event.(xproto.MapNotifyEvent)
		if !ok {
			time.Sleep(time.Millisecond)
			continue
		}
		size, err := xproto.GetGeometry(s.conn, xproto.Drawable(mapped.Window)).Reply()
		if err != nil || size.Width < 400 {
			continue
		}
		for time.Now().Before(deadline) {
			image, err := xproto.GetImage(s.conn, xproto.ImageFormatZPixmap, xproto.Drawable(s.root), size.X, size.Y, size.Width, size.Height/2, ^uint32(0)).Reply()
			if err == nil && colours(image.Data) > 8 {
				return time.Since(begin), nil
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	return 0, fmt.Errorf("no window came within 20 s")
}

// colours counts different pixels, up to nine: an empty window has one, its frame a few.
func colours(data []byte) int {
	seen := map[[3]byte]bool{}
	for i := 0; i+3 < len(data) && len(seen) < 9; i += 4 {
		seen[[3]byte{data[i], data[i+1], data[i+2]}] = true
	}
	return len(seen)
}
