package packaging_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

const statusPage = "man/imapvigil-page.7"

// TestPageConfigurations loads each configuration of imapvigil-page(7): nothing is wrong
// with it, and it is formatted.
func TestPageConfigurations(t *testing.T) {
	authority, err := os.ReadFile("../examples/files/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range configurations(t, statusPage) {
		first, _, _ := strings.Cut(text, "\n")
		t.Run(fmt.Sprint(i+1, " ", first), func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "page.pem"), string(authority), 0o644)
			// Its page is read without secrets, and reads those of others.
			write(t, filepath.Join(dir, "page.hcl"), text, 0o644)
			var rest strings.Builder
			for _, block := range append(beginning, "group \"europe\" {\n  imap_check \"far\" {\n    hostname = \"mx.example.org\"\n  }\n}\n") {
				rest.WriteString(block)
			}
			write(t, filepath.Join(dir, "rest.hcl"), rest.String(), 0o644)
			loads(t, dir, filepath.Join(dir, "page.hcl"))
			formatted, diags := hclfile.Format("page.hcl", []byte(text))
			if len(diags) > 0 || !bytes.Equal(formatted, []byte(text)) {
				t.Errorf("it is not formatted; as fmt writes it:\n%s", formatted)
			}
		})
	}
}
