package hclfile

import (
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/certfile"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/config/source"
)

// authorityFile names a file of authorities in PEM; its value is the certificates.
var authorityFile = kind{name: "file", read: func(r *reading) (value, bool) { return r.certificates(true) }}

// certificateFile names a file with a certificate, and those of its issuers, in PEM;
// its value is the certificates. Keys and parameters beside them are usual.
var certificateFile = kind{name: "file", read: func(r *reading) (value, bool) { return r.certificates(false) }}

// ownCertificateFile is certificateFile for a certificate that each node of the cluster has one of
// its own of.
var ownCertificateFile = kind{name: "file", read: func(r *reading) (value, bool) {
	r.own = true
	return r.certificates(false)
}}

// certificates reads every block of the file that an attribute names. One that is
// damaged is an error, although others are whole: it may be the one that matters.
func (r *reading) certificates(authorities bool) (value, bool) {
	c, path, ok := r.open()
	if !ok {
		return value{}, false
	}
	var pems strings.Builder
	text := c.Text.Reveal()
	blocks := certfile.Read(text)
	if len(blocks) == 0 {
		return r.wrong(rulePEM, "%s", aboutForm(path, certfile.WhyNone(text, "certificate", "x509")+".").says(r.shown()))
	}
	found := &blockFindings{r: r, path: path}
	for _, b := range blocks {
		advice, other := b.OtherForm()
		switch why, damaged := b.Unusable(); {
		case other:
			found.add(ruleBrokenPEM, b, "is of a form that is not read. "+advice)
		case b.Label != "CERTIFICATE" && strings.EqualFold(strings.TrimSpace(b.Label), "CERTIFICATE"):
			found.add(ruleBrokenPEM, b, "is not read, since its first line is not quite -----BEGIN CERTIFICATE-----, with one space and in capital letters.")
		case b.Label != "CERTIFICATE" && b.Wrong != "":
			found.add(ruleBrokenPEM, b, why+".")
		case b.Label != "CERTIFICATE":
			if authorities {
				// A client's certificate often has its key in the same file; among
				// authorities it is a mistake.
				found.add(ruleIgnoredPEM, b, "is no certificate and has no effect here.")
			}
		case damaged:
			found.add(ruleBrokenPEM, b, why+".")
		case why != "":
			found.add(ruleIgnoredPEM, b, why+". What it issued is not trusted.")
		default:
			pems.Write(pem.EncodeToMemory(b.PEM))
		}
	}
	// A block that is damaged is said below, and is why there is none.
	if pems.Len() == 0 && !found.broken {
		r.wrong(rulePEM, "%s", complaintAbout(path, "has no certificate that can be used.").says(r.shown()))
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

func (f *blockFindings) add(which *rule, b certfile.Block, text string) {
	f.broken = f.broken || which.Gravity == config.Error
	text = fmt.Sprintf("the block %s %s", b.Name(), text)
	says := complaint{
		fmt.Sprintf("%s:%d: %s", f.path, b.Line, strings.ReplaceAll(text, "FILE", f.path)),
		fmt.Sprintf("In line %d of the file that is named here %s", b.Line, text),
	}
	f.said = append(f.said, func() { f.r.l.Report(which, f.r.expr.Range(), "%s", says.says(f.r.shown())) })
}

// report reports the first findings and how many more there are. It returns whether the
// file cannot be used.
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
		f.r.l.Report(which, f.r.expr.Range(), "%s", complaintAbout(f.path, fmt.Sprintf("has %d more blocks with mistakes like these.", more)).says(f.r.shown()))
	}
	return f.broken
}

// aboutForm returns a complaint about a file that must be converted; FILE in a command
// stands for its path.
func aboutForm(path, text string) complaint {
	c := complaintAbout(path, text)
	c.full = strings.ReplaceAll(c.full, "FILE", path)
	return c
}

// keyFile names the file of a private key; its value is a secret.
var keyFile = kind{name: "file", read: func(r *reading) (value, bool) {
	if r.l.snapshot.Options().NoCredentials {
		return value{secret: opaque.NewSecret(unreadSecret)}, true
	}
	c, path, ok := r.openBy(r.l.snapshot.OpenSecret)
	switch {
	case !ok:
		return value{}, false
	case c.Trusted:
		return value{secret: opaque.NewSecret(unreadSecret)}, true
	case c.Readable:
		return r.wrong(rulePublic, "%s", readable(path, c).says(r.shown()))
	}
	r.l.KeepSecret(c.Text.Reveal()) // before anything is said of it
	key, why := certfile.PrivateKey(c.Text.Reveal())
	if why != "" {
		return r.wrong(ruleKeyFile, "%s", aboutForm(path, why+".").says(r.shown()))
	}
	r.l.KeepSecret(key)
	return value{secret: opaque.NewSecret(key)}, true
}}

// open reads the file that an attribute names, which is no secret.
func (r *reading) open() (source.Content, string, bool) {
	return r.openBy(func(path string) source.Content {
		if r.own {
			return r.l.snapshot.OpenOwn(path)
		}
		return r.l.snapshot.Open(path, false)
	})
}

func (r *reading) openBy(open func(path string) source.Content) (source.Content, string, bool) {
	v, ok := readText(r)
	if !ok {
		return source.Content{}, "", false
	}
	// Relative to the file in which it is written, not to the working directory.
	path := from(filepath.Dir(r.expr.Range().Filename), v.text)
	c := open(path)
	if !c.IsUsable() {
		r.wrong(ruleNamedFile, "%s", unusable(path, c).says(r.shown()))
		return c, path, false
	}
	return c, path, true
}

// complaintAbout returns a complaint that begins with the path of a named file.
func complaintAbout(path, text string) complaint {
	return complaint{path + " " + text, "The file that is named here " + text}
}

// unusable returns the complaint about a named file that could not be read or does not
// count.
func unusable(path string, c source.Content) complaint {
	switch {
	case c.Missing:
		return complaint{"There is no file " + path + ".", "The file that is named here does not exist."}
	case c.Writable:
		return complaint{
			path + " can be written by others. Take the permission away:\n    chmod o-w " + path,
			"The file that is named here can be written by others. Take the permission away (chmod o-w).",
		}
	}
	return complaint{path + ": " + c.Fault + "." + c.Remedy, "The file that is named here cannot be read: " + c.Fault + "."}
}

// readable returns the complaint about a secret that others can read. Where chmod cannot
// help, whoever mounts the volume has to.
func readable(path string, c source.Content) complaint {
	if c.Fixed {
		const text = "can be read by others, so it is no secret, and it lies on a file system that is mounted read-only. Mount it with another mode; for a Kubernetes volume: defaultMode: 0400, or 0440 with an fsGroup."
		return complaintAbout(path, text)
	}
	return complaint{
		path + " can be read by others, so it is no secret. Take the permission away:\n    " + access.Closing(path),
		"The file that is named here can be read by others, so it is no secret. Take the permission away (chmod o=).",
	}
}
