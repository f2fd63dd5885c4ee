package hclfile

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/config/userfile"
)

// usersFile names a file of users. Where secrets are not read it stands for one user who
// cannot be named.
var usersFile = kind{name: "file", read: func(r *reading) (value, bool) {
	text, read, ok := r.openLines()
	switch {
	case !ok:
		return value{}, false
	case !read:
		return value{users: []config.PageUser{{Name: unreadSecret, Hash: opaque.NewSecret(unreadSecret)}}}, true
	}
	users, faults := userfile.Users(text.Text.Reveal())
	for _, u := range users {
		r.l.KeepSecret(u.Hash.Reveal())
	}
	return value{users: users}, r.judgeLines(text, faults)
}}

// tokensFile names a file of tokens, likewise.
var tokensFile = kind{name: "file", read: func(r *reading) (value, bool) {
	text, read, ok := r.openLines()
	switch {
	case !ok:
		return value{}, false
	case !read:
		return value{tokens: []config.PageToken{{Name: unreadSecret}}}, true
	}
	tokens, faults := userfile.Tokens(text.Text.Reveal())
	for _, line := range strings.Fields(text.Text.Reveal()) {
		if len(line) == 64 {
			r.l.KeepSecret(line)
		}
	}
	return value{tokens: tokens}, r.judgeLines(text, faults)
}}

// lines is a file of users or tokens that was read.
type lines struct {
	source.Content
	path string
}

// openLines reads the file that an attribute names, with the rules of a credential. read
// is false where secrets are not read.
func (r *reading) openLines() (text lines, read, ok bool) {
	if r.l.snapshot.Options().NoCredentials {
		return lines{}, false, true
	}
	c, path, ok := r.openBy(r.l.snapshot.OpenSecret)
	switch {
	case !ok:
		return lines{}, false, false
	case c.Trusted:
		return lines{}, false, true
	case c.Readable:
		r.wrong(rulePublic, "%s", readable(path, c).says(r.shown()))
		return lines{}, false, false
	case source.OtherEncoding([]byte(c.Text.Reveal())) != "":
		r.wrong(ruleNamedFile, "%s", inEncoding(path, source.OtherEncoding([]byte(c.Text.Reveal()))).says(r.shown()))
		return lines{}, false, false
	}
	return lines{c, path}, true, true
}

// judgeLines reports the first lines that are wrong, and how many more there are. It
// reports whether none is.
func (r *reading) judgeLines(text lines, faults []userfile.Fault) bool {
	const most = 6
	for _, f := range faults[:min(most, len(faults))] {
		says := complaintAbout(text.path, f.Text)
		if f.Line > 0 {
			says = complaint{
				fmt.Sprintf("%s:%d: %s", text.path, f.Line, f.Text),
				fmt.Sprintf("In line %d of the file that is named here %s", f.Line, f.Text),
			}
		}
		says.full = strings.ReplaceAll(says.full, "FILE", text.path)
		r.wrong(ruleUserFile, "%s", says.says(r.shown()))
	}
	if more := len(faults) - most; more > 0 {
		r.wrong(ruleUserFile, "%s", complaintAbout(text.path, fmt.Sprintf("has %d more lines with mistakes like these.", more)).says(r.shown()))
	}
	return len(faults) == 0
}
