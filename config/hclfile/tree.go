package hclfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// namePattern is how a block can be named. Letters first or not, a name is no
// reference until HCL says so: "1and1" is one, and referred to by index.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// declare takes note of what one file declares.
func (l *loader) declare(body hcl.Body) {
	content := l.content(&hcl.Block{Body: body}, rootBlock, "")
	for _, b := range content.Blocks {
		switch b.Type {
		case "daemon", "cluster", "history", "page":
			first := l.single[b.Type]
			l.once(&first, b, b.Type)
			l.single[b.Type] = first
		case "node", "notifier", "notification_role", "schedule", "maintenance", "report", "announcement", "correction":
			l.declareNamed(b)
		case "moved":
			l.moved = append(l.moved, b)
		case "locals":
			l.checkLocals(b)
		default:
			l.declareIn(l.top, b)
		}
	}
}

// declareIn takes note of a block that stands in a group, or at the top.
func (l *loader) declareIn(g *groupNode, b *hcl.Block) {
	switch b.Type {
	case "defaults":
		l.once(&g.defaults, b, "defaults")
	case "group":
		l.declareGroup(g, b)
	case "server":
		l.declareServer(g, b)
	case "imap_check":
		l.declareCheck(g, nil, b)
	}
}

// once keeps the first of blocks of which there is one at most.
func (l *loader) once(slot **hcl.Block, b *hcl.Block, what string) {
	if *slot != nil {
		l.Report(ruleDuplicateBlock, header(b), "Only one %s block is allowed here, and the first is at %s.", what, diagnose.FirstAt(header(*slot)))
		return
	}
	*slot = b
}

func (l *loader) declareNamed(b *hcl.Block) {
	if !l.checkNames(b) {
		return
	}
	id := strings.Join(b.Labels, ".")
	for _, other := range l.named[b.Type] {
		if other.id == id {
			l.duplicate(b, b.Type, id, other.block)
			return
		}
	}
	l.named[b.Type] = append(l.named[b.Type], namedBlock{id, b})
	if slices.Contains(referenceRoots, b.Type) { // else nothing refers to one
		l.addName(b.Type, id)
	}
}

func (l *loader) addName(root, id string) {
	if l.spaces[root] == nil {
		l.spaces[root] = namespace{}
	}
	l.spaces[root][id] = newRef(root, id)
}

func (l *loader) checkNames(b *hcl.Block) bool {
	for i, name := range b.Labels {
		if !namePattern.MatchString(name) {
			which := complaint{diagnose.Quoted(name), "This"}.says(l.standsIn(b.LabelRanges[i], name))
			l.Report(ruleName, b.LabelRanges[i], "%s cannot be a name. A name must begin with a letter, a digit or _ and have only these, . and - in it.%s", which, labelHint(b.Type))
			return false
		}
	}
	return true
}

func labelHint(blockName string) string {
	if b := rootBlock.block(blockName); b != nil {
		if _, ok := b.attribute("label"); ok {
			return " What people read is the attribute label."
		}
	}
	return ""
}

func (l *loader) duplicate(b *hcl.Block, what, name string, first *hcl.Block) {
	l.Report(ruleDuplicateID, header(b), "There is %s %q already, at %s.", diagnose.An(what), name, diagnose.FirstAt(header(first)))
}

func (l *loader) declareGroup(parent *groupNode, b *hcl.Block) {
	if !l.checkNames(b) {
		return
	}
	g := l.groupIn(parent, b)
	content := l.content(b, groupBlock, "group")
	if label := content.Attributes["label"]; label != nil {
		if g.label != nil {
			l.Report(ruleDuplicateValue, label.NameRange, "The label of %s is already given at %s.", g.ref(), diagnose.FirstAt(g.label.NameRange))
		} else {
			g.label = label
		}
	}
	for _, inner := range content.Blocks {
		l.declareIn(g, inner)
	}
}

// groupIn returns the group that a block adds to, which it makes if there is none.
func (l *loader) groupIn(parent *groupNode, b *hcl.Block) *groupNode {
	name := b.Labels[0]
	if g := parent.children[name]; g != nil {
		return g
	}
	id := config.GroupID(name)
	if parent.id != "" {
		id = parent.id + "/" + id
	}
	g := &groupNode{id: id, parent: parent, block: b, children: map[string]*groupNode{}}
	// Cloned, since the groups beside it begin with the same path.
	g.path = append(slices.Clone(parent.path), id)
	parent.children[name] = g
	l.groups[id] = g
	return g
}

func (l *loader) declareServer(g *groupNode, b *hcl.Block) {
	if !l.checkNames(b) {
		return
	}
	s := &serverNode{name: b.Labels[0], group: g, block: b, content: l.content(b, serverBlock, "server")}
	if first := l.servers[s.id()]; first != nil {
		l.duplicate(b, "server", s.name, first.block)
		return
	}
	l.servers[s.id()] = s
	l.addName("server", s.name)
	for _, inner := range s.content.Blocks {
		switch inner.Type {
		case "defaults":
			l.once(&s.defaults, inner, "defaults")
		case "imap_check":
			l.declareCheck(g, s, inner)
		}
	}
}

func (l *loader) declareCheck(g *groupNode, s *serverNode, b *hcl.Block) {
	if !l.checkNames(b) {
		return
	}
	id := b.Labels[0]
	if s != nil {
		id = s.name + "/" + id
	}
	c := &checkNode{id: config.CheckID(id), block: b, group: g, server: s}
	if first := l.checks[c.id]; first != nil {
		l.duplicate(b, "imap_check", id, first.block)
		return
	}
	if len(l.checks) >= maxChecks {
		if len(l.checks) == maxChecks {
			l.Report(ruleTooMany, header(b), "A configuration has at most %d checks.", maxChecks)
		}
		return
	}
	l.checks[c.id] = c
	l.order = append(l.order, c)
	l.addName("imap_check", id)
}

func (s *serverNode) id() config.ServerID { return config.ServerID(s.name) }

// value returns the object that expressions see: a group is an object of its subgroups
// that also knows itself.
func (g *groupNode) value() cty.Value {
	inner := map[string]cty.Value{}
	for name, child := range g.children {
		inner[name] = child.value()
	}
	if g.id != "" {
		inner[self] = newRef("group", string(g.id))
	}
	return cty.ObjectVal(inner)
}

func (g *groupNode) ref() ref { return ref{"group", string(g.id)} }

func groupID(names []string) config.GroupID { return config.GroupID(strings.Join(names, "/")) }

// notifierObject returns what expressions see as notifier: an object by kind and name.
func (l *loader) notifierObject() cty.Value {
	kinds := map[string]namespace{}
	for id, v := range l.spaces["notifier"] {
		kind, name, _ := strings.Cut(id, ".")
		if kinds[kind] == nil {
			kinds[kind] = namespace{}
		}
		kinds[kind][name] = v
	}
	object := map[string]cty.Value{}
	for kind, names := range kinds {
		object[kind] = names.value()
	}
	return cty.ObjectVal(object)
}

// header returns the place of a block: its first word, or its name in JSON, where many
// blocks share a first word.
func header(b *hcl.Block) hcl.Range {
	if n := len(b.LabelRanges); n > 0 && strings.HasSuffix(b.TypeRange.Filename, ".json") {
		return b.LabelRanges[n-1]
	}
	return b.DefRange
}

// blockNamed returns a block with its labels, as its header does: server "mx1".
func blockNamed(kind string, labels []string) string {
	return strings.Join(append([]string{kind}, diagnose.QuoteAll(labels)...), " ")
}
