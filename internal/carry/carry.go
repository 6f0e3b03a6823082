// Package carry knows how other tools write down what Fob calls a profile: it reads their files, and writes files for them.
// Nothing in such a file is ever run, opened or asked for: what needs that is said to be left behind.
package carry

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fob/oauth"
	"fob/profiles"
)

// Left is something that could not be carried over.
type Left struct {
	Profile string `json:"profile,omitempty"` // "" where it belongs to none
	What    string `json:"what"`
	Why     string `json:"why"`
}

// Draft is a profile as it was found, and the secrets that stood beside it.
type Draft struct {
	Profile profiles.Profile
	Secrets map[string]oauth.Secret // by the key of the field; they belong into the keychain
	// Needs are what the profile lacks to be of use: the source does not say it.
	Needs []profiles.Problem
}

// Found is what a source holds.
type Found struct {
	Format Format
	Drafts []Draft
	Left   []Left
	// Environments are the names of the source's own, one of which [Options.Within] can choose.
	Environments []string
}

// Options change how a source is read.
type Options struct {
	From        string      // the id of its format; "" recognises it
	Environment *Source     // values for the variables of the source
	Within      string      // the name of one of the source's own environments
	Set         [][2]string // fields to set in every profile before it is judged, as key and value
}

// Format is one way to write settings down.
type Format struct {
	ID    string
	Label string
	read  func(*reading) error
	vars  bool // it has variables, whose values may stand in a file of their own
	// knows says whether a source is in this format. It looks at the content alone: names of files lie.
	knows func(Source, node) bool
	write func(*writing) error // nil where nothing is written
}

// formats are all formats, the ones that Fob can write first.
var formats = []Format{
	{ID: "postman", Label: "Postman", knows: isPostman, read: readPostman, vars: true, write: writePostman},
	{ID: "insomnia", Label: "Insomnia", knows: isInsomnia, read: readInsomnia, vars: true, write: writeInsomnia},
	{ID: "bruno", Label: "Bruno", knows: isBruno, read: readBruno, vars: true, write: writeBruno},
	{ID: "openapi", Label: "OpenAPI", knows: isOpenAPI, read: readOpenAPI, write: writeOpenAPI},
	{ID: "intellij", Label: "IntelliJ HTTP Client", knows: isIntelliJ, read: readIntelliJ, vars: true},
	{ID: "kubeconfig", Label: "kubeconfig", knows: isKubeconfig, read: readKubeconfig},
	{ID: "curl", Label: "curl", knows: isCurl, read: readCurl},
	{ID: "url", Label: "authorization URL", knows: isURL, read: readURL},
	{ID: "google", Label: "Google client", knows: isGoogle, read: readGoogle},
	{ID: "oauth2c", Label: "oauth2c", knows: isOAuth2c, read: readOAuth2c},
	{ID: "oidc-agent", Label: "oidc-agent", knows: isOIDCAgent, read: readOIDCAgent},
	{ID: "fob", Label: "Fob", knows: isOwn, read: readOwn},
}

// Formats are the formats that can be read.
func Formats() []Format { return slices.Clone(formats) }

// Writes says whether Fob writes files in this format.
func (f Format) Writes() bool { return f.write != nil }

// Variables says whether [Options.Environment] can give a source in this format values.
func (f Format) Variables() bool { return f.vars }

// ErrUnknown is a source in none of the formats.
var ErrUnknown = errors.New("is in no format that Fob reads")

// AmbiguousError is a source that could be read in more than one way.
type AmbiguousError struct{ IDs []string }

// Error says which ways.
func (e *AmbiguousError) Error() string { return "could be read as " + strings.Join(e.IDs, " or as ") }

// Recognise says in which format a source is. The error is [ErrUnknown] or an [*AmbiguousError].
func Recognise(s Source) (Format, error) {
	f, _, err := recognise(s, "")
	return f, err
}

func recognise(s Source, id string) (Format, node, error) {
	if id != "" {
		i := slices.IndexFunc(formats, func(f Format) bool { return f.ID == id })
		if i < 0 {
			return Format{}, node{}, fmt.Errorf("%s is not a format that Fob reads; it reads %s", clean(id), strings.Join(ids(formats), ", "))
		}
		tree, err := s.tree()
		if err != nil && errors.Is(err, errTooMuch) {
			return Format{}, tree, err
		}
		return formats[i], tree, nil
	}
	tree, err := s.tree()
	if errors.Is(err, errTooMuch) {
		return Format{}, tree, err
	}
	var all []Format
	for _, f := range formats {
		if f.knows(s, tree) {
			all = append(all, f)
		}
	}
	switch {
	case len(all) == 1:
		return all[0], tree, nil
	case len(all) > 1:
		return Format{}, tree, &AmbiguousError{ids(all)}
	case err != nil && strings.HasPrefix(strings.TrimSpace(s.Text), "{"):
		return Format{}, tree, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return Format{}, tree, ErrUnknown
}

func ids(all []Format) []string {
	var names []string
	for _, f := range all {
		names = append(names, f.ID)
	}
	return names
}

// Import reads a source. What it holds that Fob has no place for is in Left; nothing is silently dropped but what every
// request makes anew: state, nonce, timestamps.
func Import(s Source, o Options) (Found, error) {
	f, tree, err := recognise(s, o.From)
	if err != nil {
		return Found{}, err
	}
	r := &reading{source: s, tree: tree, options: o, found: Found{Format: f}}
	if o.Environment != nil {
		if r.environment, err = o.Environment.tree(); err != nil {
			return Found{}, fmt.Errorf("the environment %w", err)
		}
	}
	r.left = append(r.left, s.skipped...)
	if err := f.read(r); err != nil {
		return Found{}, err
	}
	r.found.Left = r.left
	return r.found, nil
}

// reading is one source being read.
type reading struct {
	source      Source
	tree        node
	environment node // of [Options.Environment]
	options     Options
	found       Found
	left        []Left
}

// leave says that something of the source, rather than of one of its profiles, stays behind. The same is said once.
func (r *reading) leave(what, why string) { r.leaveOf("", what, why) }

func (r *reading) leaveOf(profile, what, why string) {
	l := Left{Profile: profile, What: clean(what), Why: clean(why)}
	if !slices.Contains(r.left, l) && len(r.left) < leftMax {
		r.left = append(r.left, l)
	}
}

// leftMax is more than anybody reads.
const leftMax = 1000

// draftsMax bounds how many profiles a hostile source makes.
const draftsMax = 500

// clean is text of somebody else's as it can be shown: on one line, of a bounded length, without anything that a terminal obeys.
func clean(text string) string {
	n := 0
	text = strings.Map(func(r rune) rune {
		if n++; n > 300 {
			return -1
		}
		if !printable(r) {
			return '·'
		}
		return r
	}, text)
	if n > 300 {
		text += "…"
	}
	return text
}
