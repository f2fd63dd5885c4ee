package certfile_test

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/certfile"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

func TestPool(t *testing.T) {
	text := string(ca.New().PEM())
	if pool, err := certfile.Pool(""); pool != nil || err != nil {
		t.Errorf("no text: %v, %v; want the system's authorities", pool, err)
	}
	if pool, err := certfile.Pool(text); pool == nil || err != nil {
		t.Errorf("an authority: %v, %v", pool, err)
	}
	if pool, err := certfile.Pool("nothing"); pool != nil || err == nil {
		t.Errorf("no certificate: %v, %v", pool, err)
	}
	damaged := strings.Replace(text, "MI", "AA", 1)
	if n := len(certfile.Certificates(damaged + text)); n != 1 {
		t.Errorf("%d certificates beside a damaged one", n)
	}
}

// FuzzRead: whatever is in a file, it is told in one line without the file's own
// words, and what is whole is what the decoder of the standard library reads.
func FuzzRead(f *testing.F) {
	text := string(ca.New().PEM())
	f.Add(text)
	f.Add("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n")
	f.Add(strings.ReplaceAll(text, "\n", "\r\n") + "-----BEGIN X-----")
	f.Fuzz(func(t *testing.T, text string) {
		for _, b := range certfile.Read(text) {
			if (b.PEM == nil) != (b.Wrong != "") {
				t.Errorf("the block in line %d is read: %v, and wrong: %q", b.Line, b.PEM != nil, b.Wrong)
			}
			if strings.Contains(b.Wrong+b.Name(), "canary") || strings.Contains(b.Wrong, "\n") {
				t.Errorf("said of the block in line %d: %q", b.Line, b.Wrong)
			}
		}
		if _, why := certfile.PrivateKey(text); strings.Contains(why, "canary") {
			t.Errorf("said of a key: %q", why)
		}
	})
}
