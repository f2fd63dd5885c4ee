package hclfile

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// A ref is what a reference such as server.mx1 evaluates to: the kind of block
// and its identity.
type ref struct {
	root string // server, group, ...
	id   string // as in config: "mx1", "europe/germany", "email.mailroom"
}

func (r ref) String() string {
	switch r.root {
	case "group":
		return config.Reference(r.root, strings.Split(r.id, "/")...)
	case "notifier":
		kind, name, _ := strings.Cut(r.id, ".")
		return config.Reference(r.root, kind, name)
	}
	return config.Reference(r.root, r.id)
}

// config returns the reference in the words of the configuration.
func (r ref) config() config.Ref {
	switch r.root {
	case "group":
		return config.Ref{Group: config.GroupID(r.id)}
	case "server":
		return config.Ref{Server: config.ServerID(r.id)}
	}
	return config.Ref{Check: config.CheckID(r.id)}
}

// refType is opaque to expressions: a reference can be passed on and nothing
// else.
var refType = cty.Capsule("reference", reflect.TypeFor[ref]())

// self is where a group, which is an object of its subgroups, keeps the
// reference to itself. No name can be spelled like this.
const self = "."

// referenceRoots are the blocks that can be referred to.
var referenceRoots = []string{"group", "server", "imap_check", "notification_role", "notifier", "schedule"}

func newRef(root, id string) cty.Value { return cty.CapsuleVal(refType, &ref{root, id}) }

// asRef returns the reference that a value is; false where it is none.
func asRef(v cty.Value) (ref, bool) {
	ty := v.Type()
	// A group is an object of its subgroups, so that group.europe.germany can be written.
	if ty.IsObjectType() && ty.HasAttribute(self) {
		v = v.GetAttr(self)
		ty = v.Type()
	}
	if !ty.Equals(refType) || v.IsNull() {
		return ref{}, false
	}
	return *v.EncapsulatedValue().(*ref), true
}

func isReference(v cty.Value) bool {
	if !v.IsKnown() || v.IsNull() {
		return false
	}
	_, ok := asRef(v)
	return ok
}

// A namespace is the names under one root, and what they mean.
type namespace map[string]cty.Value

// value returns the object that expressions see under a root.
func (n namespace) value() cty.Value {
	if len(n) == 0 {
		return cty.MapValEmpty(refType) // cty.MapVal panics where there is nothing
	}
	return cty.MapVal(n)
}

// referenceTo returns a kind for a reference to a block of one of the given kinds.
func referenceTo(roots ...string) kind {
	return kind{name: "reference to " + diagnose.Enumerate(roots, "or"), roots: roots, read: func(r *reading) (value, bool) {
		found, ok := r.reference(roots)
		return value{refs: []ref{found}}, ok
	}}
}

// referencesTo returns a kind for a list of references, none twice.
func referencesTo(roots ...string) kind {
	return kind{name: "list of references to " + diagnose.Enumerate(roots, "or"), roots: roots, read: func(r *reading) (value, bool) {
		if isReference(r.v) {
			single, _ := asRef(r.v)
			return r.wrong(ruleType, "%s must be a list. Write it in brackets:\n    %s = [%s]", r.attr.name, r.attr.name, single)
		}
		read := func(inner *reading) (ref, bool) { return inner.reference(roots) }
		refs, ok := readEach(r, read, func(_ *reading, found ref) string { return found.String() })
		return value{refs: refs}, ok
	}}
}

func (r *reading) reference(roots []string) (ref, bool) {
	found, ok := ref{}, false
	if !r.v.IsNull() {
		found, ok = asRef(r.v)
	}
	if ok && slices.Contains(roots, found.root) {
		return found, true
	}
	example := exampleOf(roots[0])
	switch {
	case ok:
		r.wrong(ruleReference, "%s must refer to %s, and %s is %s.", r.attr.name, diagnose.Enumerate(mapped(roots, diagnose.An), "or"), found, diagnose.An(found.root))
	case !r.v.IsNull() && r.v.Type() == cty.String && r.shown():
		r.wrong(ruleReference, "%s must be a reference, %s, not a string.%s", r.attr.name, r.notation(), r.suggestReference(r.v.AsString(), roots, example))
	default:
		r.wrong(ruleReference, "%s must be a reference such as %s, not %s.", r.attr.name, example, describe(r.v))
	}
	return ref{}, false
}

// exampleOf returns how something is referred to.
func exampleOf(root string) string {
	if root == "notifier" {
		return config.Reference(root, "email", "name")
	}
	return config.Reference(root, "name")
}

// notation returns how a reference is told from a text.
func (r *reading) notation() string {
	if strings.HasSuffix(r.expr.Range().Filename, ".json") {
		return "which JSON writes as \"${...}\""
	}
	return "without quotes"
}

// written returns a reference as the file writes it, in JSON as a template.
func (r *reading) written(reference string) string {
	if strings.HasSuffix(r.expr.Range().Filename, ".json") {
		text, _ := json.Marshal("${" + reference + "}")
		return string(text)
	}
	return reference
}

// suggestReference returns advice that turns a name in quotes into the reference it
// stands for.
func (r *reading) suggestReference(name string, roots []string, example string) string {
	if known, ok := r.l.calledSo(name, roots); ok {
		return " Write\n    " + r.written(known.String())
	}
	return " Write it like\n    " + r.written(example)
}

// calledSo returns what somebody refers to by its name alone; false where there is
// nothing, or too much was looked for already.
func (l *loader) calledSo(name string, roots []string) (ref, bool) {
	if !l.mayGuess() {
		return ref{}, false
	}
	for _, root := range roots {
		for _, known := range l.identities(root) {
			isKnown := known == (ref{root, name}) || known.String() == name
			if isKnown || strings.HasSuffix(known.id, "."+name) || strings.HasSuffix(known.id, "/"+name) {
				return known, true
			}
		}
	}
	return ref{}, false
}

// identities returns what can be referred to under a root. It is asked for once all
// names are known.
func (l *loader) identities(root string) []ref {
	if list, ok := l.known[root]; ok {
		return list
	}
	ids := slices.Sorted(maps.Keys(l.spaces[root]))
	if root == "group" { // groups are in each other, and no namespace
		ids = retyped[string](slices.Sorted(maps.Keys(l.groups)))
	}
	list := mapped(ids, func(id string) ref { return ref{root, id} })
	if l.known != nil { // else some names are still to come
		l.known[root] = list
	}
	return list
}
