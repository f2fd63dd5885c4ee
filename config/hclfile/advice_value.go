package hclfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// What people write without quotes is told from a name by what the attribute
// takes: true or false, a reference, a number, a text.

// adviceFor returns how to write what somebody wrote as a name that has no meaning.
func (l *loader) adviceFor(f failing, t hcl.Traversal) string {
	root := t.RootName()
	text := l.bareWords(f, t)
	switch {
	// A name in capitals is one of the environment, by the custom of shells.
	case l.inText(f.expr, t) && strings.ToUpper(root) == root:
		return fmt.Sprintf("An environment variable is read with\n    ${env(%q)}", root)
	case l.inText(f.expr, t):
		return "A local is written ${local.name}. " + asItIs
	case slices.Contains([]string{"nil", "none", "undefined"}, strings.ToLower(root)) || root == "NULL" || root == "Null":
		return "Remove an attribute without a value, or write null."
	case f.attr == nil:
		return fmt.Sprintf("If you mean the string, quote it: %q.", text)
	case f.attr.kind.name == "bool":
		return adviceForBool(f.attr.name, root)
	case f.attr.kind.roots != nil:
		return l.adviceForReference(f, t)
	case strings.HasPrefix(f.attr.kind.name, "list of "):
		return fmt.Sprintf("If you mean the string, quote it: %q.", text)
	case isNumeric(f.attr.kind):
		return fmt.Sprintf("%s must be a number.", f.attr.name)
	}
	return fmt.Sprintf("If you mean the string, quote it:\n    %s = %q", f.attr.name, f.attr.kind.nearestValue(text))
}

func isNumeric(k kind) bool { return k.name == "integer" || k.name == "number" }

// Words that mean true or false in other programs.
var (
	meansTrue  = []string{"true", "yes", "on", "y", "t", "enabled", "enable", "ja"}
	meansFalse = []string{"false", "no", "off", "n", "f", "disabled", "disable", "nein"}
)

// boolMeant returns what a word means; ok is false where it means neither.
func boolMeant(word string) (isTrue, ok bool) {
	isTrue = slices.Contains(meansTrue, strings.ToLower(word))
	return isTrue, isTrue || slices.Contains(meansFalse, strings.ToLower(word))
}

func adviceForBool(name, word string) string {
	if isTrue, ok := boolMeant(word); ok {
		return fmt.Sprintf("Write\n    %s = %t", name, isTrue)
	}
	return name + " must be true or false."
}

// adviceForReference returns what was meant by a name alone, also where the path to it
// is written like mx1.imaps.
func (l *loader) adviceForReference(f failing, t hcl.Traversal) string {
	names, ok := steps(t)
	names = append([]string{t.RootName()}, names...)
	for _, separator := range []string{".", "/"} {
		if known, found := l.calledSo(strings.Join(names, separator), f.attr.kind.roots); ok && found {
			return "Write\n    " + f.attr.referring(known, f.expr.Range() == t.SourceRange())
		}
	}
	if l.mayGuess() {
		if near := l.referenceMeant(strings.Join(names, "."), f.attr.kind.roots...); near != "" {
			return strings.TrimSpace(near)
		}
	}
	return fmt.Sprintf("A reference is written like %s.", exampleOf(f.attr.kind.roots[0]))
}

// referring returns how an attribute refers to something: as a whole line where nothing
// else stands in it.
func (a *attribute) referring(to ref, whole bool) string {
	switch isList := strings.HasPrefix(a.kind.name, "list of "); {
	case whole && isList:
		return fmt.Sprintf("%s = [%s]", a.name, to)
	case whole:
		return fmt.Sprintf("%s = %s", a.name, to)
	}
	return to.String()
}

// bareWords returns what was written without quotes, as far as it is one value: to the
// parser a host name is a path of names, and a difference of them where it has hyphens.
func (l *loader) bareWords(f failing, t hcl.Traversal) string {
	const enough = 100
	whole := strings.TrimSpace(string(bytesAt(l.snapshot, f.expr.Range())))
	if whole != "" && len(whole) < enough && !strings.ContainsAny(whole, "\"'()[]{}\n,?:") {
		return whole
	}
	if part := string(bytesAt(l.snapshot, t.SourceRange())); part != "" && len(part) < enough && !strings.ContainsAny(part, "\"[]\n") {
		return part
	}
	return t.RootName()
}

// inText reports whether a name stands between ${ and } of a text.
func (l *loader) inText(expr hcl.Expression, t hcl.Traversal) bool {
	text, at := bytesAt(l.snapshot, expr.Range()), t.SourceRange().Start.Byte-expr.Range().Start.Byte
	return at > 0 && at <= len(text) && (bytes.Contains(text[:at], []byte("${")) || bytes.Contains(text[:at], []byte("%{")))
}
