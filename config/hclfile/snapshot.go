package hclfile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// Options change how a configuration is read. The zero value is what the
// daemon uses outside systemd.
type Options struct {
	// CredentialsDirectory is where credential looks first: what systemd
	// passes in $CREDENTIALS_DIRECTORY.
	CredentialsDirectory string
	// NoCredentials reads no credential and no private key; what would be made
	// from them is taken on trust. For CI, where secrets are not.
	NoCredentials bool
	// Replace has the content of another file (the value) stand where the
	// named file (the key) is, or would be. For tools that check before they
	// write.
	Replace map[string]string
}

// A Snapshot is a configuration's source: the bytes of every file that counts,
// taken at one moment. Load adds the files that the configuration names.
// A Snapshot is safe for use by several goroutines.
type Snapshot struct {
	path     string // as the user gave it
	root     string // the directory of the configuration
	options  Options
	files    []source // sorted by name
	ignored  []string
	problems []problem
	restored bool // from what Save wrote

	mu    sync.Mutex
	known map[string]content // named files that have been read
	named map[string]bool    // those of them that the last Load named; true: as a secret
}

// source is one configuration file.
type source struct {
	name string // as shown to people: under the path that they gave
	text []byte
	sum  [sha256.Size]byte
}

// content is what was found where a named file should be.
type content struct {
	text    opaque.Secret
	sum     [sha256.Size]byte
	refused complaint // why it could not be used; empty when it could
	missing bool      // because there is none
	public  bool      // readable by others, so nothing that is secret
	fixed   bool      // on a file system that is mounted read-only
}

// problem is what is wrong with a file or a directory as such. It is reported
// by Load, with everything else.
type problem struct {
	rule   *rule
	file   string
	detail string
}

// Files names the configuration files that were read.
func (s *Snapshot) Files() []string {
	names := make([]string, len(s.files))
	for i, f := range s.files {
		names[i] = f.name
	}
	return names
}

// Emptied names the files that have no bytes left and had some in an earlier
// Snapshot, as a full disk or a killed editor leaves them.
func (s *Snapshot) Emptied(earlier *Snapshot) (names []string) {
	had := map[string]bool{}
	for _, f := range earlier.files {
		had[absolute(f.name)] = len(f.text) > 0
	}
	for _, f := range s.files {
		if len(f.text) == 0 && had[absolute(f.name)] {
			names = append(names, f.name)
		}
	}
	return names
}

// Ignored names what lies in the directory and is no configuration file;
// directories end in a slash.
func (s *Snapshot) Ignored() []string { return slices.Clone(s.ignored) }

// Named names the files that the configuration refers to, and that the last
// Load read or missed: credentials, certificates, what file was called with.
func (s *Snapshot) Named() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.named))
}

// Again reads the same files now, those that the configuration names included.
func (s *Snapshot) Again() (*Snapshot, error) {
	next, err := Read(s.path, s.options)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	next.named = maps.Clone(s.named)
	s.mu.Unlock()
	for name := range next.named {
		next.known[name] = next.readNamed(name)
	}
	return next, nil
}

// Digest is the SHA-256, in hex, of every byte that counts. Two Snapshots with
// one digest give the same configuration.
func (s *Snapshot) Digest() string {
	h := sha256.New()
	for _, f := range s.files {
		fmt.Fprintf(h, "file %q %x\n", s.relative(f.name), f.sum)
	}
	for _, p := range s.problems {
		fmt.Fprintf(h, "problem %s %q %q\n", p.rule.id, s.relative(p.file), p.detail)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		c := s.known[name]
		fmt.Fprintf(h, "named %q %x %q %t\n", s.relative(name), c.sum, c.refused.full, c.public)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Format keeps the bytes of a Snapshot out of logs.
func (s *Snapshot) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s (%d files)", s.path, len(s.files))
}

// relative makes a digest independent of where the tree lies.
func (s *Snapshot) relative(name string) string {
	if rel, err := filepath.Rel(s.root, name); err == nil {
		return rel
	}
	return name
}

func (s *Snapshot) refuse(r *rule, file, format string, args ...any) {
	s.problems = append(s.problems, problem{r, file, fmt.Sprintf(format, args...)})
}

// sort brings the files and problems of a tree into an order that does not
// depend on how the tree was walked.
func (s *Snapshot) sort() {
	slices.SortFunc(s.files, func(a, b source) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(s.problems, func(a, b problem) int { return cmp.Compare(a.file, b.file) })
	slices.Sort(s.ignored)
}

// pathError is what Read returns when there is nothing to read at all.
func pathError(r *rule, path, format string, args ...any) error {
	return config.Diagnostic{
		Gravity: config.Error,
		Rule:    r.id,
		Summary: r.summary,
		Detail:  fmt.Sprintf(format, args...),
		Pos:     config.Pos{File: path},
	}
}
