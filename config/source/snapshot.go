package source

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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
	// TrustUnread takes a credential or a private key that is missing, or that this user
	// may not read, on trust: whoever is sent the Snapshot has one of its own.
	TrustUnread bool
	// Node is the node of the cluster that reads, by its host name without the domain or as
	// run --node says. "": nobody in particular, as for validate on a machine that is no node. With
	// it the loader refuses files that have no such node, and where this node has decide = false a
	// credential may be missing that only notifiers need: it sends nothing.
	Node config.NodeID
	// LookupEnv gives a variable of the environment to env; nil: none is set.
	LookupEnv func(name string) (text string, isSet bool)
	// Replace has the content of another file (the value) stand where the
	// named file (the key) is, or would be. For tools that check before they
	// write.
	Replace map[string]string
	// Denied says how this user gets to read a path that it may not read, in sentences;
	// nil: nothing is said.
	Denied func(path string) string
	// MountedReadOnly reports whether what path leads to lies on a file system that
	// is mounted read-only. Nil asks the system; tests replace it.
	MountedReadOnly func(path string) bool
}

// A Snapshot is a configuration's source: the bytes of every file that counts,
// taken at one moment. Evaluating it adds the files that the configuration names.
// A Snapshot is safe for use by several goroutines.
type Snapshot struct {
	path     string // as the user gave it
	root     string // the directory of the configuration
	single   string // the one file that was read; empty: all in root were
	options  Options
	files    []File   // sorted by name
	dirs     []string // that were read
	ignored  []string
	problems []Problem
	restored bool // made of what was kept

	mu    sync.Mutex
	known map[string]Content // named files that have been read
	named map[string]bool    // those that were named since ForgetNamed; true: as a secret
	// sealed are those that were opened by OpenSecret.
	sealed map[string]bool
	own    map[string]bool // those that were opened by OpenOwn
}

// A File is one configuration file.
type File struct {
	Name string // as shown to people: under the path that they gave
	Text []byte
	sum  [sha256.Size]byte
}

// Format keeps the bytes of a File out of logs.
func (f File) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, f.Name) }

// A Problem is what is wrong with a file or a directory as such.
type Problem struct {
	Rule   *config.Rule
	File   string
	Detail string // what to do, in sentences
}

// Restored makes a Snapshot of files that were kept when they were good. What they
// name is as it was kept too, where it was; the rest, such as credentials, is read
// where it is now.
func Restored(path, root string, files, named []File, options Options) *Snapshot {
	s := &Snapshot{
		path: path, root: root, options: options, restored: true, known: map[string]Content{}, named: map[string]bool{}, sealed: map[string]bool{}, own: map[string]bool{},
	}
	for _, f := range files {
		s.addFile(f.Name, f.Text)
	}
	for _, f := range named {
		s.known[f.Name] = Content{Text: opaque.NewSecret(string(f.Text)), sum: sha256.Sum256(f.Text), Readable: true}
	}
	s.sortByName()
	return s
}

// OfText makes a Snapshot of one file that lies nowhere.
func OfText(name string, text []byte) *Snapshot {
	s := Restored(name, "/nowhere", []File{{Name: name, Text: text}}, nil, Options{})
	s.restored = false
	return s
}

func (s *Snapshot) addFile(name string, text []byte) {
	s.files = append(s.files, File{Name: name, Text: text, sum: sha256.Sum256(text)})
}

// Path returns the directory or the file that was read, as the user gave it.
func (s *Snapshot) Path() string { return s.path }

// Root returns the directory of the configuration.
func (s *Snapshot) Root() string { return s.root }

// Options returns those that the Snapshot was taken with.
func (s *Snapshot) Options() Options { return s.options }

// IsRestored reports whether the Snapshot was made by [Restored].
func (s *Snapshot) IsRestored() bool { return s.restored }

// Problems returns what is wrong with files and directories as such, sorted by file.
func (s *Snapshot) Problems() []Problem { return s.problems }

// Files returns the configuration files that were read, sorted by name. A caller must
// not change them.
func (s *Snapshot) Files() []File { return s.files }

// Text returns what a configuration file holds; false when it is none of the files.
func (s *Snapshot) Text(file string) ([]byte, bool) {
	for _, f := range s.files {
		if f.Name == file {
			return f.Text, true
		}
	}
	return nil, false
}

// Emptied names the files that have no bytes left and had some in an earlier
// Snapshot, as a full disk or a killed editor leaves them.
func (s *Snapshot) Emptied(earlier *Snapshot) (names []string) {
	had := map[string]bool{}
	for _, f := range earlier.files {
		had[Absolute(f.Name)] = len(f.Text) > 0 // a restored Snapshot has absolute names
	}
	for _, f := range s.files {
		if len(f.Text) == 0 && had[Absolute(f.Name)] {
			names = append(names, f.Name)
		}
	}
	return names
}

// Directories returns the directories that were looked into, sorted.
func (s *Snapshot) Directories() []string { return s.dirs }

// Ignored returns what lies in the directory and is no configuration file; directories
// end in a slash.
func (s *Snapshot) Ignored() []string { return slices.Clone(s.ignored) }

// Named names the files that the configuration refers to, and that were read or
// missed since the last [Snapshot.ForgetNamed]: credentials, certificates, what file
// was called with.
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
	next.sealed, next.own = maps.Clone(s.sealed), maps.Clone(s.own)
	next.named = maps.Clone(s.named) // what has changed may be a file that is only named
	s.mu.Unlock()
	for name := range next.named {
		// Now, not when they are named again: the digest has to tell whether one has
		// changed.
		next.known[name] = next.readNamed(name)
	}
	return next, nil
}

// Digest returns the SHA-256, in hex, of every byte that counts. Two Snapshots with one
// digest give the same configuration.
func (s *Snapshot) Digest() string {
	h := sha256.New()
	for _, f := range s.files {
		// In quotes, so that a name with a line end in it cannot look like two files.
		fmt.Fprintf(h, "file %q %x\n", s.relativePath(f.Name), f.sum)
	}
	for _, p := range s.problems {
		fmt.Fprintf(h, "problem %s %q %q\n", p.Rule.ID, s.relativePath(p.File), p.Detail)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		c := s.known[name]
		// A file that is missing or cannot be used counts, too: that it is back is a
		// change.
		fmt.Fprintf(h, "named %q %x %q %t\n", s.relativePath(name), c.sum, c.faultWord(), c.Readable)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// CommonDigest returns the SHA-256, in hex, of what the nodes of a cluster have in common: of
// every byte that counts without credentials, private keys and what is a node's own.
func (s *Snapshot) CommonDigest() string {
	h := sha256.New()
	for _, f := range s.files {
		fmt.Fprintf(h, "file %q %x\n", s.relativePath(f.Name), f.sum)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		if isSecret := s.named[name]; !isSecret && !s.own[name] {
			fmt.Fprintf(h, "named %q %x\n", s.relativePath(name), s.known[name].sum)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Format keeps the bytes of a Snapshot out of logs.
func (s *Snapshot) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s (%d files)", s.path, len(s.files))
}

// relativePath returns a name from the root on, so that a digest does not depend on
// where the tree lies.
func (s *Snapshot) relativePath(name string) string {
	if rel, err := filepath.Rel(s.root, name); err == nil {
		return rel
	}
	return name
}

func (s *Snapshot) addProblem(r *config.Rule, file, format string, args ...any) {
	s.problems = append(s.problems, Problem{r, file, fmt.Sprintf(format, args...)})
}

// sortByName brings the files and problems of a tree into an order that does not
// depend on how the tree was walked.
func (s *Snapshot) sortByName() {
	slices.SortFunc(s.files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.problems, func(a, b Problem) int { return cmp.Compare(a.File, b.File) })
	slices.Sort(s.ignored)
	slices.Sort(s.dirs)
}

// nothingToRead returns the error of [Read].
func nothingToRead(r *config.Rule, path, format string, args ...any) error {
	return config.Diagnostic{
		Gravity: config.Error,
		Rule:    r.ID,
		Summary: r.Summary,
		Detail:  fmt.Sprintf(format, args...),
		Pos:     config.Pos{File: path},
	}
}
