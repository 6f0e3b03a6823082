package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

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

	sessionCollection = secretsPath + "/collection/session" // gnome-keyring's, in its memory alone
)

// osKeychain is the keychain of the operating system, through go-keyring: see keyring.go.
type osKeychain struct {
	standing *question // a prompt that its caller gave up and that is still on the screen; guarded by the turn
}

// secretService is one private connection to the session bus and the program behind org.freedesktop.secrets on it.
type secretService struct {
	bus   *dbus.Conn
	owner string    // unique name: answers of anybody else do not count
	asked *question // the prompt that this connection showed last
}

// question is a prompt on the screen. It outlives a caller who gives up: see prompt.
type question struct {
	answered chan struct{} // closed when err is set
	err      error
}

// wait returns the person's answer, or our giving up.
func (q *question) wait(ctx context.Context) error {
	select {
	case <-q.answered:
		return q.err
	case <-ctx.Done():
		return gaveUp(context.Cause(ctx), "its prompt was not answered")
	}
}

func (q *question) open() bool {
	select {
	case <-q.answered:
		return false
	default:
		return true
	}
}

// ready leaves the collection that go-keyring uses there and unlocked.
func (k *osKeychain) ready(ctx context.Context, attended bool) (report Report, err error) {
	s, err := dialSecrets(ctx)
	if err != nil {
		return Report{}, err
	}
	defer s.close()
	report.exe, report.Owner = s.process(ctx)
	report.Collection, err = s.look(ctx)
	defer func() { report.Lasts = report.Collection != string(sessionCollection) }()
	defer func() { err = inWordsOf(report.Owner, err) }()
	if !attended || !needsPerson(err) || report.Owner == keepassxc && errors.Is(err, ErrNoCollection) {
		return report, err
	}
	if k.standing != nil && k.standing.open() { // one prompt on the screen is enough
		if err := k.standing.wait(ctx); err != nil {
			return report, err
		}
		report.Collection, err = s.look(ctx)
	}
	if needsPerson(err) {
		err = s.ask(ctx, dbus.ObjectPath(report.Collection))
		k.standing = s.asked
		if err == nil {
			report.Collection, err = s.look(ctx)
		}
	}
	return report, err
}

// keepassxc is the process of KeePassXC.
const keepassxc = "keepassxc"

// inWordsOf replaces the advice about a keychain by the one for the program that keeps it.
func inWordsOf(owner string, err error) error {
	var e *Error
	if owner != keepassxc || !errors.As(err, &e) {
		return err
	}
	said := *e
	switch {
	case errors.Is(err, ErrNoCollection):
		said.Detail, said.Remedy = "no open database of KeePassXC shares a group", "in KeePassXC open the database, and choose the group to share in its settings (Database, Database Settings, Secret Service Integration), "+orMemory
	case errors.Is(err, ErrLocked):
		said.Remedy = "unlock the database in KeePassXC, or ask Fob for a login and answer KeePassXC's question, " + orMemory
	default:
		return err
	}
	return &said
}

// list names our items in the collection that go-keyring uses, by the attributes that it gives them, all at once.
func (k *osKeychain) list(string) ([]string, string, error) {
	names, err := k.names()
	return names, "", err
}

func (k *osKeychain) names() ([]string, error) {
	ctx := context.Background() // each of the calls below has a limit of its own
	s, err := dialSecrets(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	collection, err := s.collection(ctx)
	if err != nil {
		return nil, err
	}
	var items []dbus.ObjectPath
	if err := s.call(ctx, collection, "Collection.SearchItems", map[string]string{"service": service}).Store(&items); err != nil {
		return nil, err
	}
	var names []string
	for _, item := range items {
		var attributes map[string]string
		if err := s.property(ctx, item, secretInterface+"Item", "Attributes", &attributes); err != nil {
			return nil, err
		}
		if name := attributes["username"]; name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}

// needsPerson reports whether somebody at the machine can mend it.
func needsPerson(err error) bool { return errors.Is(err, ErrLocked) || errors.Is(err, ErrNoCollection) }

// look returns the collection, with ErrLocked beside it when it is locked. It never calls Unlock, which makes a prompt even when
// nobody will be asked.
func (s *secretService) look(ctx context.Context) (string, error) {
	path, err := s.collection(ctx)
	if err != nil {
		return "", err
	}
	var locked bool
	err = s.property(ctx, path, secretInterface+"Collection", "Locked", &locked)
	if err == nil && locked {
		err = problem(ErrLocked, "", nil)
	}
	return string(path), err
}

// close ends the connection, but not before the prompt it has on the screen is answered.
func (s *secretService) close() {
	if s.asked == nil || !s.asked.open() {
		s.bus.Close()
		return
	}
	go func() { // ends with the person's answer, the service or the bus; ready lets only one stand
		<-s.asked.answered
		s.bus.Close()
	}()
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
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // until the connection stands, ctx and our patience end it
	wait, cancel := context.WithTimeoutCause(ctx, patience, impatient(patience))
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

// process finds the program behind the service, as far as that is not hidden from us.
func (s *secretService) process(ctx context.Context) (exe, name string) {
	var pid uint32
	if call(ctx, s.bus.BusObject(), "org.freedesktop.DBus.GetConnectionUnixProcessID", s.owner).Store(&pid) != nil {
		return "", ""
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
		return exe, strings.TrimSuffix(filepath.Base(exe), " (deleted)")
	}
	comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // exe may be hidden; comm never is, and "" is an answer
	return "", strings.TrimSpace(string(comm))
}

// programs are the Secret Services that are known, by the name of their process.
var programs = map[string]string{
	"gnome-keyring-daemon": "gnome-keyring", "gnome-keyring-d": "gnome-keyring", // comm has 15 characters
	"keepassxc": "KeePassXC", "ksecretd": "KWallet (ksecretd)", "kwalletd6": "KWallet (kwalletd6)", "kwalletd5": "KWallet (kwalletd5)",
	"oo7-daemon": "oo7", "pass_secret_service": "pass",
}

var versionNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\d+(\.\d+)+`) })

// program names the program behind the service as people do. The Secret Service has no word for a version: a program that is known
// is asked with --version, which none of them opens a window for.
func program(ctx context.Context, r Report) string {
	name, known := programs[r.Owner]
	if !known || r.exe == "" {
		if known {
			return name
		}
		return r.Owner
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	ask := exec.CommandContext(ctx, r.exe, "--version")
	ask.Env = append(os.Environ(), "QT_QPA_PLATFORM=offscreen")
	said, _ := ask.Output() // no version is no trouble
	if version := versionNumber().FindString(string(said)); version != "" {
		name += " " + version
	}
	return name
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

// ask lets the person unlock the collection, or make the first one when path is "". With the label "login" gnome-keyring makes the
// one that a desktop login unlocks.
func (s *secretService) ask(ctx context.Context, path dbus.ObjectPath) error {
	var prompt dbus.ObjectPath
	var err error
	if path == "" {
		label := map[string]dbus.Variant{secretInterface + "Collection.Label": dbus.MakeVariant("login")}
		err = s.call(ctx, secretsPath, "Service.CreateCollection", label, "default").Store(&path, &prompt)
	} else {
		var done []dbus.ObjectPath
		err = s.call(ctx, secretsPath, "Service.Unlock", []dbus.ObjectPath{path}).Store(&done, &prompt)
	}
	if err != nil || prompt == noPath {
		return err
	}
	return s.prompt(ctx, prompt)
}

// prompt shows a prompt and waits for the answer as long as ctx lives. A prompt that we give up stays on the screen, and its
// connection stays open: gnome-keyring-daemon 42.1 aborts on Prompt.Dismiss ("perform_next_unlock: assertion failed:
// (!self->current)", measured, also seen in https://github.com/AvengeMedia/DankMaterialShell/pull/2202), and uses freed objects
// when the asking connection closes (measured). A late answer still unlocks.
func (s *secretService) prompt(ctx context.Context, path dbus.ObjectPath) error {
	signals := make(chan *dbus.Signal, 4)
	s.bus.Signal(signals)
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
	s.asked = &question{answered: make(chan struct{})}
	go func(q *question) { // ends with the answer, the service or the bus
		defer close(q.answered)
		q.err = s.answer(signals, path)
	}(s.asked)
	return s.asked.wait(ctx)
}

// answer waits for the prompt's Completed signal, from the service itself and on the prompt's own path.
func (s *secretService) answer(signals <-chan *dbus.Signal, path dbus.ObjectPath) error {
	for signal := range signals {
		switch {
		case signal.Name == "org.freedesktop.DBus.NameOwnerChanged" && signal.Sender == "org.freedesktop.DBus":
			return problem(ErrNoKeychain, "it ended while its prompt was open", nil)
		case signal.Name != secretInterface+"Prompt.Completed" || signal.Path != path || signal.Sender != s.owner:
			continue
		}
		var dismissed bool
		var result dbus.Variant
		if err := dbus.Store(signal.Body, &dismissed, &result); err != nil || dismissed {
			return problem(ErrRefused, "its prompt was dismissed", err)
		}
		return nil
	}
	return problem(ErrNoKeychain, "the session bus went away while the prompt was open", nil)
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
	wait, cancel := context.WithTimeoutCause(ctx, patience, impatient(patience))
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
