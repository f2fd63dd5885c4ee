package source

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// Content is what was found where a named file should be.
type Content struct {
	Text     opaque.Secret
	Missing  bool   // there is no such file
	Fault    string // why it could not be read, as a sentence begins and without a full stop
	Writable bool   // by others, who could change it
	Readable bool   // by others, so it is nothing that is secret
	Fixed    bool   // it lies on a file system that is mounted read-only, where chmod cannot help
	// Trusted: it was not read, and what would be made of it is taken on trust.
	Trusted bool
	Remedy  string // how this user gets to read it, in sentences; "": that is not the Fault
	denied  bool   // the Fault is that this user may not read it

	sum [sha256.Size]byte
}

// IsUsable reports whether the file was read and may count.
func (c Content) IsUsable() bool { return c.faultWord() == "" }

// faultWord returns in a word or a sentence why the file cannot be used; "" where it
// can. The digest holds it.
func (c Content) faultWord() string {
	switch {
	case c.Missing:
		return "missing"
	case c.Writable:
		return "writable"
	}
	return c.Fault
}

// Open returns what a named file holds, and remembers that it was named, and whether as
// a secret. It is read once: everything made from one Snapshot sees the same bytes.
func (s *Snapshot) Open(path string, secret bool) Content {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named[path] = s.named[path] || secret
	c, ok := s.known[path]
	if !ok {
		// Under the lock, so that nobody ever sees other bytes of the same file.
		c = s.readNamed(path)
		s.known[path] = c
	}
	return c
}

// OpenSecret returns what a file of a credential or of a private key holds, as Open does.
// It never leaves this process; see [Snapshot.Pack].
func (s *Snapshot) OpenSecret(path string) Content {
	c := s.Open(path, true)
	s.mu.Lock()
	s.sealed[path] = true
	s.mu.Unlock()
	if s.options.TrustUnread && (c.Missing || c.denied) {
		return Content{Trusted: true}
	}
	return c
}

// OpenOwn returns what a file holds that is this machine's own, such as its certificate, as Open
// does: on another node of the cluster it is another.
func (s *Snapshot) OpenOwn(path string) Content {
	c := s.Open(path, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own[path] = true
	return c
}

// ForgetNamed begins a new list of what is named. What was read stays known.
func (s *Snapshot) ForgetNamed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.named)
}

// NamedWithoutSecrets returns the files that are named and usable, without those that
// were opened as a secret, sorted by name.
func (s *Snapshot) NamedWithoutSecrets() (files []File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		if c := s.known[name]; !s.named[name] && c.IsUsable() {
			files = append(files, File{Name: name, Text: []byte(c.Text.Reveal())})
		}
	}
	return files
}

func (s *Snapshot) readNamed(path string) Content {
	text, others, err := s.options.readBounded(s.replacementFor(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Content{Missing: true}
	case err != nil:
		return Content{Fault: errorText(err), Remedy: s.options.remedy(path, err), denied: errors.Is(err, fs.ErrPermission)}
	}
	return Content{
		Text: opaque.NewSecret(string(text)), sum: sha256.Sum256(text),
		Writable: others.write, Readable: others.read, Fixed: others.fixed,
	}
}

// CredentialName is how a credential can be named, which keeps it inside its directory.
var CredentialName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*$`)

// IsCredential reports whether a file lies where credential looks, whatever links lead
// to it.
func (s *Snapshot) IsCredential(path string) bool {
	secret := []string{withoutLinks(filepath.Join(s.root, credentialsDir))}
	if systemd := s.options.CredentialsDirectory; systemd != "" {
		secret = append(secret, withoutLinks(systemd))
	}
	// The file may be a link out of the directory, or one into it.
	return slices.Contains(secret, filepath.Dir(realPlace(path))) || slices.Contains(secret, filepath.Dir(withoutLinks(path)))
}

// CredentialPath returns where a credential is: in $CREDENTIALS_DIRECTORY when it is
// there, else beside the files.
func (s *Snapshot) CredentialPath(name string) string {
	if dir := s.options.CredentialsDirectory; dir != "" {
		path := filepath.Join(dir, name)
		// systemd passes only what the unit lists; the rest lies beside the files.
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return filepath.Join(s.root, credentialsDir, name)
}
