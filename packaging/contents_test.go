//go:build systemd

package packaging_test

import (
	"debug/elf"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// kinds are the packages that are made: how each is called on an architecture,
// how it is taken apart into the current directory, and what it alone has.
var kinds = []struct {
	name    string
	file    map[string]string // by Go's name of the architecture
	bus     map[string]string // the same of the package imapvigil-bus
	extract string            // of "$1"
	own     map[string]fs.FileMode
	ownBus  map[string]fs.FileMode
}{
	{
		"deb",
		map[string]string{"amd64": "imapvigil_*_amd64.deb", "arm64": "imapvigil_*_arm64.deb"},
		map[string]string{"amd64": "imapvigil-bus_*_amd64.deb", "arm64": "imapvigil-bus_*_arm64.deb"},
		`dpkg-deb --extract "$1" .`,
		map[string]fs.FileMode{
			"usr/share/doc/imapvigil/changelog.Debian.gz": 0o644,
			"usr/share/imapvigil/imapvigil.hcl":           0o644,
			"usr/share/lintian/overrides/imapvigil":       0o644,
			"usr/share/zsh/vendor-completions/_imapvigil": 0o644,
		},
		map[string]fs.FileMode{
			"usr/share/doc/imapvigil-bus/changelog.Debian.gz": 0o644,
			"usr/share/lintian/overrides/imapvigil-bus":       0o644,
		},
	},
	{
		"rpm",
		map[string]string{"amd64": "imapvigil-[0-9]*.x86_64.rpm", "arm64": "imapvigil-[0-9]*.aarch64.rpm"},
		map[string]string{"amd64": "imapvigil-bus-*.x86_64.rpm", "arm64": "imapvigil-bus-*.aarch64.rpm"},
		`rpm2cpio "$1" | cpio --extract --make-directories --no-absolute-filenames --quiet`,
		map[string]fs.FileMode{
			"etc/imapvigil/imapvigil.hcl":             0o644,
			"usr/share/zsh/site-functions/_imapvigil": 0o644,
		},
		nil,
	},
	{
		"apk",
		map[string]string{"amd64": "imapvigil_*_x86_64.apk", "arm64": "imapvigil_*_aarch64.apk"},
		map[string]string{"amd64": "imapvigil-bus_*_x86_64.apk", "arm64": "imapvigil-bus_*_aarch64.apk"},
		`tar --extract --gzip --warning=no-unknown-keyword --file="$1"`,
		map[string]fs.FileMode{
			".PKGINFO":                                0o600,
			".post-install":                           0o755,
			"etc/imapvigil/imapvigil.hcl":             0o644,
			"etc/init.d/imapvigil":                    0o755,
			"usr/share/zsh/site-functions/_imapvigil": 0o644,
		},
		map[string]fs.FileMode{
			".PKGINFO":                 0o600,
			".post-install":            0o755,
			"etc/init.d/imapvigil-bus": 0o755,
		},
	},
}

// inEachBus is what each package of the NATS server brings.
var inEachBus = map[string]fs.FileMode{
	"usr/lib/imapvigil/imapvigil-bus":              0o755,
	"usr/lib/systemd/system/imapvigil-bus.service": 0o644,
	"usr/lib/sysusers.d/imapvigil-bus.conf":        0o644,
	"usr/lib/tmpfiles.d/imapvigil-bus.conf":        0o644,
	"usr/share/doc/imapvigil-bus/copyright":        0o644,
	"usr/share/doc/imapvigil-bus/licenses.gz":      0o644,
	"usr/share/man/man8/imapvigil-bus.8.gz":        0o644,
}

// inAll is what each package brings.
var inAll = map[string]fs.FileMode{
	"usr/bin/imapvigil":                                                    0o755,
	"usr/lib/systemd/system/imapvigil.service":                             0o644,
	"usr/lib/sysusers.d/imapvigil.conf":                                    0o644,
	"usr/lib/tmpfiles.d/imapvigil.conf":                                    0o644,
	"usr/share/bash-completion/completions/imapvigil":                      0o644,
	"usr/share/doc/imapvigil/copyright":                                    0o644,
	"usr/share/doc/imapvigil/examples/quickstart.hcl":                      0o644,
	"usr/share/doc/imapvigil/examples/recipes/better-stack.hcl":            0o644,
	"usr/share/doc/imapvigil/examples/recipes/grafana-irm.hcl":             0o644,
	"usr/share/doc/imapvigil/examples/recipes/incident-io.hcl":             0o644,
	"usr/share/doc/imapvigil/examples/recipes/signal.hcl":                  0o644,
	"usr/share/doc/imapvigil/examples/recipes/splunk-on-call.hcl":          0o644,
	"usr/share/doc/imapvigil/examples/recipes/webex.hcl":                   0o644,
	"usr/share/doc/imapvigil/examples/nodes/bus-ca.pem":                    0o644,
	"usr/share/doc/imapvigil/examples/nodes/nodes.hcl":                     0o644,
	"usr/share/doc/imapvigil/examples/nodes/services.hcl":                  0o644,
	"usr/share/doc/imapvigil/examples/reference.hcl":                       0o644,
	"usr/share/doc/imapvigil/examples/grafana/budget.json":                 0o644,
	"usr/share/doc/imapvigil/examples/grafana/check.json":                  0o644,
	"usr/share/doc/imapvigil/examples/grafana/nodes.json":                  0o644,
	"usr/share/doc/imapvigil/examples/grafana/overview.json":               0o644,
	"usr/share/doc/imapvigil/examples/prometheus/README.md":                0o644,
	"usr/share/doc/imapvigil/examples/prometheus/imapvigil.rules.test.yml": 0o644,
	"usr/share/doc/imapvigil/examples/prometheus/imapvigil.rules.yml":      0o644,
	"usr/share/doc/imapvigil/examples/prometheus/prometheus.yml":           0o644,
	"usr/share/doc/imapvigil/licenses.gz":                                  0o644,
	"usr/share/fish/vendor_completions.d/imapvigil.fish":                   0o644,
	"usr/share/man/man5/imapvigil.hcl.5.gz":                                0o644,
	"usr/share/man/man7/imapvigil-howto.7.gz":                              0o644,
	"usr/share/man/man7/imapvigil-migrate.7.gz":                            0o644,
	"usr/share/man/man7/imapvigil-nodes.7.gz":                              0o644,
	"usr/share/man/man7/imapvigil-page.7.gz":                               0o644,
	"usr/share/man/man7/imapvigil-notifiers.7.gz":                          0o644,
	"usr/share/man/man7/imapvigil-states.7.gz":                             0o644,
	"usr/share/man/man8/imapvigil.8.gz":                                    0o644,
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// TestContents takes each package apart: the same files for all, with the same
// modes, a program for the right machine, and scripts that a shell can read.
func TestContents(t *testing.T) {
	for _, kind := range kinds {
		for arch, machine := range machines {
			t.Run(kind.name+" "+arch, func(t *testing.T) {
				dir := unpacked(t, made(t, kind.file[arch]), kind.extract)
				holds(t, dir, inAll, kind.own)
				runsOn(t, filepath.Join(dir, "usr/bin/imapvigil"), machine)
			})
			t.Run("bus "+kind.name+" "+arch, func(t *testing.T) {
				dir := unpacked(t, made(t, kind.bus[arch]), kind.extract)
				holds(t, dir, inEachBus, kind.ownBus)
				runsOn(t, filepath.Join(dir, "usr/lib/imapvigil/imapvigil-bus"), machine)
			})
		}
	}
}

// holds compares the files of a directory with those that belong there.
func holds(t *testing.T, dir string, inEach, own map[string]fs.FileMode) {
	t.Helper()
	want := maps.Clone(inEach)
	maps.Copy(want, own)
	got := filesBelow(t, dir)
	for file, mode := range want {
		if got[file] != mode {
			t.Errorf("%s has the mode %v, not %v", file, got[file], mode)
		}
	}
	for file := range got {
		if _, wanted := want[file]; !wanted {
			t.Errorf("%s does not belong there", file)
		}
	}
}

func runsOn(t *testing.T, file string, machine elf.Machine) {
	t.Helper()
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if program.Machine != machine {
		t.Errorf("the program is for %v", program.Machine)
	}
	_ = program.Close()
}

// TestScripts has a shell without bash's extensions read all scripts.
func TestScripts(t *testing.T) {
	for _, of := range []string{"", "bus/"} {
		scripts, err := filepath.Glob(of + "scripts/*/*")
		if err != nil || len(scripts) != 7 {
			t.Fatalf("the scripts are %q (%v)", scripts, err)
		}
		for _, script := range scripts {
			output(t, "dash", "-n", script)
		}
	}
	for _, script := range []string{"openrc/imapvigil", "bus/imapvigil-bus.openrc"} {
		output(t, "dash", "-n", script)
	}
}

// unpacked gives a directory with what is in a package.
func unpacked(t *testing.T, file, extract string) string {
	t.Helper()
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	output(t, "env", "--chdir="+dir, "sh", "-ec", extract, "sh", file)
	return dir
}

// thisProgram is the directory of the package for this machine, taken apart.
func thisProgram(t *testing.T) string {
	t.Helper()
	return unpacked(t, made(t, kinds[0].file[runtime.GOARCH]), kinds[0].extract)
}

// filesBelow gives the modes of all files; all belong to root.
func filesBelow(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	modes := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil || info.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		modes[name] = info.Mode()
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 || owner.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", name, owner.Uid, owner.Gid)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return modes
}
