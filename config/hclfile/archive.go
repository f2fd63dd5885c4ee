package hclfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
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
func Save(w io.Writer, s *source.Snapshot) error {
	a := archive{
		Version: archiveVersion, Path: source.Absolute(s.Path()), Root: source.Absolute(s.Root()),
		Files: []storedFile{}, Named: []storedFile{},
	}
	for _, f := range withheld(s.Files()) {
		a.Files = append(a.Files, storedFile{source.Absolute(f.Name), string(f.Text)})
	}
	for _, f := range s.NamedWithoutSecrets() {
		// A key, or what is no text, is read where it is.
		if text := string(f.Text); !strings.Contains(text, "PRIVATE KEY") && utf8.ValidString(text) {
			a.Named = append(a.Named, storedFile{source.Absolute(f.Name), text})
		}
	}
	e := json.NewEncoder(w)
	// People may read it, so < and & stand as they are.
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(a)
}

// Restore reads what Save wrote. The Snapshot loads as it did, with the secrets
// of today; its places and relative paths are those of the original files.
//
// Secrets that were written in a file are those of the file that is there today,
// if nothing else in it has changed. Otherwise they are missing, and what needs
// them cannot be loaded; [Salvage] gives the rest. With Options.NoCredentials they
// are taken on trust like all other secrets.
func Restore(r io.Reader, options source.Options) (*source.Snapshot, error) {
	var a archive
	if err := json.NewDecoder(r).Decode(&a); err != nil {
		return nil, fmt.Errorf("reading the saved configuration: %w", err)
	}
	if a.Version != archiveVersion {
		return nil, errors.New("reading the saved configuration: it is of another version of imapvigil")
	}
	files, named := sourceFiles(a.Files), sourceFiles(a.Named)
	if !options.NoCredentials {
		fillIn(files)
	}
	return source.Restored(a.Path, a.Root, files, named, options), nil
}

func sourceFiles(stored []storedFile) []source.File {
	return mapped(stored, func(f storedFile) source.File { return source.File{Name: f.Name, Text: []byte(f.Text)} })
}

// WithoutSecrets returns the configuration of a Snapshot as it would come back from
// Save: with no secret in it, so that it can be compared with one that did. It reads no
// credential.
func WithoutSecrets(s *source.Snapshot) (*config.Config, error) {
	var saved bytes.Buffer
	if err := Save(&saved, s); err != nil {
		return nil, err
	}
	restored, err := Restore(&saved, source.Options{NoCredentials: true, LookupEnv: s.Options().LookupEnv})
	if err != nil {
		return nil, err
	}
	cfg, _ := Salvage(restored)
	return cfg, nil
}

// fillIn replaces those files that are what was saved, apart from what was withheld, by
// what they are today: with their secrets.
func fillIn(files []source.File) {
	today := slices.Clone(files)
	for i, f := range today {
		if !bytes.Contains(f.Text, []byte(withheldCall)) {
			continue
		}
		if text, ok := source.ReadFile(f.Name); ok {
			today[i].Text = text
		}
	}
	for i, form := range withheld(today) {
		// Anything else that changed may have moved a secret to where it was not meant to
		// go.
		if bytes.Equal(form.Text, files[i].Text) {
			files[i].Text = today[i].Text
		}
	}
}
