package keychain

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"fob/internal/durable"
)

// A sealed file is a header of two lines (version, the item's key name in base64) and then nonce and ciphertext of
// XChaCha20-Poly1305. The header is bound as associated data. It is readable so that Sweep can ask the keychain whose file it is;
// the key name is no secret, profiles.json holds it too.
const sealedVersion = "fob sealed 1\n"

// maxValue is no limit of the format: it keeps a runaway caller or a foreign file from filling the memory.
const maxValue = 64 << 20

// vault is the folder of the sealed files.
type vault struct {
	dir  string
	step func(string) // tells a test where we are, so that it can end us there; nil otherwise
}

func (v vault) at(step string) {
	if v.step != nil {
		v.step(step)
	}
}

// of is where the file of an item is: here, or in the folder of another home on the same keychain that wrote it.
func (v vault) of(it item) vault {
	if _, err := os.Lstat(filepath.Join(v.dir, it.file)); errors.Is(err, fs.ErrNotExist) && it.dir != "" {
		v.dir = it.dir
	}
	return v
}

func header(name string) string {
	return sealedVersion + base64.RawURLEncoding.EncodeToString([]byte(name)) + "\n"
}

// seal writes value under a new file name and a new key. When it returns, the file is on the disk and has been read back.
func (v vault) seal(name string, value []byte) (file string, key []byte, err error) {
	key = make([]byte, chacha20poly1305.KeySize)
	rand.Read(key) // never fails (crypto/rand since Go 1.24)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return "", nil, err
	}
	head := header(name)
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	content := aead.Seal(append([]byte(head), nonce...), nonce, value, []byte(head))
	file = newSealedName()
	v.at("sealing")
	if err := v.write(file, content); err != nil {
		v.shred(file)
		return "", nil, err
	}
	back, err := v.unseal(file, name, key)
	if err == nil && string(back) != string(value) {
		err = problem(ErrDamaged, filepath.Join(v.dir, file)+" does not hold what was written", nil)
	}
	if err != nil {
		v.shred(file)
		return "", nil, err
	}
	v.at("sealed")
	return file, key, nil
}

// write makes a new file durable: content first, then its name.
func (v vault) write(file string, content []byte) error {
	f, err := os.OpenFile(filepath.Join(v.dir, file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	v.at("created")
	_, err = f.Write(content)
	v.at("written")
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	v.at("synced")
	if err == nil {
		err = durable.SyncDir(v.dir)
	}
	return err
}

// unseal reads a sealed file. Whatever is wrong with the content is ErrDamaged and names the file.
func (v vault) unseal(file, name string, key []byte) ([]byte, error) {
	path := filepath.Join(v.dir, file)
	content, err := readSealed(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem(ErrDamaged, path+" is gone", nil)
	}
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	head := header(name)
	rest, ok := strings.CutPrefix(string(content), head)
	if !ok || len(rest) < aead.NonceSize() {
		return nil, problem(ErrDamaged, path+" is cut short or belongs to another item", nil)
	}
	nonce, ciphertext := rest[:aead.NonceSize()], rest[aead.NonceSize():]
	value, err := aead.Open(nil, []byte(nonce), []byte(ciphertext), []byte(head))
	if err != nil {
		return nil, problem(ErrDamaged, path+" is cut short or was changed", nil)
	}
	return value, nil
}

// names are the sealed files.
func (v vault) names() (files []string) {
	if v.dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(v.dir) // open made it; what cannot be read is said by whoever opens a file there
	for _, entry := range entries {
		if sealedName().MatchString(entry.Name()) {
			files = append(files, entry.Name())
		}
	}
	return files
}

func readSealed(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, problem(ErrDamaged, path+" is not a file of Fob's", nil)
	}
	if info.Size() > maxValue+4096 {
		return nil, problem(ErrDamaged, path+" is larger than anything Fob writes", nil)
	}
	return os.ReadFile(path)
}

// owner reads from a sealed file's header which item it was written for.
func (v vault) owner(file string) (name string, ok bool) {
	f, err := os.Open(filepath.Join(v.dir, file))
	if err != nil {
		return "", false
	}
	defer f.Close()
	head := make([]byte, len(header(strings.Repeat("x", maxKey))))
	n, _ := io.ReadFull(f, head) // shorter is fine: Cut decides
	rest, ok := strings.CutPrefix(string(head[:n]), sealedVersion)
	line, _, found := strings.Cut(rest, "\n")
	decoded, err := base64.RawURLEncoding.DecodeString(line)
	return string(decoded), ok && found && err == nil
}

// shred overwrites a file and unlinks it. On flash and copy-on-write disks the old blocks may live on: what makes them worthless
// is that their key, kept only in the keychain's item, has gone before.
func (v vault) shred(file string) error {
	path := filepath.Join(v.dir, file)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if info, statErr := f.Stat(); statErr == nil {
			_, err = f.Write(make([]byte, info.Size()))
		}
		if err == nil {
			err = f.Sync()
		}
		f.Close()
	}
	v.at("overwritten")
	if removeErr := os.Remove(path); removeErr != nil {
		return fmt.Errorf("%w; remove it by hand", removeErr)
	}
	v.at("unlinked")
	return errors.Join(err, durable.SyncDir(v.dir))
}
