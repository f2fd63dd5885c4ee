package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
)

// lastGoodFile is the source of the last configuration that was applied, in
// the state directory.
const lastGoodFile = "last_good.json"

// keepLastGood writes a snapshot by write, fsync and rename, so that there is
// always a whole one.
func keepLastGood(dir string, s *hclfile.Snapshot) (err error) {
	temp, err := os.CreateTemp(dir, lastGoodFile+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("keeping the last good configuration: %w", err)
	}
	err = errors.Join(s.Save(temp), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, lastGoodFile))
	}
	if err != nil {
		return fmt.Errorf("keeping the last good configuration: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// LastGood loads what the daemon applied last, from its state directory, without
// reading secrets: to compare files with. What cannot be loaded, because a newer
// version refuses it, is left out.
func LastGood(dir string) (*config.Config, error) {
	_, cfg, _, err := restore(dir, hclfile.Options{NoCredentials: true})
	return cfg, err
}

// restore gives what was applied last with the secrets of today, as far as it can
// be loaded, and says what is wrong with the rest.
func restore(dir string, o hclfile.Options) (*hclfile.Snapshot, *config.Config, []config.Diagnostic, error) {
	f, err := os.Open(filepath.Join(dir, lastGoodFile))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("opening the last good configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	s, err := hclfile.Restore(f, o)
	if err != nil {
		return nil, nil, nil, err
	}
	cfg, diags := hclfile.Salvage(s)
	return s, cfg, diags, nil
}
