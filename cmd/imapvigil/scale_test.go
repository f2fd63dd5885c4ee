package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// 10,000 checks: 400 customers with a file each, and 25 checks in it.
const (
	scaleCustomers = 400
	scaleChecks    = 25
)

// newScale prepares the program as it is installed, with 10,000 checks. Their
// first turns come within ten seconds, and find that nothing listens.
func newScale(b *testing.B) *vigil {
	b.Helper()
	v := newVigil(b, nil)
	v.program = built(b)
	for i := range scaleCustomers {
		v.write(scaleName(i), scaleText(i, 0))
	}
	return v
}

func scaleName(i int) string { return fmt.Sprintf("customer%d.hcl", i) }

func scaleText(i, edition int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "group \"customer%d\" {\n  server \"s%d\" {\n    hostname = \"127.0.0.1\"\n", i, i)
	for n := range scaleChecks {
		fmt.Fprintf(&text, "    imap_check \"c%d\" {\n      label    = \"Mail %d\"\n      port     = %d\n      security = \"tls\"\n      interval = \"24h\"\n    }\n",
			n, n, 1+edition%1000)
	}
	text.WriteString("  }\n}\n")
	return text.String()
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
	var took time.Duration
	for n := 1; b.Loop(); n++ {
		// What the probes of the start have found must not be in the way.
		v.await("quiet", patience, func() bool { return v.quiet() })
		began := time.Now()
		v.write(scaleName(7), scaleText(7, n))
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
	v.await("quiet", patience, func() bool { return v.quiet() })
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
func (v *vigil) quiet() bool {
	for _, c := range v.status().Checks {
		if c.LastProbeAt == nil {
			return false
		}
	}
	return true
}
