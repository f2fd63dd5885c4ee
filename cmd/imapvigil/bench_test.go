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
func built(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "imapvigil")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

const manyChecks = 1000

// manyConfig is 1,000 checks in 20 groups, on 200 servers that are all one.
func manyConfig(port int) string {
	var text strings.Builder
	fmt.Fprintf(&text, `
notifier "webhook" "tickets" { url = "http://127.0.0.1:9/" }
notification_role "it_team" {
  notify { via = notifier.webhook.tickets }
}
daemon { notification_roles = [notification_role.it_team] }
defaults {
  interval           = "60s"
  notification_roles = [notification_role.it_team]
  tls { ca_file = "ca.pem" }
}
`)
	for i := range manyChecks {
		if i%50 == 0 {
			fmt.Fprintf(&text, "group \"g%d\" {\n  label = \"Group %d\"\n", i/50, i/50)
		}
		if i%5 == 0 {
			fmt.Fprintf(&text, "  server \"s%d\" {\n    hostname = \"127.0.0.1\"\n", i/5)
		}
		fmt.Fprintf(&text, "    imap_check \"c%d\" {\n      port     = %d\n      security = \"tls\"\n    }\n", i, port)
		if i%5 == 4 {
			text.WriteString("  }\n")
		}
		if i%50 == 49 {
			text.WriteString("}\n")
		}
	}
	return text.String()
}

func newManyVigil(b *testing.B) (*vigil, *imaptest.Server) {
	b.Helper()
	certificates := imaptest.NewCertificates()
	server, err := imaptest.Start("127.0.0.1:0", imaptest.MustParse("tls\nS: * OK ready\nserve"), certificates)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	v := newVigil(b, nil)
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
func (v *vigil) megabytes(name string) float64 {
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
	v := newVigil(b, nil)
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
