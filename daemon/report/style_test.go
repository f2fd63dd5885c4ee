package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/report"
)

// A browser shows a report in its style if the policy of the answer has the hash of it, and
// nothing else in the page has a style.
func TestStyleHash(t *testing.T) {
	t.Parallel()
	text, err := report.HTML(&api.PeriodReport{}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<style>")
	style, rest, found := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if got, want := report.StyleHash(), "sha256-"+base64.StdEncoding.EncodeToString(sum[:]); !found || got != want {
		t.Errorf("the hash is %s, that of the page %s", got, want)
	}
	if strings.Contains(rest, "style=") || strings.Contains(rest, "<style") {
		t.Error("an element has a style of its own")
	}
}
