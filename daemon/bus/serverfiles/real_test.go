//go:build !quick

package serverfiles_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/bus/serverfiles"
)

// TestServersTakeTheConfigurations has the real nats-server read each golden file, with
// certificates where it names them.
func TestServersTakeTheConfigurations(t *testing.T) {
	program := bustest.Program(t)
	for name, c := range clusters {
		servers, err := serverfiles.Servers(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range servers {
			text, err := os.ReadFile(goldenFile(name, s))
			if err != nil {
				t.Fatal(err)
			}
			conf := install(t, string(text), s.Host)
			if said, err := exec.CommandContext(t.Context(), program, "-t", "-c", conf).CombinedOutput(); err != nil {
				t.Errorf("nats-server refuses %s: %v: %s", goldenFile(name, s), err, said)
			}
		}
	}
}

// install puts a configuration with certificates into a directory of its own.
func install(t *testing.T, conf, host string) string {
	t.Helper()
	dir := t.TempDir()
	ca, err := serverfiles.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Issue(host, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	conf = strings.ReplaceAll(conf, serverfiles.Directory, dir)
	for name, text := range map[string][]byte{
		serverfiles.ConfigFile: []byte(conf), serverfiles.AuthorityFile: ca.Certificate,
		serverfiles.CertificateFile: pair.Certificate, serverfiles.KeyFile: pair.Key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, serverfiles.ConfigFile)
}
