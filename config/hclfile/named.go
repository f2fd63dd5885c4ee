package hclfile

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// credentialName keeps a credential inside its directory.
var credentialName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*$`)

// open gives what a named file holds, and remembers that it was named, and
// whether as a secret. It is read once: everything made from one Snapshot sees
// the same bytes.
func (s *Snapshot) open(path string, secret bool) content {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named[path] = s.named[path] || secret
	c, ok := s.known[path]
	if !ok {
		c = s.readNamed(path)
		s.known[path] = c
	}
	return c
}

// forget begins a new list of what is named.
func (s *Snapshot) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.named)
}

func (s *Snapshot) readNamed(path string) content {
	text, others, err := readBounded(s.standIn(path))
	c := content{text: opaque.NewSecret(string(text)), sum: sha256.Sum256(text)}
	c.public, c.fixed = err == nil && others.read, others.fixed
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return content{missing: true, refused: complaint{"There is no file " + path + ".", "The file that is named here does not exist."}}
	case err != nil:
		return content{refused: complaint{path + ": " + reason(err) + ".", "The file that is named here cannot be read: " + reason(err) + "."}}
	case others.write:
		c.refused = about(path, "can be written by others. Take the permission away:\n    chmod o-w "+path)
		c.refused.blind = "The file that is named here can be written by others. Take the permission away (chmod o-w)."
	}
	return c
}

// about begins a complaint with the path of a named file.
func about(path, text string) complaint {
	return complaint{path + " " + text, "The file that is named here " + text}
}

// readable is the complaint about a secret that others can read. Where chmod
// cannot help, whoever mounts the volume has to.
func (c content) readable(path string) complaint {
	if c.fixed {
		const text = "can be read by others, so it is no secret, and it lies on a file system that is mounted read-only. Mount it with another mode; for a Kubernetes volume: defaultMode: 0400, or 0440 with an fsGroup."
		return about(path, text)
	}
	return complaint{
		path + " can be read by others, so it is no secret. Take the permission away:\n    chmod o= " + path,
		"The file that is named here can be read by others, so it is no secret. Take the permission away (chmod o=).",
	}
}

// isCredential tells whether a file lies where credential looks, whatever the way
// to it.
func (s *Snapshot) isCredential(path string) bool {
	secret := []string{withoutLinks(filepath.Join(s.root, credentialsDir))}
	if systemd := s.options.CredentialsDirectory; systemd != "" {
		secret = append(secret, withoutLinks(systemd))
	}
	return slices.Contains(secret, filepath.Dir(really(path))) || slices.Contains(secret, filepath.Dir(withoutLinks(path)))
}

// credentialPath is where a credential is: $CREDENTIALS_DIRECTORY when it is
// there, else beside the files.
func (s *Snapshot) credentialPath(name string) string {
	if dir := s.options.CredentialsDirectory; dir != "" {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return filepath.Join(s.root, credentialsDir, name)
}
