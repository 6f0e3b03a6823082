package keychain

import (
	"crypto/rand"
	"encoding/base64"
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
//	fob1 sealed FILE KEY     the name of the sealed file, and its key in base64
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
	file  string // name of the sealed file in dataDir, "" when the value is here
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

// pointer returns the text of an item whose value is sealed in file.
func pointer(file string, key []byte) string {
	return itemSealed + file + " " + base64.RawStdEncoding.EncodeToString(key)
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
		file, key64, _ := strings.Cut(text[len(itemSealed):], " ")
		key, err := base64.RawStdEncoding.DecodeString(key64)
		if err != nil || len(key) != chacha20poly1305.KeySize || !sealedName().MatchString(file) {
			return item{}, problem(ErrDamaged, "the keychain's entry is not what Fob wrote", nil)
		}
		return item{file: file, key: key}, nil
	}
	return item{}, problem(ErrDamaged, "the keychain's entry was not written by this version of Fob", nil)
}

// sealedName is how our files are called, and the only kind of file this package opens or removes: an item never
// leads out of dataDir.
var sealedName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sealed-[A-Z2-7]{26}$`) })

func newSealedName() string { return "sealed-" + rand.Text()[:26] }
