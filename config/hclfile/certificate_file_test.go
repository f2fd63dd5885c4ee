package hclfile_test

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// A check that names a ca_file.
const withAuthority = "imap_check \"x\" {\n  hostname = \"mx.example.org\"\n  notification_roles = []\n  tls {\n    ca_file = \"ca.pem\"\n  }\n}\n"

// utf16 is a text as some editors of Windows save it.
func utf16(text string) string {
	out := "\xff\xfe"
	for _, b := range []byte(text) {
		out += string([]byte{b, 0})
	}
	return out
}

// Files of authorities in all shapes: how many certificates are read, and what is
// said.
func TestShapesOfCertificateFiles(t *testing.T) {
	der, _ := pem.Decode([]byte(clientCert))
	block := strings.TrimSuffix(clientCert, "\n")
	for name, test := range map[string]struct {
		text  string
		certs int
		says  string // "": nothing
	}{
		"one":                         {clientCert, 1, ""},
		"without the last line end":   {block, 1, ""},
		"with comments":               {"Issuer: somebody\n  indented: yes\n" + clientCert + "\n# and\n\n" + clientCert + "\ntrailing words\n", 2, ""},
		"commented out":               {"# " + strings.ReplaceAll(block, "\n", "\n# ") + "\n" + clientCert, 1, ""},
		"line ends of Windows":        {strings.ReplaceAll(clientCert+clientCert, "\n", "\r\n"), 2, ""},
		"line ends of old Macs":       {strings.ReplaceAll(clientCert, "\n", "\r"), 1, ""},
		"a byte order mark":           {"\uFEFF" + clientCert, 1, ""},
		"byte order marks within":     {"\uFEFF" + clientCert + "\uFEFF" + clientCert, 2, ""},
		"spaces at the ends of lines": {strings.ReplaceAll(clientCert, "\n", "  \n"), 1, ""},
		"the body indented":           {strings.Replace(clientCert, "\nMII", "\n   MII", 1), 1, ""},
		"an empty line within":        {strings.Replace(clientCert, "\nMDE4", "\n\nMDE4", 1), 1, ""},
		"twice the same":              {clientCert + clientCert, 2, ""},
		"DER":                         {string(der.Bytes), 0, "is in the binary form DER, not in PEM"},
		"another binary":              {"\x00\x01\xff\xfe\x80", 0, "is not in PEM, which is text"},
		"UTF-16":                      {utf16(clientCert), 0, "is written in UTF-16"},
		"empty":                       {"", 0, "has no certificate in PEM"},
		"a key alone":                 {"-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n", 0, "has no certificate that can be used"},
		"garbage behind the end":      {block + "x\n" + clientCert, 0, "ends with another line than"},
		"the end spelt wrong":         {strings.Replace(clientCert, "-----END", "----END", 1) + clientCert, 0, "the next begins in line 12 before it has ended"},
		"a beginning is missing":      {clientCert + strings.TrimPrefix(clientCert, "-----BEGIN CERTIFICATE-----\n"), 0, "ca.pem:21: the block CERTIFICATE ends here and has no -----BEGIN CERTIFICATE----- before it"},
		"a hyphen is missing":         {clientCert + strings.TrimPrefix(clientCert, "-"), 0, "ca.pem:12: the block ... begins with a line that is not quite"},
		"dashes of a word processor":  {strings.Replace(clientCert, "-----BEGIN", "–––––BEGIN", 1) + clientCert, 0, "ca.pem:1: the block ... begins with a line that is not quite"},
		"a space of a word processor": {clientCert + strings.Replace(clientCert, "BEGIN ", "BEGIN\u00a0", 1), 0, "begins with a line that is not quite"},
		"two spaces":                  {clientCert + strings.Replace(clientCert, "BEGIN ", "BEGIN  ", 1), 0, "is not quite -----BEGIN CERTIFICATE-----"},
		"small letters":               {clientCert + strings.ReplaceAll(strings.Replace(clientCert, "BEGIN", "begin", 1), "CERTIFICATE", "certificate"), 0, "begins with a line that is not quite"},
		"a label in small letters":    {clientCert + strings.ReplaceAll(clientCert, "CERTIFICATE", "Certificate"), 0, "is not quite -----BEGIN CERTIFICATE-----"},
		"all indented":                {clientCert + "  " + strings.ReplaceAll(clientCert, "\n", "\n  "), 0, "does not begin on a line of its own"},
		"a label that is no label":    {strings.ReplaceAll(clientCert, "CERTIFICATE", "Café\x1b[31m") + clientCert, 1, "the block ... is no certificate"},
		"a hundred that are damaged":  {clientCert + strings.Repeat("-----BEGIN CERTIFICATE-----\n", 100), 0, "has 94 more blocks with mistakes like these"},
	} {
		t.Run(name, func(t *testing.T) {
			tree(t, map[string]string{"etc/main.hcl": withAuthority, "etc/ca.pem": test.text})
			cfg, diags := hclfile.Load(read(t, "etc", source.Options{}))
			said := ""
			for _, d := range diags {
				if strings.HasPrefix(d.Rule, "certificate-") {
					said += d.Detail + "\n"
				}
			}
			if test.says == "" && said != "" || !strings.Contains(said, test.says) {
				t.Errorf("said %q, want %q", said, test.says)
			}
			certs := 0
			if cfg != nil {
				certs = strings.Count(onlyCheck(t, cfg).Probe.TLS.CA.Text(), "-----BEGIN CERTIFICATE-----\n")
			}
			if certs != test.certs {
				t.Errorf("%d certificates, want %d", certs, test.certs)
			}
		})
	}
}

func onlyCheck(t *testing.T, cfg *config.Config) *config.Check {
	t.Helper()
	for _, check := range cfg.Checks {
		return check
	}
	t.Fatal("no check")
	return nil
}

// The settings of notifiers go the same way.
func TestCertificateFilesOfNotifiers(t *testing.T) {
	for kind, settings := range map[string]string{
		"webhook": `url = "https://hook.example.org"`,
		"email":   "host = \"smtp.example.org\"\n  from = \"a@example.org\"",
	} {
		tree(t, map[string]string{
			"etc/main.hcl": "notifier \"" + kind + "\" \"x\" {\n  " + settings + "\n  ca_file = \"ca.pem\"\n}\n",
			"etc/ca.pem":   clientCert + clientCert[:200] + "\n",
		})
		_, diags := hclfile.Load(read(t, "etc", source.Options{}))
		found := false
		for _, d := range diags {
			found = found || d.Rule == "certificate-broken" && strings.HasPrefix(d.Detail, "etc/ca.pem:12: the block CERTIFICATE is cut off")
		}
		if !found {
			t.Errorf("%s: nothing is said of the second certificate: %v", kind, diags)
		}
	}
}
