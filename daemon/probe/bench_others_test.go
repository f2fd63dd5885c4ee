package probe

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkOthers measures what other monitors spend on the same server, when
// they are installed (Debian: monitoring-plugins-basic,
// prometheus-blackbox-exporter). check_imap does not verify the certificate.
func BenchmarkOthers(b *testing.B) {
	address, roots := startChild(b, "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nserve")
	b.Run("imapvigil", func(b *testing.B) { measured(b, alone, probing(address, roots)) })
	_, port, _ := strings.Cut(address, ":")
	const plugin = "/usr/lib/nagios/plugins/check_imap"
	if _, err := os.Stat(plugin); err == nil {
		b.Run("check_imap", func(b *testing.B) { runPlugin(b, plugin, "-S", "-H", "127.0.0.1", "-p", port) })
	}
	if exporter, err := exec.LookPath("prometheus-blackbox-exporter"); err == nil {
		b.Run("blackbox_exporter", func(b *testing.B) { runExporter(b, exporter, address) })
	}
}

// runPlugin starts a plugin for every probe, as its scheduler does.
func runPlugin(b *testing.B, plugin string, arguments ...string) {
	var used time.Duration
	for b.Loop() {
		command := exec.Command(plugin, arguments...)
		if out, err := command.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		used += command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	}
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/op")
}

const exporterConfig = `modules:
  imap:
    prober: tcp
    timeout: 5s
    tcp:
      tls: true
      tls_config:
        ca_file: %s
        server_name: localhost
      query_response:
        - expect: "^\\* OK"
        - send: "a LOGOUT"
        - expect: "^\\* BYE"
`

// runExporter asks one exporter again and again, as Prometheus does.
func runExporter(b *testing.B, exporter, address string) {
	dir := b.TempDir()
	config, ca := filepath.Join(dir, "blackbox.yml"), filepath.Join(dir, "ca.pem")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lastChildRoot.Raw})
	if err := os.WriteFile(ca, root, 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, exporterConfig, ca), 0o600); err != nil {
		b.Fatal(err)
	}
	const listen = "127.0.0.1:39115"
	command := exec.Command(exporter, "--config.file="+config, "--web.listen-address="+listen)
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	target := "http://" + listen + "/probe?module=imap&target=" + url.QueryEscape(address)
	ask := func() error { return askExporter(client, target) }
	for deadline := time.Now().Add(5 * time.Second); ask() != nil; {
		if time.Now().After(deadline) {
			b.Fatal(ask())
		}
	}
	before := processTime(b, command.Process.Pid)
	for b.Loop() {
		if err := ask(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((processTime(b, command.Process.Pid)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func askExporter(client *http.Client, target string) error {
	answer, err := client.Get(target)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && !strings.Contains(string(text), "probe_success 1") {
		err = fmt.Errorf("the exporter's probe failed:\n%s", text)
	}
	return err
}

// processTime is utime and stime of proc_pid_stat(5), in clock ticks of 10 ms.
func processTime(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const utime, stime, tick = 11, 12, 10 * time.Millisecond
	user, _ := strconv.Atoi(fields[utime])
	system, _ := strconv.Atoi(fields[stime])
	return time.Duration(user+system) * tick
}
