package history

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockBeside locks a file beside the database, so that a second daemon is refused before
// it touches the database. The lock ends with the process.
func lockBeside(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o640) //nolint:gosec // the daemon's group may read it, as the journal
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = fmt.Errorf("%s: %w", f.Name(), err)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("another process uses %s", path)
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
