package cli

import (
	"io"
	"os"
	"sync"
)

// replayMost is how much of a body from standard input is kept to be sent again: more than what people pipe into an API, less than
// what a machine would notice.
const replayMost = 16 << 20

// replay is an input that can be read a second time, as far as it was kept. It is passed on while it comes: a body may be one
// that never ends.
type replay struct {
	source io.Reader
	most   int

	mu    sync.Mutex // guards what follows
	more  *sync.Cond
	kept  []byte
	begun bool
	ended bool  // the source has no more
	over  bool  // it has more than is kept: who reads past that reads it for good
	spent bool  // somebody did
	round int   // of reading; readers of earlier rounds end
	seek  int64 // where a file began
}

func newReplay(source io.Reader) *replay {
	r := &replay{source: source, most: replayMost, seek: -1}
	r.more = sync.NewCond(&r.mu)
	if file, ok := source.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			if at, err := file.Seek(0, io.SeekCurrent); err == nil {
				r.seek = at
			}
		}
	}
	return r
}

// file is the source itself, when it is one that can be read again by seeking.
func (r *replay) file() *os.File {
	if r.seek < 0 {
		return nil
	}
	return r.source.(*os.File)
}

// repeatable says whether the beginning is still there.
func (r *replay) repeatable() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.spent
}

// rewind makes the next reader begin at the beginning, and ends the one there is.
func (r *replay) rewind() error {
	if file := r.file(); file != nil {
		_, err := file.Seek(r.seek, io.SeekStart)
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.round++
	r.more.Broadcast()
	return nil
}

// copyTo writes the input from its beginning until it ends, out fails, or the next round begins.
func (r *replay) copyTo(out io.Writer) {
	r.mu.Lock()
	if !r.begun {
		r.begun = true
		go r.fill()
	}
	round, at := r.round, 0
	for {
		for at == len(r.kept) && !r.ended && !r.over && r.round == round {
			r.more.Wait()
		}
		if r.round != round {
			r.mu.Unlock()
			return
		}
		piece := r.kept[at:]
		if len(piece) == 0 {
			r.spent = r.spent || r.over
			over := r.over
			r.mu.Unlock()
			if over {
				io.Copy(out, r.source) // curl says itself when it got less than it wanted
			}
			return
		}
		r.mu.Unlock()
		if _, err := out.Write(piece); err != nil {
			return
		}
		at += len(piece)
		r.mu.Lock()
	}
}

// fill keeps what comes, up to most.
func (r *replay) fill() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.source.Read(buffer)
		r.mu.Lock()
		r.kept = append(r.kept, buffer[:n]...)
		r.ended = err != nil
		r.over = !r.ended && len(r.kept) >= r.most
		done := r.ended || r.over
		r.more.Broadcast()
		r.mu.Unlock()
		if done {
			return
		}
	}
}
