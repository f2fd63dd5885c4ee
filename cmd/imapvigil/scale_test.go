//go:build !quick

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

// 10,000 checks: 400 customers with a file each, and 25 checks in it.
const (
	scaleCustomers = 400
	scaleChecks    = 25
)

// A scale is the program as it is installed, with 10,000 checks of one server.
// Their first turns come within ten seconds, and the next tomorrow.
type scale struct {
	*daemonProcess
	port uint16
}

func newScale(b *testing.B) scale {
	b.Helper()
	server, err := imaptest.Start("127.0.0.1:0", imaptest.MustParse("S: * OK ready\nserve"), imaptest.NewCertificates())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	v := scale{newDaemonProcess(b, nil), server.Addr().Port()}
	v.program = built(b)
	for i := range scaleCustomers {
		v.edit(i, 0)
	}
	return v
}

// edit writes the file of one customer.
func (v scale) edit(customer, edition int) {
	v.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "group \"customer%d\" {\n  server \"s%d\" {\n    hostname = \"127.0.0.1\"\n", customer, customer)
	for n := range scaleChecks {
		fmt.Fprintf(&text, "    imap_check \"c%d\" {\n      label    = \"Mail %d\"\n      port     = %d\n      security = \"none\"\n      interval = \"%ds\"\n    }\n",
			n, n, v.port, 86400-edition)
	}
	text.WriteString("  }\n}\n")
	v.write(fmt.Sprintf("customer%d.hcl", customer), text.String())
}

// From exec to READY=1 with 10,000 checks. The target is a second.
func BenchmarkScaleReady(b *testing.B) {
	v := newScale(b)
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		v.start()
		took += time.Since(began)
		v.stop()
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s/ready")
}

// From one file of 400 in its place to its checks applied, noticed by events. The
// target is a second.
func BenchmarkScaleChange(b *testing.B) {
	v := newScale(b)
	v.start()
	v.await("quiet", patience, v.quiet)
	var took time.Duration
	for n := 1; b.Loop(); n++ {
		began := time.Now()
		v.edit(7, n)
		v.await("the change to be applied", patience, func() bool { return len(v.logged("configuration applied")) > n })
		line := v.logged("configuration applied")[n]
		at, err := time.Parse(time.RFC3339Nano, line["time"].(string))
		if err != nil {
			b.Fatal(err)
		}
		took += at.Sub(began)
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s/applied")
	v.stop()
}

// A reload by the command line when nothing has changed, with 10,000 checks. The
// target is 300 ms.
func BenchmarkScaleUnchanged(b *testing.B) {
	v := newScale(b)
	v.start()
	v.await("quiet", patience, v.quiet)
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		verdict, err := v.client.Reload(context.Background(), false)
		took += time.Since(began)
		if err != nil || verdict.Result != "unchanged" {
			b.Fatal(verdict, err)
		}
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s/unchanged")
	v.stop()
}

// quiet: every check has had its first turn.
func (v scale) quiet() bool {
	for _, c := range v.status().Checks {
		if c.LastProbeAt == nil {
			return false
		}
	}
	return true
}
