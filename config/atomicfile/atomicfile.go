// Package atomicfile replaces a file in one step: whoever reads it finds the old
// content or the new, whole, also after a crash.
//
// The journal has its own way (daemon/journal), since its files grow in place and its
// tests take the disk away under it.
package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write makes content what stands at path, by write, fsync and rename. The new file can
// be read by its owner alone, unless dress, which may be nil, gives it another owner and
// other permissions; dress is called before anybody can see it under its name. A
// symbolic link at path is replaced, and not what it leads to.
func Write(path string, content []byte, dress func(*os.File) error) error {
	// In the same directory, since rename(2) does not cross file systems; with a dot
	// before it, since such files are no configuration.
	temp, err := os.CreateTemp(filepath.Dir(path), ".imapvigil-tmp-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	if dress != nil {
		err = errors.Join(err, dress(temp))
	}
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("replacing %s: %w", path, err), os.Remove(temp.Name()))
	}
	return nil
}
