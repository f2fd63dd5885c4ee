package source

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A Parcel is a Snapshot on its way to another process, which compares it with its own:
// the bytes of the files and of what they name. Of what was opened with
// [Snapshot.OpenSecret], credentials and private keys, it holds digests only.
type Parcel struct {
	Path  string        `json:"path"`
	Root  string        `json:"root"`
	Files []ParcelFile  `json:"files"`
	Named []ParcelNamed `json:"named"`
}

// A ParcelFile is a configuration file in a Parcel.
type ParcelFile struct {
	Name string `json:"name"`
	Text []byte `json:"text"`
}

// A ParcelNamed is a file in a Parcel that the configuration names.
type ParcelNamed struct {
	Name     string `json:"name"`
	Text     []byte `json:"text,omitempty"`
	Missing  bool   `json:"missing,omitempty"`
	Fault    string `json:"fault,omitempty"`
	Writable bool   `json:"writable,omitempty"`
	Readable bool   `json:"readable,omitempty"`
	Fixed    bool   `json:"fixed,omitempty"`
	// Secret: Text is not there. Digest is the SHA-256 of it; empty: it was not read.
	Secret bool   `json:"secret,omitempty"`
	Digest []byte `json:"digest,omitempty"`
}

// Format keeps the bytes of a Parcel out of logs.
func (p Parcel) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "%s (%d files)", p.Path, len(p.Files))
}

// Format keeps the bytes of a file out of logs.
func (f ParcelFile) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, f.Name) }

// Format keeps the bytes of a file out of logs.
func (f ParcelNamed) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, f.Name) }

// Pack returns the Snapshot, as far as it was read, on its way to another process.
func (s *Snapshot) Pack() Parcel {
	p := Parcel{Path: s.path, Root: s.root, Files: []ParcelFile{}, Named: []ParcelNamed{}}
	for _, f := range s.files {
		p.Files = append(p.Files, ParcelFile{f.Name, f.Text})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		c := s.known[name]
		f := ParcelNamed{
			Name: name, Missing: c.Missing, Fault: c.Fault, Writable: c.Writable, Readable: c.Readable, Fixed: c.Fixed,
			Secret: s.sealed[name],
		}
		switch {
		case !f.Secret:
			f.Text = []byte(c.Text.Reveal())
		case c.IsUsable():
			f.Digest = c.sum[:]
		}
		p.Named = append(p.Named, f)
	}
	return p
}

// Unpack returns the Snapshot of a Parcel, to be compared with own. A secret is own's, if
// that is the same; else it is taken on trust, as whoever packed it has read it. One that
// was not read is own's, as it would be if the files lay in own's place.
func Unpack(p Parcel, own *Snapshot) *Snapshot {
	files := make([]File, 0, len(p.Files))
	for _, f := range p.Files {
		files = append(files, File{Name: f.Name, Text: f.Text})
	}
	s := Restored(p.Path, p.Root, files, nil, own.options)
	s.restored = false // nothing is withheld from it
	for _, f := range p.Named {
		if f.Secret {
			s.known[f.Name] = s.ownSecret(f, own)
			continue
		}
		s.known[f.Name] = Content{
			Text: opaque.NewSecret(string(f.Text)), sum: sha256.Sum256(f.Text),
			Missing: f.Missing, Fault: f.Fault, Writable: f.Writable, Readable: f.Readable, Fixed: f.Fixed,
		}
	}
	return s
}

// ownSecret returns what own has for a secret of a Parcel.
func (s *Snapshot) ownSecret(f ParcelNamed, own *Snapshot) Content {
	path := f.Name
	if rel, ok := pathBelow(s.root, f.Name); ok {
		path = filepath.Join(own.root, rel)
	}
	c := own.readNamed(path)
	same := isSamePlace(s.root, own.root)
	switch {
	// Where own reads the same files it must be able to.
	case same, len(f.Digest) == 0, c.IsUsable() && slices.Equal(c.sum[:], f.Digest):
		return c
	}
	return Content{Trusted: true}
}
