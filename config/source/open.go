package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// maxFile bounds one file; a megabyte holds some 10,000 checks.
const maxFile = 4 << 20

// readBounded reads a regular file of at most maxFile bytes, through links.
// It never waits: a pipe in the directory is refused and not opened.
func (o Options) readBounded(path string) ([]byte, rights, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, rights{}, err
	}
	defer f.Close()
	// Of the open file, so that it is the one that is read, whatever is renamed meanwhile.
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, rights{}, err
	case !info.Mode().IsRegular():
		return nil, rights{}, errors.New("it is not a regular file")
	}
	// One byte more tells a file that is too large from one that is just small enough.
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return WithoutMark(text), o.rightsAt(path, info), err
}

// ReadFile reads one configuration file as [Read] does; false when it cannot be used.
func ReadFile(path string) ([]byte, bool) {
	text, others, err := Options{}.readBounded(path)
	return text, err == nil && !others.write
}

// rights are what everybody on this machine may do with a file or a directory.
type rights struct {
	read, write bool
	// fixed tells that the file system is mounted read-only: nobody can write, and
	// chmod cannot change it.
	fixed bool
}

// rightsAt returns what everybody may do with what path leads to. On a file system that
// is mounted read-only nobody can write, whatever the mode says: the volumes of
// Kubernetes have mode 0777, which nobody in the container can change.
func (o Options) rightsAt(path string, info fs.FileInfo) rights {
	mode := info.Mode().Perm()
	r := rights{read: mode&0o004 != 0, write: mode&0o002 != 0}
	if r.read || r.write {
		r.fixed = o.isMountedReadOnly(path)
		r.write = r.write && !r.fixed
	}
	return r
}

func (o Options) isMountedReadOnly(path string) bool {
	if o.MountedReadOnly != nil {
		return o.MountedReadOnly(path)
	}
	const readOnly = 1 // ST_RDONLY (statvfs(3)), MNT_RDONLY where that is its name
	var at syscall.Statfs_t
	return syscall.Statfs(path, &at) == nil && at.Flags&readOnly != 0
}

// remedy says how a path can be read that this user may not read, for the end of a
// message; "" for other errors.
func (o Options) remedy(path string, err error) string {
	if o.Denied == nil || !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	if text := o.Denied(path); text != "" {
		return " " + text
	}
	return ""
}

// errorText returns an error without the operation and the path, which stand beside it
// anyway, as a sentence begins.
func errorText(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// Files are UTF-8. Editors of Windows put a byte order mark in front, which is no
// part of the text, and some save UTF-16, of which a parser would complain in
// every line.

// ByteOrderMark stands before the text in files from Windows, and in the middle of
// what was put together from them.
const ByteOrderMark = "\uFEFF"

// WithoutMark takes off the byte order mark of UTF-8.
func WithoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte(ByteOrderMark)) }

// OtherEncoding names the encoding of a text that is not in UTF-8, as iconv(1)
// calls it; "" where it may be.
func OtherEncoding(text []byte) string {
	for _, mark := range []struct{ bytes, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		// The first mark of UTF-32 begins with one of UTF-16, so it is tried before.
		if bytes.HasPrefix(text, []byte(mark.bytes)) {
			return mark.name
		}
	}
	// without a mark: in UTF-16 every other byte of English is zero
	for i, name := range []string{"UTF-16BE", "UTF-16LE"} {
		if len(text) >= 4 && text[i] == 0 && text[i+2] == 0 && text[1-i] != 0 && text[3-i] != 0 {
			return name
		}
	}
	return ""
}
