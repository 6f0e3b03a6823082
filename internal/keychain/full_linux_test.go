package keychain

import (
	"bytes"
	"path/filepath"
	"testing"

	"fob/internal/fulldisk"
)

// the disk fills up at every step of a value that is sealed; the old one or the new one is there, whole, and what Set says is true.
func TestFullDiskAtEveryStep(t *testing.T) {
	old, new := secret("old", 5000), secret("new", 6000)
	for _, step := range append([]string{"before"}, Steps...) {
		t.Run(step, func(t *testing.T) {
			d := fulldisk.New(t)
			w := &world{dir: filepath.Join(d.Dir, "sealed"), back: newLimited()}
			var err error
			w.k, err = open(w.back, w.dir)
			must(t, err)
			must(t, w.run(old))
			w.k.Watch(func(at string) {
				if at == step {
					d.Fill()
				}
			})
			if step == "before" {
				d.Fill()
			}
			set := w.run(new)
			want := old
			if set == nil {
				want = new
			}
			for _, room := range []bool{false, true} {
				if room {
					d.Empty()
				}
				next, err := open(w.back.survivor(), w.dir)
				must(t, err)
				if got, err := next.Get(t.Context(), "k"); err != nil || !bytes.Equal(got, want) {
					t.Errorf("Set said %v; room %v: %v", set, room, err)
				}
			}
			if files := sealedFiles(t, w.dir); len(files) != 1 {
				t.Errorf("litter: %v", files)
			}
			w.k.Watch(nil)
			must(t, w.run(secret("newer", 7000)))
		})
	}
}
