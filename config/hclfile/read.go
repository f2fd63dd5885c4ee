package hclfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

const (
	// maxFile bounds one file; a megabyte holds some 10,000 checks.
	maxFile = 4 << 20
	// maxDepth bounds how far below the directory a file is looked for.
	maxDepth = 8
	// credentialsDir is where credential looks, beside the files.
	credentialsDir = "credentials"
)

// fileName is what a configuration file is called in a directory. Editors'
// and package managers' leftovers (.x.swp, x.hcl~, x.hcl.dpkg-dist) do not
// match.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*\.hcl(\.json)?$`)

// Read takes a Snapshot of a directory, or of one file. The error, a
// [config.Diagnostic], says that there is nothing to read at path; what is
// wrong with single files is reported by [Load], with everything else.
func Read(path string, options Options) (*Snapshot, error) {
	s := &Snapshot{path: path, root: path, options: options, known: map[string]content{}, named: map[string]bool{}}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, pathError(ruleNoPath, path, "There is no file or directory %s. Name another one with --config.", path)
	case err != nil:
		return nil, pathError(ruleUnreadable, path, "%s.", reason(err))
	case info.IsDir():
		s.readDir(path, 1, map[inode]bool{})
	default:
		s.root = filepath.Dir(path)
		s.checkParent()
		s.readFile(path)
	}
	s.replace()
	s.sort()
	return s, nil
}

type inode struct{ dev, ino uint64 }

// madeBySystem are directories that file systems and the software of storage
// boxes put wherever they are mounted, often for root alone. People write no
// configuration there: what fsck puts into lost+found is what was lost.
var madeBySystem = []string{"lost+found", "System Volume Information", "$RECYCLE.BIN", "@eaDir", "#recycle", "#snapshot"}

// readDir reads what lies below dir. A directory that links lead to twice is
// read once.
func (s *Snapshot) readDir(dir string, depth int, seen map[inode]bool) {
	info, err := os.Stat(dir)
	if err != nil {
		s.refuse(ruleUnreadable, dir, "%s. A directory that cannot be read is not taken for an empty one.", reason(err))
		return
	}
	if seen[inodeOf(info)] {
		return
	}
	seen[inodeOf(info)] = true
	if rightsAt(dir, info).write {
		s.refuse(ruleWritable, dir, "Anybody on this machine could add a configuration file. Take the permission away:\n    chmod o-w %s", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.refuse(ruleUnreadable, dir, "%s. A directory that cannot be read is not taken for an empty one.", reason(err))
		return
	}
	for _, entry := range entries {
		s.readEntry(filepath.Join(dir, entry.Name()), entry, depth, seen)
	}
}

func (s *Snapshot) readEntry(path string, entry fs.DirEntry, depth int, seen map[inode]bool) {
	info, err := os.Stat(path)
	name, isDir := entry.Name(), entry.IsDir() || err == nil && info.IsDir()
	hidden := strings.HasPrefix(name, ".") || depth == 1 && name == credentialsDir || slices.Contains(madeBySystem, name)
	switch {
	case isDir && hidden:
		s.ignored = append(s.ignored, path+"/")
	case isDir && depth >= maxDepth:
		s.ignored = append(s.ignored, path+"/")
		s.refuse(ruleTooDeep, path, "Files are read at most %d levels below %s.", maxDepth, s.root)
	case isDir:
		s.readDir(path, depth+1, seen)
	case fileName.MatchString(name):
		s.readFile(path)
	default:
		s.ignored = append(s.ignored, path)
	}
}

// checkParent looks at the directory of a single file: where others may
// rename, the file's own permissions do not count. A sticky one (/tmp) keeps
// them from it.
func (s *Snapshot) checkParent() {
	info, err := os.Stat(s.root)
	if err == nil && rightsAt(s.root, info).write && info.Mode()&fs.ModeSticky == 0 {
		s.refuse(ruleWritable, s.root, "Anybody on this machine could replace %s. Take the permission away:\n    chmod o-w %s", s.path, s.root)
	}
}

func (s *Snapshot) readFile(path string) {
	text, others, err := readBounded(path)
	if err != nil {
		s.refuse(ruleUnreadable, path, "%s. A file that cannot be read is not taken for a deleted one.", reason(err))
		return
	}
	if others.write {
		s.refuse(ruleWritable, path, "Anybody on this machine could change what is watched and who is told. Take the permission away:\n    chmod o-w %s", path)
		return
	}
	s.add(path, text)
}

func (s *Snapshot) add(name string, text []byte) {
	s.files = append(s.files, source{name: name, text: text, sum: sha256.Sum256(text)})
}

// readBounded reads a regular file of at most maxFile bytes, through links.
// It never waits: a pipe in the directory is refused and not opened.
func readBounded(path string) ([]byte, rights, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, rights{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, rights{}, err
	case !info.Mode().IsRegular():
		return nil, rights{}, errors.New("it is not a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return withoutMark(text), rightsAt(path, info), err
}

// rights are what everybody on this machine may do with a file or a directory.
type rights struct {
	read, write bool
	fixed       bool // the file system is mounted read-only: nobody can write, and chmod cannot change it
}

// rightsAt gives the rights to what path leads to. On a file system that is mounted
// read-only nobody can write, whatever the mode says: the volumes of Kubernetes have
// mode 0777, which nobody in the container can change.
func rightsAt(path string, info fs.FileInfo) rights {
	mode := info.Mode().Perm()
	r := rights{read: mode&0o004 != 0, write: mode&0o002 != 0}
	if r.read || r.write {
		r.fixed = mountedReadOnly(path)
		r.write = r.write && !r.fixed
	}
	return r
}

// mountedReadOnly asks the system about the mount that path, through links, lies
// on. Tests replace it.
var mountedReadOnly = func(path string) bool {
	const readOnly = 1 // ST_RDONLY (statvfs(3)), MNT_RDONLY where that is its name
	var at syscall.Statfs_t
	return syscall.Statfs(path, &at) == nil && at.Flags&readOnly != 0
}

func inodeOf(info fs.FileInfo) inode {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return inode{stat.Dev, stat.Ino}
	}
	return inode{}
}

// reason is an error without the operation and the path, which stand beside
// it, as a sentence begins.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
