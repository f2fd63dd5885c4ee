package hclfile

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// archive is a Snapshot as it is kept: what the files say, and what they name
// except secrets, which are read where they are.
type archive struct {
	Version int          `json:"version"`
	Path    string       `json:"path"`
	Root    string       `json:"root"`
	Files   []storedFile `json:"files"`
	Named   []storedFile `json:"named"`
}

type storedFile struct {
	Name string `json:"name"`
	Text []byte `json:"text"`
}

// Save writes a Snapshot so that [Restore] can load it when the files are gone
// or broken. Credentials and private keys are not written, only where they are.
// Passwords that stand in the files as they are do come with the files: keep
// what is written as closely as those.
func (s *Snapshot) Save(w io.Writer) error {
	a := archive{Version: 1, Path: s.path, Root: s.root}
	for _, f := range s.files {
		a.Files = append(a.Files, storedFile{f.name, f.text})
	}
	s.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		if c := s.known[name]; !s.named[name] && c.refused == (complaint{}) {
			a.Named = append(a.Named, storedFile{name, []byte(c.text.Reveal())})
		}
	}
	s.mu.Unlock()
	return json.NewEncoder(w).Encode(a)
}

// Restore reads what Save wrote. The Snapshot loads as it did, with the secrets
// of today; its places and relative paths are those of the original files.
func Restore(r io.Reader, options Options) (*Snapshot, error) {
	var a archive
	if err := json.NewDecoder(r).Decode(&a); err != nil {
		return nil, fmt.Errorf("reading the saved configuration: %w", err)
	}
	if a.Version != 1 {
		return nil, errors.New("reading the saved configuration: it is of another version of imapvigil")
	}
	s := &Snapshot{path: a.Path, root: a.Root, options: options, known: map[string]content{}, named: map[string]bool{}}
	for _, f := range a.Files {
		s.add(f.Name, f.Text)
	}
	for _, f := range a.Named {
		s.known[f.Name] = content{text: opaque.NewSecret(string(f.Text)), sum: sha256.Sum256(f.Text), public: true}
	}
	s.sort()
	return s, nil
}
