package daemon

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/atomicfile"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// lastGoodFile is the source of the last configuration that was applied, in
// the state directory.
const lastGoodFile = "last_good.json"

// keepLastGood writes a snapshot, unless it is there already, as after a restart.
func keepLastGood(dir string, s *source.Snapshot) error {
	text, same, err := compareWithLastGood(dir, s)
	if err != nil {
		return fmt.Errorf("keeping the last good configuration: %w", err)
	}
	if same {
		return nil
	}
	if err := atomicfile.Write(filepath.Join(dir, lastGoodFile), text, readableByGroup); err != nil {
		return fmt.Errorf("keeping the last good configuration: %w", err)
	}
	return nil
}

// readableByGroup lets the group of the state directory compare files with what was
// applied last; there is no secret in it.
func readableByGroup(f *os.File) error { return f.Chmod(0o640) }

// compareWithLastGood returns what is kept of a snapshot, and reports whether that is what was
// applied last: then nothing differs but secrets and comments. It costs a tenth of
// loading what was kept.
func compareWithLastGood(dir string, s *source.Snapshot) (text []byte, same bool, err error) {
	var b bytes.Buffer
	if err := hclfile.Save(&b, s); err != nil {
		return nil, false, err
	}
	kept, err := os.ReadFile(filepath.Join(dir, lastGoodFile))
	return b.Bytes(), err == nil && bytes.Equal(kept, b.Bytes()), nil
}

// LastGood loads what the daemon applied last, from its state directory, without
// reading secrets: to compare files with. What cannot be loaded, because a newer
// version refuses it, is left out.
func LastGood(dir string, e Environment) (*config.Config, error) {
	_, cfg, _, err := restoreLastGood(dir, e.withoutSecrets())
	return cfg, err
}

// restoreLastGood returns what was applied last with the secrets of today, as far as it can
// be loaded, and says what is wrong with the rest.
func restoreLastGood(dir string, o source.Options) (*source.Snapshot, *config.Config, []config.Diagnostic, error) {
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
