package hclfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// archive is a Snapshot as it is kept: what the files say, and what they name,
// without secrets. Those are read where they are.
type archive struct {
	Version int          `json:"version"`
	Path    string       `json:"path"`
	Root    string       `json:"root"`
	Files   []storedFile `json:"files"`
	Named   []storedFile `json:"named"`
}

const archiveVersion = 2

type storedFile struct {
	Name string `json:"name"` // absolute
	Text string `json:"text"`
}

// Save writes a Snapshot so that [Restore] can load it when the files are gone
// or broken. No secret is written: neither what credential gives nor a private
// key, nor what stands in the files as it is and becomes a password, a token, a
// header or the like; comments neither.
func (s *Snapshot) Save(w io.Writer) error {
	a := archive{Version: archiveVersion, Path: absolute(s.path), Root: absolute(s.root), Files: []storedFile{}, Named: []storedFile{}}
	files, found := withheld(s.files)
	for _, f := range files {
		a.Files = append(a.Files, storedFile{absolute(f.name), string(f.text)})
	}
	s.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		if c := s.known[name]; !s.named[name] && c.refused == (complaint{}) && !found.uses(name, c.text.Reveal()) {
			a.Named = append(a.Named, storedFile{absolute(name), c.text.Reveal()})
		}
	}
	s.mu.Unlock()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(a)
}

// uses reports whether a named file is to be read where it is: it becomes part of
// a secret, has a key in it, or is no text.
func (w *withholder) uses(name, text string) bool {
	isCertificate := strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----")
	return w.named[name] || w.anyNamed && !isCertificate || strings.Contains(text, "PRIVATE KEY") || !utf8.ValidString(text)
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// Restore reads what Save wrote. The Snapshot loads as it did, with the secrets
// of today; its places and relative paths are those of the original files.
//
// Secrets that were written in a file are those of the file that is there today,
// if nothing else in it has changed. Otherwise they are missing, and what needs
// them cannot be loaded; [Salvage] gives the rest. With Options.NoCredentials they
// are taken on trust like all other secrets.
func Restore(r io.Reader, options Options) (*Snapshot, error) {
	var a archive
	if err := json.NewDecoder(r).Decode(&a); err != nil {
		return nil, fmt.Errorf("reading the saved configuration: %w", err)
	}
	if a.Version != archiveVersion {
		return nil, errors.New("reading the saved configuration: it is of another version of imapvigil")
	}
	s := &Snapshot{
		path: a.Path, root: a.Root, options: options, restored: true,
		known: map[string]content{}, named: map[string]bool{},
	}
	for _, f := range a.Files {
		s.add(f.Name, []byte(f.Text))
	}
	if !options.NoCredentials {
		s.fillIn()
	}
	for _, f := range a.Named {
		s.known[f.Name] = content{text: opaque.NewSecret(f.Text), sum: sha256.Sum256([]byte(f.Text)), public: true}
	}
	s.sort()
	return s, nil
}

// WithoutSecrets gives the configuration of a Snapshot as it would come back from
// Save: with no secret in it, so that it can be compared with one that did.
func WithoutSecrets(s *Snapshot) (*config.Config, error) {
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		return nil, err
	}
	restored, err := Restore(&saved, Options{NoCredentials: true})
	if err != nil {
		return nil, err
	}
	cfg, _ := Salvage(restored)
	return cfg, nil
}

// fillIn takes those files that are what was saved, apart from what was withheld,
// as they are today: with their secrets.
func (s *Snapshot) fillIn() {
	today := slices.Clone(s.files)
	for i, f := range today {
		if !bytes.Contains(f.text, []byte(withheldCall)) {
			continue
		}
		if text, others, err := readBounded(f.name); err == nil && !others.write {
			today[i].text = text
		}
	}
	forms, _ := withheld(today)
	for i, form := range forms {
		if bytes.Equal(form.text, s.files[i].text) {
			s.files[i].text, s.files[i].sum = today[i].text, sha256.Sum256(today[i].text)
		}
	}
}
