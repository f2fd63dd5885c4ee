package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

// The benchmarks compare a probe with a bare floor: dial, verify TLS, read the
// greeting, LOGOUT. The server runs in a process of its own, so that
// "cpu-µs/op", the processor time of this process, is the prober's alone.
//
//	go test -run '^$' -bench 'Floor|Probe' -benchtime 2000x -count 5 ./daemon/probe

const childVariable = "IMAPVIGIL_PROBE_BENCH_SERVER"

// runChild is what the test binary does when it is started as a server: it
// serves a script until its standard input is closed.
func runChild(script string) {
	certs := imaptest.NewCertificates()
	server, err := imaptest.Start("127.0.0.1:0", imaptest.MustParse(script), certs)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.Addr())
	os.Stdout.Write(certs.Authority.PEM())
	os.Stdout.Close()
	_, _ = io.Copy(io.Discard, os.Stdin)
	server.Close()
}

// startChild starts a server in a process of its own.
func startChild(b *testing.B, script string) (address string, roots *x509.CertPool) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childVariable+"="+script)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = child.Wait()
	})
	said, err := io.ReadAll(stdout)
	if err != nil {
		b.Fatal(err)
	}
	address, rest, _ := strings.Cut(string(said), "\n")
	roots = x509.NewCertPool()
	block, _ := pem.Decode([]byte(rest))
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		b.Fatal(err)
	}
	roots.AddCert(root)
	return address, roots
}

func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// measured runs do b.N times and reports processor time.
func measured(b *testing.B, do func() error) {
	b.Helper()
	for range 20 { // warm up
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	for range b.N {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkFloor(b *testing.B) {
	address, roots := startChild(b, "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nserve")
	measured(b, func() error { return floor(address, roots) })
}

// floor is the least that a TLS check can do.
func floor(address string, roots *x509.CertPool) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	session := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	defer session.Close()
	if err := session.Handshake(); err != nil {
		return err
	}
	lines := bufio.NewReader(session)
	if _, err := lines.ReadString('\n'); err != nil {
		return err
	}
	if _, err := io.WriteString(session, "a LOGOUT\r\n"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, lines)
	return err
}

func BenchmarkProbe(b *testing.B) {
	for name, script := range map[string]string{
		"capability": "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nserve",
		"id":         "tls\nS: * OK [CAPABILITY IMAP4rev1 ID] ready\nserve",
		"both":       "tls\nS: * OK ready\nserve ID",
	} {
		b.Run(name, func(b *testing.B) {
			address, roots := startChild(b, script)
			check := benchCheck(address)
			prober := New(Options{Roots: roots})
			measured(b, func() error {
				if r := prober.Probe(context.Background(), "bench", check); r.Health() != incident.OK {
					return fmt.Errorf("%+v", r.Findings)
				}
				return nil
			})
		})
	}
}

func benchCheck(address string) config.Probe {
	return config.Probe{
		Hostname: "127.0.0.1", Port: netip.MustParseAddrPort(address).Port(), Security: config.TLSFromStart,
		Addresses: config.AllAddresses, Interval: time.Minute, Timeout: 30 * time.Second,
	}
}

func BenchmarkFloorParallel(b *testing.B) {
	address, roots := startChild(b, "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nserve")
	measuredParallel(b, func() error { return floor(address, roots) })
}

func measuredParallel(b *testing.B, do func() error) {
	b.Helper()
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func BenchmarkProbeParallel(b *testing.B) {
	for name, script := range map[string]string{
		"capability": "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nserve",
		"id":         "tls\nS: * OK [CAPABILITY IMAP4rev1 ID] ready\nserve",
		"both":       "tls\nS: * OK ready\nserve ID",
	} {
		b.Run(name, func(b *testing.B) {
			address, roots := startChild(b, script)
			check := benchCheck(address)
			prober := New(Options{Roots: roots})
			measuredParallel(b, func() error {
				if r := prober.Probe(context.Background(), "bench", check); r.Health() != incident.OK {
					return fmt.Errorf("%+v", r.Findings)
				}
				return nil
			})
		})
	}
}
