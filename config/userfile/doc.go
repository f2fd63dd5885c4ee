// Package userfile reads the two files of people and programs that may use the pages:
// users, as htpasswd(1) writes them, and tokens. It gets their text and opens nothing.
//
// A caller may rely on this: a [Fault] never repeats what stands in a line, but for the
// name of a user or token that is right. What stands there may be a password.
package userfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Fault is what is wrong with one line: a sentence that goes on after "FILE:LINE: ".
// FILE and NAME in a command that it shows stand for the file and a name.
type Fault struct {
	Line int // from 1; 0: the file as a whole
	Text string
}

// eachLine calls read with each line that has something in it, without the white space
// around it. Lines that begin with # are comments, as in files of htpasswd.
func eachLine(text string, read func(n int, line string)) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			read(n, line)
		}
	}
}

// longestName is how many bytes a name has at most, as htpasswd bounds it.
const longestName = 255

// checkName returns what is wrong with the name of a user or a token, or "".
func checkName(name string) string {
	unfit := func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == '\\' }
	switch {
	case name == "":
		return "the name is missing."
	case len(name) > longestName:
		return fmt.Sprintf("the name is longer than %d bytes.", longestName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unfit):
		return "the name has characters that cannot be printed, a quote or a backslash in it."
	case strings.HasPrefix(name, "$"):
		return "a name must not begin with $. The name comes first, then the rest."
	}
	return ""
}
