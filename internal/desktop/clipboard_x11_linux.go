package desktop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// chunk is what goes into one property; larger texts go incrementally (ICCCM
// §2.7.2). A request without BIG-REQUESTS holds 262,140 bytes at most.
const chunk = 128 << 10

// The targets that we answer, besides the text ones.
const (
	targetsAtom   = "TARGETS"
	multipleAtom  = "MULTIPLE"
	timestampAtom = "TIMESTAMP"
	incrAtom      = "INCR"
	pairAtom      = "ATOM_PAIR"
	selectionAtom = "CLIPBOARD"
	utf8Atom      = "UTF8_STRING"
	// Klipper and the tools that follow it leave such a text out of their
	// history (https://phabricator.kde.org/D12539).
	hintAtom = "x-kde-passwordManagerHint"
)

var textTargets = []string{utf8Atom, "text/plain;charset=utf-8", "text/plain", "TEXT", "STRING"}

// x11Selection owns the CLIPBOARD selection on a connection of its own, until
// somebody else takes it. One goroutine, serve, ends it.
type x11Selection struct {
	conn   *xgb.Conn
	window xproto.Window
	atoms  map[string]xproto.Atom
	names  map[xproto.Atom]string
	text   []byte
	secret bool
	since  xproto.Timestamp
	lost   chan struct{} // closed when the selection is not ours any more

	transfers map[transferKey]*transfer // serve's own
}

type transferKey struct {
	window   xproto.Window
	property xproto.Atom
}

// transfer is an INCR transfer under way.
type transfer struct {
	rest []byte
	kind xproto.Atom
	last bool // the closing empty chunk is written
}

func holdX11(ctx context.Context, env Env, text string, secret bool) (holder, error) {
	conn, err := dialX(ctx, env)
	if err != nil {
		return nil, fmt.Errorf("clipboard: %w", err)
	}
	s := &x11Selection{conn: conn, text: []byte(text), secret: secret,
		lost: make(chan struct{}), transfers: make(map[transferKey]*transfer)}
	// A server that hangs is left behind; closing ends the waits in own.
	stop := context.AfterFunc(ctx, conn.Close)
	err = s.own()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("clipboard: display %s: %w", env["DISPLAY"], err)
	}
	go s.serve()
	return s, nil
}

// own takes the selection, with a timestamp of the server as ICCCM §2.1 wants.
func (s *x11Selection) own() error {
	if err := s.intern(); err != nil {
		return err
	}
	root := xproto.Setup(s.conn).DefaultScreen(s.conn).Root
	var err error
	if s.window, err = xproto.NewWindowId(s.conn); err != nil {
		return err
	}
	err = xproto.CreateWindowChecked(s.conn, 0, s.window, root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
	if err != nil {
		return err
	}
	// Appending nothing to a property tells the time.
	xproto.ChangeProperty(s.conn, xproto.PropModeAppend, s.window, xproto.AtomWmName, xproto.AtomString, 8, 0, nil)
	for {
		event, xerr := s.conn.WaitForEvent()
		if xerr != nil {
			return xerr
		}
		if event == nil {
			return errors.New("the connection ended")
		}
		if p, ok := event.(xproto.PropertyNotifyEvent); ok {
			s.since = p.Time
			break
		}
	}
	selection := s.atoms[selectionAtom]
	if err := xproto.SetSelectionOwnerChecked(s.conn, s.window, selection, s.since).Check(); err != nil {
		return err
	}
	owner, err := xproto.GetSelectionOwner(s.conn, selection).Reply()
	if err != nil {
		return err
	}
	if owner.Owner != s.window {
		return errors.New("another program took the clipboard in the same moment")
	}
	return nil
}

// intern asks for all atoms in one round trip.
func (s *x11Selection) intern() error {
	names := append([]string{targetsAtom, multipleAtom, timestampAtom, incrAtom, pairAtom, selectionAtom, hintAtom}, textTargets...)
	cookies := make([]xproto.InternAtomCookie, len(names))
	for i, name := range names {
		cookies[i] = xproto.InternAtom(s.conn, false, uint16(len(name)), name)
	}
	s.atoms, s.names = make(map[string]xproto.Atom), make(map[xproto.Atom]string)
	for i, name := range names {
		reply, err := cookies[i].Reply()
		if err != nil {
			return err
		}
		s.atoms[name], s.names[reply.Atom] = reply.Atom, name
	}
	return nil
}

// serve answers until the selection is lost and the transfers under way are
// done, or the connection ends.
func (s *x11Selection) serve() {
	owner := true
	end := func() {
		if owner {
			owner = false
			close(s.lost)
		}
	}
	for owner || len(s.transfers) > 0 {
		event, xerr := s.conn.WaitForEvent()
		if event == nil && xerr == nil {
			break // the server is gone
		}
		switch e := event.(type) {
		case xproto.SelectionRequestEvent:
			if owner {
				s.answer(e)
			}
		case xproto.SelectionClearEvent:
			end()
		case xproto.PropertyNotifyEvent:
			if e.State == xproto.PropertyDelete {
				s.advance(transferKey{e.Window, e.Atom})
			}
		case xproto.DestroyNotifyEvent:
			for key := range s.transfers {
				if key.window == e.Window {
					delete(s.transfers, key)
				}
			}
		}
	}
	end()
	clear(s.text)
	s.conn.Close()
}

// answer converts the selection for a requestor (ICCCM §2.2).
func (s *x11Selection) answer(e xproto.SelectionRequestEvent) {
	property := e.Property
	if property == xproto.AtomNone {
		property = e.Target // "obsolete clients"
	}
	done := e.Selection == s.atoms[selectionAtom]
	switch {
	case !done:
	case e.Target == s.atoms[multipleAtom]:
		done = e.Property != xproto.AtomNone && s.convertAll(e.Requestor, property)
	default:
		done = s.convert(e.Requestor, property, e.Target)
	}
	if !done {
		property = xproto.AtomNone
	}
	notify := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor,
		Selection: e.Selection, Target: e.Target, Property: property}
	xproto.SendEvent(s.conn, false, e.Requestor, xproto.EventMaskNoEvent, string(notify.Bytes()))
}

// convert writes one target into a property of the requestor.
func (s *x11Selection) convert(window xproto.Window, property, target xproto.Atom) bool {
	kind, format, data := target, byte(8), []byte(nil)
	switch name := s.names[target]; name {
	case targetsAtom:
		kind, format, data = xproto.AtomAtom, 32, s.targets()
	case timestampAtom:
		kind, format, data = xproto.AtomInteger, 32, binary.LittleEndian.AppendUint32(nil, uint32(s.since))
	case hintAtom:
		if !s.secret {
			return false
		}
		data = []byte("secret")
	case "STRING":
		if data = latin1(s.text); data == nil {
			return false
		}
	case "TEXT": // "whatever encoding the owner likes"
		kind, data = s.atoms[utf8Atom], s.text
	case utf8Atom, "text/plain", "text/plain;charset=utf-8":
		data = s.text
	default:
		return false
	}
	if len(data) > chunk {
		return s.begin(window, property, kind, data)
	}
	return s.write(window, property, kind, format, data)
}

func (s *x11Selection) write(window xproto.Window, property, kind xproto.Atom, format byte, data []byte) bool {
	count := uint32(len(data)) / uint32(format/8)
	return xproto.ChangePropertyChecked(s.conn, xproto.PropModeReplace, window, property, kind, format, count, data).Check() == nil
}

// convertAll serves MULTIPLE: pairs of target and property; a target that
// cannot be had is replaced by None.
func (s *x11Selection) convertAll(window xproto.Window, property xproto.Atom) bool {
	pairs, err := xproto.GetProperty(s.conn, false, window, property, s.atoms[pairAtom], 0, 64).Reply()
	if err != nil || pairs.Format != 32 {
		return false
	}
	for i := 0; i+8 <= len(pairs.Value); i += 8 {
		target := xproto.Atom(binary.LittleEndian.Uint32(pairs.Value[i:]))
		to := xproto.Atom(binary.LittleEndian.Uint32(pairs.Value[i+4:]))
		if !s.convert(window, to, target) {
			binary.LittleEndian.PutUint32(pairs.Value[i:], xproto.AtomNone)
		}
	}
	return s.write(window, property, s.atoms[pairAtom], 32, pairs.Value)
}

func (s *x11Selection) targets() []byte {
	names := append([]string{targetsAtom, multipleAtom, timestampAtom}, textTargets...)
	if s.secret {
		names = append(names, hintAtom)
	}
	var data []byte
	for _, name := range names {
		data = binary.LittleEndian.AppendUint32(data, uint32(s.atoms[name]))
	}
	return data
}

// begin starts an INCR transfer (ICCCM §2.7.2): its length first, then a chunk
// each time the requestor deletes the property, an empty one at the end.
func (s *x11Selection) begin(window xproto.Window, property, kind xproto.Atom, data []byte) bool {
	err := xproto.ChangeWindowAttributesChecked(s.conn, window, xproto.CwEventMask,
		[]uint32{xproto.EventMaskPropertyChange | xproto.EventMaskStructureNotify}).Check()
	if err != nil {
		return false
	}
	s.transfers[transferKey{window, property}] = &transfer{rest: data, kind: kind}
	return s.write(window, property, s.atoms[incrAtom], 32, binary.LittleEndian.AppendUint32(nil, uint32(len(data))))
}

func (s *x11Selection) advance(key transferKey) {
	t, ok := s.transfers[key]
	if !ok {
		return
	}
	n := min(len(t.rest), chunk)
	if t.last || !s.write(key.window, key.property, t.kind, 8, t.rest[:n]) {
		delete(s.transfers, key)
		return
	}
	t.last = n == 0
	t.rest = t.rest[n:]
}

// latin1 is the text as STRING wants it (ICCCM §2.6.2), nil if it cannot be.
func latin1(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range string(text) {
		if c > 0xff {
			return nil
		}
		out = append(out, byte(c))
	}
	return out
}

// clear gives the selection up if it is ours. The server does nothing if
// somebody has taken it since, because the time given is that of our taking.
func (s *x11Selection) clear() error {
	select {
	case <-s.lost:
		return nil
	default:
	}
	selection := s.atoms[selectionAtom]
	owner, err := xproto.GetSelectionOwner(s.conn, selection).Reply()
	if err != nil || owner.Owner != s.window {
		return nil // gone, with or without its server
	}
	xproto.SetSelectionOwner(s.conn, xproto.WindowNone, selection, s.since)
	select {
	case <-s.lost: // the server has told serve so
		return nil
	case <-time.After(2 * time.Second):
		return errors.New("clipboard: the X server does not answer")
	}
}

func (s *x11Selection) gone() <-chan struct{} { return s.lost }
