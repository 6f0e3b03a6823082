package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// The freedesktop.org Secret Service as far as it is needed before go-keyring may be called: go-keyring's own prompts take
// the first signal on the shared session bus for their answer and wait for ever. Everything here has its own connection.
// https://specifications.freedesktop.org/secret-service-spec/latest/

const noKeychainRemedy = "install and start gnome-keyring or KeePassXC (with its Secret Service integration switched on)"

const (
	secretsName     = "org.freedesktop.secrets"
	secretsPath     = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection = secretsPath + "/collection/login"
	secretInterface = "org.freedesktop.Secret."
	noPath          = dbus.ObjectPath("/") // the specification's "none", for prompts and aliases
)

// secretService is one private connection to the session bus and the program behind org.freedesktop.secrets on it.
type secretService struct {
	bus   *dbus.Conn
	owner string // unique name: answers of anybody else do not count
}

// ready leaves the collection that go-keyring uses there and unlocked.
func (osKeychain) ready(ctx context.Context, attended bool) (Report, error) {
	s, err := dialSecrets(ctx)
	if err != nil {
		return Report{}, err
	}
	defer s.bus.Close()
	report := Report{Owner: s.process(ctx)}
	path, err := s.collection(ctx)
	if errors.Is(err, ErrNoCollection) && attended {
		path, err = s.create(ctx)
	}
	if err != nil {
		return report, err
	}
	report.Collection = string(path)
	return report, s.unlock(ctx, path, attended)
}

// dialSecrets connects to the session bus and finds the Secret Service, starting it if the bus knows how.
func dialSecrets(ctx context.Context) (*secretService, error) {
	bus, err := dialBus(ctx)
	if err != nil {
		return nil, err
	}
	s := &secretService{bus: bus}
	if err := s.find(ctx); err != nil {
		bus.Close()
		return nil, err
	}
	return s, nil
}

// dialBus never starts a bus: go-keyring would run dbus-launch, and nobody else would ever see the keychain on that bus.
func dialBus(ctx context.Context) (*dbus.Conn, error) {
	// The connection outlives ctx, so that a prompt can still be taken back; until it stands, ctx and our patience end it.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	wait, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	stop := context.AfterFunc(wait, end)
	bus, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(life))
	if err != nil {
		end()
		return nil, problem(ErrNoKeychain, "there is no session bus here (DBUS_SESSION_BUS_ADDRESS)", err)
	}
	err = bus.Auth(nil)
	if err == nil {
		err = bus.Hello()
	}
	if !stop() {
		bus.Close()
		return nil, gaveUp(context.Cause(wait), "the session bus")
	}
	if err != nil {
		bus.Close()
		return nil, problem(ErrNoKeychain, "the session bus does not let us in", err)
	}
	return bus, nil
}

func (s *secretService) find(ctx context.Context) error {
	err := call(ctx, s.bus.BusObject(), "org.freedesktop.DBus.GetNameOwner", secretsName).Store(&s.owner)
	if err == nil {
		return nil
	}
	var started uint32
	err = call(ctx, s.bus.BusObject(), "org.freedesktop.DBus.StartServiceByName", secretsName, uint32(0)).Store(&started)
	if err == nil {
		err = call(ctx, s.bus.BusObject(), "org.freedesktop.DBus.GetNameOwner", secretsName).Store(&s.owner)
	}
	switch {
	case err == nil || errors.Is(err, ErrTimeout) || errors.Is(err, context.Canceled):
		return err
	case errorName(err) == "org.freedesktop.DBus.Error.ServiceUnknown":
		return problem(ErrNoKeychain, "no program offers the Secret Service ("+secretsName+") on the session bus", nil)
	}
	return problem(ErrNoKeychain, "the Secret Service ("+secretsName+") does not start", err)
}

// process names the program behind the service, "" when that is hidden from us.
func (s *secretService) process(ctx context.Context) string {
	var pid uint32
	if call(ctx, s.bus.BusObject(), "org.freedesktop.DBus.GetConnectionUnixProcessID", s.owner).Store(&pid) != nil {
		return ""
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		return strings.TrimSuffix(filepath.Base(exe), " (deleted)")
	}
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // exe may be hidden; comm never is, and "" is an answer
	return strings.TrimSpace(string(comm))
}

// collection chooses as go-keyring does: "login" when there is one, else the default.
func (s *secretService) collection(ctx context.Context) (dbus.ObjectPath, error) {
	var all []dbus.ObjectPath
	if err := s.property(ctx, secretsPath, secretInterface+"Service", "Collections", &all); err != nil {
		return "", err
	}
	if slices.Contains(all, loginCollection) {
		return loginCollection, nil
	}
	var path dbus.ObjectPath
	if err := s.call(ctx, secretsPath, "Service.ReadAlias", "default").Store(&path); err != nil {
		return "", err
	}
	if path == noPath || path == "" {
		return "", problem(ErrNoCollection, "", nil)
	}
	return path, nil
}

// create asks the person for a first collection. With the label "login" gnome-keyring makes the one that a desktop login unlocks.
func (s *secretService) create(ctx context.Context) (dbus.ObjectPath, error) {
	label := map[string]dbus.Variant{secretInterface + "Collection.Label": dbus.MakeVariant("login")}
	var path, prompt dbus.ObjectPath
	if err := s.call(ctx, secretsPath, "Service.CreateCollection", label, "default").Store(&path, &prompt); err != nil {
		return "", err
	}
	if err := s.prompt(ctx, prompt); err != nil {
		return "", err
	}
	return s.collection(ctx)
}

// unlock leaves the collection unlocked. Unattended it takes what the service does without asking, and takes a prompt back unshown.
func (s *secretService) unlock(ctx context.Context, path dbus.ObjectPath, attended bool) error {
	locked, err := s.locked(ctx, path)
	if err != nil || !locked {
		return err
	}
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := s.call(ctx, secretsPath, "Service.Unlock", []dbus.ObjectPath{path}).Store(&done, &prompt); err != nil {
		return err
	}
	if attended {
		err = s.prompt(ctx, prompt)
	} else if prompt != noPath {
		s.dismiss(ctx, prompt)
	}
	if err != nil {
		return err
	}
	if locked, err = s.locked(ctx, path); err == nil && locked {
		err = problem(ErrLocked, "", nil)
	}
	return err
}

func (s *secretService) locked(ctx context.Context, path dbus.ObjectPath) (locked bool, err error) {
	err = s.property(ctx, path, secretInterface+"Collection", "Locked", &locked)
	return locked, err
}

// prompt shows a prompt and waits for its Completed signal, from the service itself and on the prompt's own path, as long as
// ctx lives and the service does.
func (s *secretService) prompt(ctx context.Context, path dbus.ObjectPath) error {
	if path == noPath {
		return nil
	}
	signals := make(chan *dbus.Signal, 4)
	s.bus.Signal(signals)
	defer s.bus.RemoveSignal(signals)
	completed := secretInterface + "Prompt.Completed"
	err := s.bus.AddMatchSignalContext(ctx, dbus.WithMatchSender(s.owner), dbus.WithMatchObjectPath(path),
		dbus.WithMatchInterface(secretInterface+"Prompt"), dbus.WithMatchMember("Completed"))
	if err == nil { // the service's end is an answer too, or we would wait for ever
		err = s.bus.AddMatchSignalContext(ctx, dbus.WithMatchSender("org.freedesktop.DBus"),
			dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, s.owner))
	}
	if err == nil {
		err = s.call(ctx, path, "Prompt.Prompt", "").Err
	}
	if err != nil {
		return diagnose(err)
	}
	for {
		select {
		case <-ctx.Done():
			s.dismiss(ctx, path)
			return gaveUp(context.Cause(ctx), "its prompt was not answered")
		case signal, open := <-signals:
			switch {
			case !open:
				return problem(ErrNoKeychain, "the session bus went away while the prompt was open", nil)
			case signal.Name == "org.freedesktop.DBus.NameOwnerChanged":
				return problem(ErrNoKeychain, "it ended while its prompt was open", nil)
			case signal.Name != completed || signal.Path != path || signal.Sender != s.owner:
				continue
			}
			var dismissed bool
			var result dbus.Variant
			if err := dbus.Store(signal.Body, &dismissed, &result); err != nil || dismissed {
				return problem(ErrRefused, "its prompt was dismissed", err)
			}
			return nil
		}
	}
}

// dismiss takes a prompt back. Nothing depends on it: a service drops the prompts of a connection that closes.
func (s *secretService) dismiss(ctx context.Context, path dbus.ObjectPath) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience/5)
	defer cancel()
	_ = s.call(ctx, path, "Prompt.Dismiss").Err
}

func (s *secretService) property(ctx context.Context, path dbus.ObjectPath, iface, name string, into any) error {
	var value dbus.Variant
	err := s.request(ctx, path, "org.freedesktop.DBus.Properties.Get", iface, name).Store(&value)
	if err == nil {
		err = value.Store(into)
	}
	return diagnose(err)
}

func (s *secretService) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	c := s.request(ctx, path, secretInterface+method, args...)
	c.Err = diagnose(c.Err)
	return c
}

func (s *secretService) request(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	return call(ctx, s.bus.Object(secretsName, path), method, args...)
}

// call is one request that no person is involved in: it takes our patience at most, attended or not.
func call(ctx context.Context, object dbus.BusObject, method string, args ...any) *dbus.Call {
	wait, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	c := object.CallWithContext(wait, method, 0, args...)
	if c.Err != nil && wait.Err() != nil {
		c.Err = gaveUp(context.Cause(wait), "")
	}
	return c
}

// diagnose finds our kind of error for the Secret Service's.
func diagnose(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	switch name := errorName(err); {
	case name == secretInterface+"Error.IsLocked":
		return problem(ErrLocked, "", nil)
	case name == secretInterface+"Error.NoSuchObject":
		return problem(ErrNoCollection, "", nil)
	case strings.Contains(err.Error(), "failed to unlock correct collection"): // go-keyring, which knows no name for it
		return problem(ErrLocked, "", nil)
	case name == "org.freedesktop.DBus.Error.NoReply" || name == "org.freedesktop.DBus.Error.ServiceUnknown" ||
		name == "org.freedesktop.DBus.Error.NameHasNoOwner" || errors.Is(err, dbus.ErrClosed) || name == "":
		return problem(ErrNoKeychain, "its answer did not arrive", err)
	}
	return problem(ErrRefused, "", err)
}

func errorName(err error) string {
	var e dbus.Error
	if errors.As(err, &e) {
		return e.Name
	}
	return ""
}
