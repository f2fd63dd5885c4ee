package hclfile

import (
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/config/source"
)

// authorityFile names a file of authorities in PEM; its value is the certificates.
var authorityFile = kind{name: "file", read: func(r *reading) (value, bool) { return r.certificates(true) }}

// certificateFile names a file with a certificate, and those of its issuers, in PEM;
// its value is the certificates. Keys and parameters beside them are usual.
var certificateFile = kind{name: "file", read: func(r *reading) (value, bool) { return r.certificates(false) }}

// certificates reads every block of the file that an attribute names. One that is
// damaged is an error, although others are whole: it may be the one that matters.
func (r *reading) certificates(authorities bool) (value, bool) {
	c, path, ok := r.open(false)
	if !ok {
		return value{}, false
	}
	var pems strings.Builder
	text := c.Text.Reveal()
	blocks := readPEM(text)
	if len(blocks) == 0 {
		return r.wrong(rulePEM, "%s", aboutForm(path, noPEM(text, "certificate", "x509")+".").says(r.shown()))
	}
	found := r.newBlockFindings(path)
	for _, b := range blocks {
		advice, other := otherForms[b.label]
		switch why, damaged := b.unreadable(); {
		case other:
			found.add(ruleBrokenPEM, b, "is of a form that is not read. "+advice)
		case b.label != "CERTIFICATE" && strings.EqualFold(strings.TrimSpace(b.label), "CERTIFICATE"):
			found.add(ruleBrokenPEM, b, "is not read, since its first line is not quite -----BEGIN CERTIFICATE-----, with one space and in capital letters.")
		case b.label != "CERTIFICATE" && b.wrong != "":
			found.add(ruleBrokenPEM, b, why+".")
		case b.label != "CERTIFICATE":
			if authorities {
				found.add(ruleIgnoredPEM, b, "is no certificate and has no effect here.")
			}
		case damaged:
			found.add(ruleBrokenPEM, b, why+".")
		case why != "":
			found.add(ruleIgnoredPEM, b, why+". What it issued is not trusted.")
		default:
			pems.Write(pem.EncodeToMemory(b.block))
		}
	}
	if pems.Len() == 0 && !found.broken {
		r.wrong(rulePEM, "%s", about(path, "holds no certificate that can be used.").says(r.shown()))
		found.broken = true
	}
	return value{text: pems.String()}, !found.report()
}

// blockFindings are what is wrong with the blocks of one file.
type blockFindings struct {
	r      *reading
	path   string
	broken bool // the file cannot be used
	said   []func()
}

func (r *reading) newBlockFindings(path string) *blockFindings {
	return &blockFindings{r: r, path: path}
}

func (f *blockFindings) add(which *rule, b pemBlock, text string) {
	f.broken = f.broken || which.Gravity == config.Error
	text = fmt.Sprintf("the block %s %s", b.called(), text)
	says := complaint{
		fmt.Sprintf("%s:%d: %s", f.path, b.line, strings.ReplaceAll(text, "FILE", f.path)),
		fmt.Sprintf("In line %d of the file that is named here %s", b.line, text),
	}
	f.said = append(f.said, func() { f.r.l.report(which, f.r.expr.Range(), "%s", says.says(f.r.shown())) })
}

// report reports the first findings and how many more there are. It tells whether
// the file cannot be used.
func (f *blockFindings) report() bool {
	const most = 6
	for _, say := range f.said[:min(most, len(f.said))] {
		say()
	}
	if more := len(f.said) - most; more > 0 {
		which := ruleIgnoredPEM
		if f.broken {
			which = ruleBrokenPEM
		}
		f.r.l.report(which, f.r.expr.Range(), "%s", about(f.path, fmt.Sprintf("has %d more blocks of which the like is to be said.", more)).says(f.r.shown()))
	}
	return f.broken
}

// aboutForm is about a file that must be converted; FILE in a command stands for it.
func aboutForm(path, text string) complaint {
	c := about(path, text)
	c.full = strings.ReplaceAll(c.full, "FILE", path)
	return c
}

// keyFile names the file of a private key; its value is a secret.
var keyFile = kind{name: "file", read: func(r *reading) (value, bool) {
	if r.l.snapshot.Options().NoCredentials {
		return value{secret: opaque.NewSecret(unreadSecret)}, true
	}
	c, path, ok := r.open(true)
	switch {
	case !ok:
		return value{}, false
	case c.Readable:
		return r.wrong(rulePublic, "%s", readable(path, c).says(r.shown()))
	}
	r.l.keepSecret(c.Text.Reveal())
	key, why := privateKey(c.Text.Reveal())
	if why != "" {
		return r.wrong(ruleKeyFile, "%s", aboutForm(path, why+".").says(r.shown()))
	}
	r.l.keepSecret(key)
	return value{secret: opaque.NewSecret(key)}, true
}}

// privateKey finds the private key in a file, or says why there is none that can be
// used.
func privateKey(text string) (key, why string) {
	blocks := readPEM(text)
	if len(blocks) == 0 {
		return "", noPEM(text, "private key", "pkey")
	}
	for _, b := range blocks {
		if !strings.HasSuffix(b.label, "PRIVATE KEY") {
			continue
		}
		switch {
		case b.wrong != "":
			return "", fmt.Sprintf("has a private key in line %d that %s", b.line, b.wrong)
		case b.label == "ENCRYPTED PRIVATE KEY" || b.block.Headers["DEK-Info"] != "":
			return "", "has a private key that is protected by a passphrase, and nobody is there to enter it. Take the passphrase away:\n    openssl pkey -in FILE -out FILE.new\nand make the new file readable by the daemon alone"
		}
		return string(pem.EncodeToMemory(b.block)), ""
	}
	if blocks[0].label == "CERTIFICATE" {
		return "", "holds a certificate and no private key. Perhaps cert_file and key_file are written the wrong way round"
	}
	return "", "holds no private key in PEM"
}

// unkeptFile names a file; its value is the text, which is not saved with a
// Snapshot.
var unkeptFile = kind{name: "file", read: func(r *reading) (value, bool) {
	c, _, ok := r.open(true)
	return value{text: c.Text.Reveal()}, ok
}}

// open reads the file that an attribute names.
func (r *reading) open(secret bool) (source.Content, string, bool) {
	v, ok := readText(r)
	if !ok {
		return source.Content{}, "", false
	}
	path := from(filepath.Dir(r.expr.Range().Filename), v.text)
	c := r.l.snapshot.Open(path, secret)
	if !c.IsUsable() {
		r.wrong(ruleNamedFile, "%s", unusable(path, c).says(r.shown()))
		return c, path, false
	}
	return c, path, true
}
