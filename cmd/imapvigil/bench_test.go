//go:build !quick

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

// The program as it is installed, not as this test binary has it.
func built(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imapvigil")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func newManyVigil(b *testing.B) (*daemonProcess, *imaptest.Server) {
	b.Helper()
	certificates := imaptest.NewCertificates()
	server, err := imaptest.Start("127.0.0.1:0", imaptest.MustParse("tls\nS: * OK ready\nserve"), certificates)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	v := newDaemonProcess(b, nil)
	v.program = built(b)
	v.write("ca.pem", string(certificates.Authority.PEM()))
	v.write("many.hcl", manyConfig(int(server.Addr().Port())))
	return v, server
}

// From exec to READY=1, with 1,000 checks.
func BenchmarkReady(b *testing.B) {
	v, _ := newManyVigil(b)
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		v.start()
		took += time.Since(began)
		b.StopTimer()
		v.stop()
		b.StartTimer()
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s/ready")
}

// Resident memory with 1,000 checks at an interval of a minute, when each has
// been probed over TLS.
func BenchmarkMemory(b *testing.B) {
	v, server := newManyVigil(b)
	for b.Loop() {
		before := server.Connections()
		v.start()
		// Asking the daemon would cost it memory.
		v.await("every check to be probed", time.Minute, func() bool { return server.Connections()-before >= manyChecks })
		b.ReportMetric(v.megabytes("VmRSS"), "MB-resident")
		b.ReportMetric(v.megabytes("VmHWM"), "MB-peak")
		v.awaitAll("ok")
		v.stop()
	}
}

// megabytes reads a line of /proc/PID/status (proc_pid_status(5)).
func (v *daemonProcess) megabytes(name string) float64 {
	v.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.process.Process.Pid))
	if err != nil {
		v.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			if err != nil {
				v.t.Fatal(err)
			}
			return kb * 1024 / 1e6
		}
	}
	v.t.Fatalf("no %s in %s", name, text)
	return 0
}

// From a file that is in its place to a configuration that is applied.
func BenchmarkNoticed(b *testing.B) {
	v := newDaemonProcess(b, nil)
	v.program = built(b)
	text := "imap_check \"one\" {\n  hostname = \"127.0.0.1\"\n  port = 9\n  security = \"none\"\n  interval = \"%dh\"\n}\n"
	v.write("one.hcl", fmt.Sprintf(text, 1))
	v.start()
	for i := 0; b.Loop(); i++ {
		before := v.status().Config.Digest
		v.write("one.hcl", fmt.Sprintf(text, 2+i%10))
		v.await("the edit to be applied", patience, func() bool { return v.status().Config.Digest != before })
	}
	v.stop()
}
