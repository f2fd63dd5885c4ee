package hclfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// explainReference reports, in the language's own words, a reference of an expression that
// leads nowhere. It returns whether it is one. Where a secret may stand, what looks like a
// name may be one without its quotes.
func (l *loader) explainReference(f failing, t hcl.Traversal) bool {
	root := t.RootName()
	switch {
	// adoptShadowed explains that.
	case isElement(t, f.ctx):
		return false
	case root == "local" && len(t) > 1:
		return l.explainLocal(t)
	case !slices.Contains(referenceRoots, root):
		return l.explainRoot(f, t)
	}
	names, ok := steps(t)
	if !ok || len(names) == 0 || l.referenceExists(root, names) {
		return false
	}
	l.Report(ruleUnknownReference, t.SourceRange(), "%s", l.unknownReference(root, names))
	return true
}

func (l *loader) explainRoot(f failing, t hcl.Traversal) bool {
	root := t.RootName()
	if _, ok := l.names.Variables[root]; ok {
		return false
	}
	if f.ctx != nil {
		if _, diags := t[:1].TraverseAbs(f.ctx); !diags.HasErrors() {
			return false // an element of a dynamic block
		}
	}
	at := t[0].SourceRange()
	meant := []string{"local"}
	// Blocks only where a reference is taken, so that a host name without quotes is a text.
	if f.attr == nil || f.attr.kind.roots != nil {
		meant = append(meant, referenceRoots...)
	}
	near := diagnose.OnlyNear(root, meant)
	known := fromElsewhere[root] != "" && len(t) > 1
	switch {
	case known:
		l.Report(ruleUnknownVariable, at, "Unknown name %s. %s", root, fromElsewhere[root])
	// The name may be a password without its quotes, so it is not repeated.
	case f.secretive:
		l.Report(ruleUnknownVariable, at, "Unknown name. %s", cmp.Or(l.escapeAdvice(f.expr), "A string must be in quotes."))
	case near != "" && len(t) > 1:
		l.Report(ruleUnknownVariable, at, "Unknown name %s.%s", root, near)
	default:
		l.Report(ruleUnknownVariable, at, "Unknown name %s. %s", root, l.adviceFor(f, t))
	}
	return true
}

// fromElsewhere are names that people know from other programs.
var fromElsewhere = map[string]string{
	"var":  "Define a value in locals { ... } and use it as local.name.",
	"each": "In a dynamic block the element is called as the block is, or as iterator says: server.key and server.value in dynamic \"server\".",
}

func (l *loader) explainLocal(t hcl.Traversal) bool {
	names, ok := steps(t[:2])
	if !ok {
		return false
	}
	if _, exists := l.locals[names[0]]; exists {
		return false
	}
	var known []string
	if l.mayGuess() {
		known = slices.Collect(maps.Keys(l.locals))
	}
	l.Report(ruleUnknownVariable, t.SourceRange(), "No locals block defines %q.%s", names[0], diagnose.DidYouMean(names[0], known, func(n string) string { return "local." + n }, "There is"))
	return true
}

// steps returns the names that follow the root: .name and ["name"] alike; false where
// one is not known before the expression is evaluated.
func steps(t hcl.Traversal) ([]string, bool) {
	var names []string
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
		case hcl.TraverseAttr:
			names = append(names, s.Name)
		case hcl.TraverseIndex:
			if !s.Key.IsKnown() || s.Key.IsNull() || s.Key.Type() != cty.String {
				return nil, false
			}
			names = append(names, s.Key.AsString())
		default:
			return nil, false
		}
	}
	return names, true
}

func (l *loader) referenceExists(root string, names []string) bool {
	switch root {
	case "group":
		return l.groups[groupID(names)] != nil
	case "notifier":
		if len(names) == 1 {
			return slices.ContainsFunc(l.identities(root), func(r ref) bool { return strings.HasPrefix(r.id, names[0]+".") })
		}
		_, ok := l.spaces[root][strings.Join(names, ".")]
		return ok && len(names) == 2
	}
	_, ok := l.spaces[root][names[0]]
	return ok && len(names) == 1
}

// unknownReference returns what is missing, and what may have been meant.
func (l *loader) unknownReference(root string, names []string) string {
	known := l.identities(root)
	if root != "group" && root != "notifier" && len(names) > 1 && l.referenceExists(root, names[:1]) {
		return fmt.Sprintf("%s is a reference as it is; it has no %q to ask for.", ref{root, names[0]}, names[1])
	}
	written := strings.Join(names, ".")
	if root == "group" {
		written = strings.Join(names, separators[root])
	}
	for _, other := range referenceRoots {
		if other != root && l.referenceExists(other, names[len(names)-1:]) && other != "notifier" {
			return fmt.Sprintf("No %s is called %q, but %s is: %s", root, written, diagnose.An(other), ref{other, names[len(names)-1]})
		}
	}
	if !l.mayGuess() {
		return fmt.Sprintf("No %s is called %q.", root, written)
	}
	if moved := endsIn(known, names[len(names)-1], root); moved != "" {
		return fmt.Sprintf("No %s is called %q. Did you mean %s?", root, written, moved)
	}
	return fmt.Sprintf("No %s is called %q.%s", root, written, l.referenceMeant(written, root))
}

// referenceMeant returns the end of a message about a reference that leads nowhere: what
// is near among those to blocks of some kinds, else all of them where they are few.
func (l *loader) referenceMeant(given string, roots ...string) string {
	var ids []string
	known := map[string]ref{}
	for _, root := range roots {
		for _, r := range l.identities(root) {
			ids = append(ids, r.id)
			known[r.id] = r
		}
	}
	return diagnose.DidYouMean(given, ids, func(id string) string { return known[id].String() }, "There is")
}

// guesses is how many names that lead nowhere are compared with those that there
// are: a hundred thousand with a hundred thousand would take hours, and nobody
// reads so many.
const guesses = 100

func (l *loader) mayGuess() bool {
	l.guessed++
	return l.guessed <= guesses
}

// separators stand between the names of which a reference is made up. Those of
// a server and the like have one, but people write a path to them.
var separators = map[string]string{
	"group": "/", "imap_check": "/", "notifier": ".", "server": ".", "notification_role": ".", "schedule": ".",
}

// endsIn returns the one reference whose last name is given, or "": the path to it is
// easily forgotten, and where there is none easily invented.
func endsIn(known []ref, name, root string) string {
	var found []ref
	for _, k := range known {
		if strings.HasSuffix(k.id, separators[root]+name) || k.id == name {
			found = append(found, k)
		}
	}
	if len(found) != 1 { // with several nobody knows which is meant
		return ""
	}
	return found[0].String()
}
