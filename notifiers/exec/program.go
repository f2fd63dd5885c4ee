package exec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// checkProgram returns why a file is not to be run. One that anybody may write to would let
// anybody be this user.
func checkProgram(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent{fmt.Errorf("%s does not exist", path)}
	case err != nil:
		return absent{fmt.Errorf("%s cannot be seen: %w", path, errors.Unwrap(err))}
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod +x %s", path, path)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be changed by other users: chmod go-w %s", path, path)
	}
	return nil
}

// An absent program may be there later.
type absent struct{ error }

func isAbsent(err error) bool { return errors.As(err, new(absent)) }

// checkCommand returns what is wrong with a program and its arguments, without a look at
// the disk.
func checkCommand(command []string) error {
	if len(command) == 0 {
		return errors.New(`it is empty: write the program and its arguments, ["/usr/local/bin/page", "--title={subject}"]`)
	}
	if path := command[0]; !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fmt.Errorf("%q must be the whole path of a program, such as /usr/local/bin/page: PATH is not searched, and there is no shell", path)
	}
	for i, arg := range command {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("argument %d has a zero byte in it", i)
		}
		for _, name := range placeholders.FindAllString(arg, -1) {
			switch {
			case i == 0:
				return fmt.Errorf("the program itself cannot have %s in its path", name)
			case !known[name]:
				return fmt.Errorf("%s is not known: there are %s", name, knownNames())
			}
		}
	}
	return nil
}
