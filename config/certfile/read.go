package certfile

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A Block is one block of a PEM file (RFC 7468), whole or not. The decoder of the
// standard library passes over what it cannot read without a word.
type Block struct {
	Line  int // of its BEGIN, from 1
	Label string
	PEM   *pem.Block // nil: it cannot be read
	Wrong string     // then why, as the end of a sentence
}

const (
	byteOrderMark = "\ufeff"

	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemDash  = "-----"
)

// Read returns every block of a file. Text around blocks is a comment (RFC 7468
// section 2), byte order marks and all three kinds of line ends are taken.
func Read(text string) []Block {
	var blocks []Block
	var body []string
	var open *Block
	begun := false // a block that was given up at its first line has not ended yet
	finish := func(wrong string) {
		if open.Wrong = wrong; wrong == "" {
			open.decode(body)
		}
		blocks = append(blocks, *open)
		open = nil
	}
	for i, line := range strings.Split(unixLines(text), "\n") {
		line = strings.TrimRight(strings.TrimPrefix(line, byteOrderMark), " \t")
		bare := strings.TrimLeft(line, " \t")
		// cat joins two lines where a file has no line end at its end.
		_, next, joined := strings.Cut(bare, pemDash+pemBegin)
		if joined && strings.HasPrefix(bare, pemEnd) && open != nil {
			finish(fmt.Sprintf("has no line end after its -----END line: write what follows in line %d on a line of its own", i+1))
			bare, line = pemBegin+next, pemBegin+next
		}
		label, begins := strings.CutPrefix(bare, pemBegin)
		switch {
		case begins:
			if open != nil {
				finish(fmt.Sprintf("is cut off: the next begins in line %d before it has ended", i+1))
			}
			open, body = &Block{Line: i + 1, Label: strings.TrimSuffix(label, pemDash)}, nil
			// encoding/pem finds a block only at the beginning of a line.
			if bare != line || !strings.HasSuffix(label, pemDash) {
				open.Wrong = "does not begin on a line of its own: remove what is before or after -----BEGIN " + open.Name() + "-----"
				blocks, open, begun = append(blocks, *open), nil, true
			}
		case open == nil && likeBegin.MatchString(bare):
			blocks, begun = append(blocks, Block{Line: i + 1, Wrong: "begins with a line that is not quite -----BEGIN ...-----, with five hyphens on each side and in capital letters"}), true
		case open == nil && strings.HasPrefix(bare, pemEnd):
			if !begun {
				b := Block{Line: i + 1, Label: strings.TrimSuffix(strings.TrimPrefix(bare, pemEnd), pemDash)}
				b.Wrong = "ends here and has no -----BEGIN " + b.Name() + "----- before it"
				blocks = append(blocks, b)
			}
			begun = false
		case open == nil:
		case line == pemEnd+open.Label+pemDash:
			finish("")
		case strings.HasPrefix(bare, pemEnd):
			finish(fmt.Sprintf("ends with another line than -----END %s-----, in line %d", open.Name(), i+1))
		default:
			body = append(body, line)
		}
	}
	if open != nil {
		finish("is cut off: there is no -----END " + open.Name() + "-----")
	}
	return blocks
}

// likeBegin finds first lines of blocks that were damaged on their way: hyphens lost,
// or made dashes or spaces of another kind by a word processor.
var likeBegin = regexp.MustCompile(`(?i)^[-\x{2010}-\x{2015}\x{2212}]+[\s\x{A0}]*BEGIN[\s\x{A0}]`)

func unixLines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// decode reads the lines between BEGIN and END.
func (b *Block) decode(body []string) {
	b.PEM, _ = pem.Decode([]byte(pemBegin + b.Label + pemDash + "\n" + strings.Join(body, "\n") + "\n" + pemEnd + b.Label + pemDash + "\n"))
	if b.PEM == nil {
		b.Wrong = "has something else than base64 in it"
	}
}

var pemLabel = regexp.MustCompile(`^[A-Z0-9]([A-Z0-9 ]{0,38}[A-Z0-9])?$`)

// Name returns the label of a block. The file may be anything, also a secret, so that
// only what looks like a label is repeated.
func (b *Block) Name() string {
	if pemLabel.MatchString(b.Label) {
		return b.Label
	}
	return "..."
}

// WhyNone returns why a file without any block has none: it is in another form. what
// names what should be in it, tool the command of openssl that converts it.
func WhyNone(text, what, tool string) string {
	data := []byte(text)
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")):
		return "is written in UTF-16. Save it as plain text (UTF-8)"
	case isDER(data):
		return fmt.Sprintf("is in the binary form DER, not in PEM. Convert it:\n    openssl %s -inform DER -in FILE -out FILE.new", tool)
	case !utf8.Valid(data):
		return "is not in PEM, which is text"
	}
	return "has no " + what + " in PEM, which is text between the lines -----BEGIN and -----END"
}

// isDER reports whether a file is one value of ASN.1, a sequence, from end to end.
func isDER(data []byte) bool {
	var whole asn1.RawValue
	rest, err := asn1.Unmarshal(data, &whole)
	return err == nil && whole.Tag == asn1.TagSequence && whole.IsCompound && len(rest) == 0
}

// Unusable returns why a block that should be a certificate cannot be used, as the end
// of a sentence, and whether the file is damaged: if not, Go does not know this kind of
// certificate. "" where it can be used.
func (b *Block) Unusable() (why string, damaged bool) {
	if b.Wrong != "" {
		return b.Wrong, true
	}
	if len(b.PEM.Headers) > 0 {
		// x509.CertPool passes over such a block without a word.
		return "has header lines, which a certificate has not. Take them out", true
	}
	if _, err := x509.ParseCertificate(b.PEM.Bytes); err != nil {
		return fmt.Sprintf("cannot be read: %s", err), !isDER(b.PEM.Bytes)
	}
	return "", false
}

// OtherForm returns what to do about a block that holds a certificate in a form that
// is not read; other is false for any other block.
func (b *Block) OtherForm() (advice string, other bool) {
	advice, other = otherForms[b.Label]
	return advice, other
}

var otherForms = map[string]string{
	"TRUSTED CERTIFICATE": "Convert it:\n    openssl x509 -in FILE -out FILE.new",
	"X509 CERTIFICATE":    "Write CERTIFICATE in place of X509 CERTIFICATE in its first and last line.",
	"PKCS7":               "Convert it:\n    openssl pkcs7 -print_certs -in FILE -out FILE.new",
	"CMS":                 "Convert it:\n    openssl pkcs7 -print_certs -in FILE -out FILE.new",
}
