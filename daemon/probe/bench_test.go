package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The benchmarks compare a probe with a bare floor: dial, verify TLS, read the
// greeting, LOGOUT. The server runs in a process of its own, so that
// "cpu-µs/op", the processor time of this process, is the prober's alone.
// Neither side resolves a name. What a probe allocates beyond crypto/tls is the
// difference of their B/op.
//
//	go test -run '^$' -bench 'Floor|Probe|Others' -benchtime 2000x -count 5 ./daemon/probe

// One after the other, the processor often waits for the network and has to be
// woken; side by side is what a busy daemon does.
var pace = []struct {
	name string
	run  func(b *testing.B, do func() error)
}{{"alone", alone}, {"busy", busy}}

func BenchmarkFloor(b *testing.B) {
	address, roots := startChild(b, "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nserve")
	for _, p := range pace {
		b.Run(p.name, func(b *testing.B) {
			measured(b, p.run, func() error { return floor(address, roots) })
		})
	}
}

func BenchmarkProbe(b *testing.B) {
	for _, server := range []struct{ name, script string }{
		{"capability", "tls\nS: * OK [CAPABILITY IMAP4rev1] ready\nserve"},
		{"id", "tls\nS: * OK [CAPABILITY IMAP4rev1 ID] ready\nserve"},
		{"capability+id", "tls\nS: * OK ready\nserve ID"},
	} {
		address, roots := startChild(b, server.script)
		probe := probing(address, roots)
		for _, p := range pace {
			b.Run(p.name+"/"+server.name, func(b *testing.B) { measured(b, p.run, probe) })
		}
	}
}

// probing is one probe of a server that is well.
func probing(address string, roots *x509.CertPool) func() error {
	prober := New(Options{Roots: roots})
	check := config.Probe{
		Hostname: "127.0.0.1", Port: netip.MustParseAddrPort(address).Port(), Security: config.TLSFromStart,
		Addresses: config.AllAddresses, Interval: time.Minute, Timeout: 30 * time.Second,
	}
	return func() error {
		if r := prober.judged(context.Background(), "bench", check); r.Health() != incident.OK {
			return fmt.Errorf("%+v", r.Findings)
		}
		return nil
	}
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

func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// measured runs do b.N times and reports processor time.
func measured(b *testing.B, run func(*testing.B, func() error), do func() error) {
	b.Helper()
	for range 20 { // warm up
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	run(b, do)
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func alone(b *testing.B, do func() error) {
	for b.Loop() {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
}

func busy(b *testing.B, do func() error) {
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
			}
		}
	})
}
