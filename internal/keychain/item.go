package keychain

import (
	"crypto/rand"
	"encoding/base64"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/chacha20poly1305"
)

// The text of an item, which begins with its version:
//
//	fob1 text VALUE          the value itself
//	fob1 base64 VALUE        the value itself, when it is not plain text
//	fob1 sealed FILE KEY DIR the name of the sealed file, its key in base64, and the folder it was written in, in base64; DIR is
//	                         missing where it was written by an older Fob, or is too long
const (
	itemVersion = "fob1 "
	itemText    = itemVersion + "text "
	itemBase64  = itemVersion + "base64 "
	itemSealed  = itemVersion + "sealed "
)

// itemLimit is the largest text that goes into an item. Windows refuses more than 2,560 bytes. On macOS go-keyring turns 2,048
// bytes into 2,750 of base64, in a command line that must stay under 4,096 with a key name of 200 bytes, each up to 5 after quoting.
const itemLimit = 2048

// maxKey is the longest name of an item, in bytes; see itemLimit.
const maxKey = 200

// item is what the keychain holds for one key: a value, or where it is sealed.
type item struct {
	value []byte
	file  string // name of the sealed file, "" when the value is here
	dir   string // where it was written: the folder of another home, when two share a keychain; "" is ours
	key   []byte // of the sealed file
}

// inline returns the text of an item that holds value itself.
func inline(value []byte) string {
	if plain(value) {
		return itemText + string(value)
	}
	return itemBase64 + base64.RawStdEncoding.EncodeToString(value)
}

// plain reports whether every keychain gives value back as it was. KeePassXC keeps XML, where control characters do not exist, and
// fills in what it takes for placeholders, {USERNAME} and its kin, in what it hands out
// (https://keepass.info/help/base/placeholders.html): all begin with a letter.
func plain(value []byte) bool {
	for i, b := range value {
		if b < ' ' || b == 0x7f || b == '{' && i+1 < len(value) && letter(value[i+1]) {
			return false
		}
	}
	return utf8.Valid(value)
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// pointer returns the text of an item whose value is sealed in file, in dir.
func pointer(file string, key []byte, dir string) string {
	text := itemSealed + file + " " + base64.RawStdEncoding.EncodeToString(key)
	if dir, err := filepath.Abs(dir); err == nil {
		if whole := text + " " + base64.RawStdEncoding.EncodeToString([]byte(dir)); len(whole) <= itemLimit {
			return whole
		}
	}
	return text
}

// parseItem reads an item's text. The text is never part of the error: it is the secret.
func parseItem(text string) (item, error) {
	switch {
	case strings.HasPrefix(text, itemText):
		return item{value: []byte(text[len(itemText):])}, nil
	case strings.HasPrefix(text, itemBase64):
		value, err := base64.RawStdEncoding.DecodeString(text[len(itemBase64):])
		if err != nil {
			return item{}, problem(ErrDamaged, "the keychain's entry is not what Fob wrote", nil)
		}
		return item{value: value}, nil
	case strings.HasPrefix(text, itemSealed):
		file, rest, _ := strings.Cut(text[len(itemSealed):], " ")
		key64, dir64, elsewhere := strings.Cut(rest, " ")
		key, err := base64.RawStdEncoding.DecodeString(key64)
		dir, dirErr := base64.RawStdEncoding.DecodeString(dir64)
		if err != nil || dirErr != nil || len(key) != chacha20poly1305.KeySize || !sealedName().MatchString(file) || elsewhere && !filepath.IsAbs(string(dir)) {
			return item{}, problem(ErrDamaged, "the keychain's entry is not what Fob wrote", nil)
		}
		return item{file: file, key: key, dir: string(dir)}, nil
	}
	return item{}, problem(ErrDamaged, "the keychain's entry was not written by this version of Fob", nil)
}

// sealedName is how our files are called, and the only kind of file this package opens or removes. An item leads out of our own folder
// for reading alone, to what opens with the item's key.
var sealedName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sealed-[A-Z2-7]{26}$`) })

func newSealedName() string { return "sealed-" + rand.Text()[:26] }
