// Package wording owns the templates of users: own words for what people read, and the bodies
// of webhooks, in Go's text/template over a struct that is made for them ([Data]).
//
// It is pure: the same message gives the same words on every attempt, since a template has
// neither a clock nor a look at anything but the message. A template holds no secret and
// cannot read one.
//
// A caller may rely on this: a template that [Check] has approved of was tried with messages
// of every kind; rendering ends soon whatever the template says, with at most [MaxOutput]
// bytes; and one that fails all the same costs no message ([Words.Apply]).
package wording

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// MaxSource and MaxOutput bound a template and what it makes, in bytes.
const (
	MaxSource = 16 << 10
	MaxOutput = 64 << 10
)

// A Template is a parsed template, for several goroutines at once.
type Template struct {
	name string
	tree *parse.Tree
}

// Parse reads the template of an attribute, whose name is used in errors. A body may use
// json, other templates may not. Errors are a [*Fault].
func Parse(attribute, source string) (*Template, error) {
	if len(source) > MaxSource {
		return nil, &Fault{Problem: fmt.Sprintf("the template has %d bytes, and at most %d are allowed", len(source), MaxSource)}
	}
	trees, err := parse.Parse(attribute, source, "{{", "}}", namesOf(attribute))
	if err != nil {
		return nil, parseFault(source, err)
	}
	tree := trees[attribute]
	if len(trees) > 1 {
		return nil, faultAt(source, strings.Index(source, "{{"), "templates within templates (define, block) are not available")
	}
	if fault := (inspection{source: source}).list(tree.Root); fault != nil {
		return nil, fault
	}
	countSteps(tree.Root)
	return &Template{name: attribute, tree: tree}, nil
}

// namesOf returns the functions that a template may name, for the parser.
func namesOf(attribute string) map[string]any {
	names := maps.Clone(comparisons)
	maps.Copy(names, functions(attribute, Data{}, &budget{}))
	delete(names, stepName) // ours alone
	return names
}

// Render makes the text of a message. Errors are a [*Fault], also where the template
// panics.
func (t *Template) Render(data Data) (text string, err error) {
	defer func() {
		// A fault of a template must not cost the message.
		if v := recover(); v != nil {
			err = &Fault{Problem: fmt.Sprintf("the template panicked: %v", v)}
		}
	}()
	all := template.New(t.name).Option("missingkey=error").Funcs(functions(t.name, data, &budget{}))
	executable, err := all.AddParseTree(t.name, t.tree)
	if err != nil {
		return "", &Fault{Problem: err.Error()}
	}
	var out bounded
	if err := executable.Execute(&out, data); err != nil {
		return "", renderFault(t.tree, err)
	}
	return out.String(), nil
}

// A bounded writer stops the template that writes too much.
type bounded struct{ strings.Builder }

var errTooMuch = fmt.Errorf("the template makes more than %d KiB", MaxOutput>>10)

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > MaxOutput {
		return 0, errTooMuch
	}
	return b.Builder.Write(p)
}

// A budget bounds what one rendering may do, since ranges in ranges multiply.
type budget struct{ steps, bytes int }

// maxSteps is in words of a template that are executed within ranges: two ranges over 25
// incidents, one in the other, with 80 words in the inner one. So many take some hundredths
// of a second. maxBytes is what functions may make in all.
const (
	maxSteps = 50_000
	maxBytes = 4 << 20
)

var errTooLong = errors.New("the template takes too long: its ranges multiply")

func (b *budget) step(nodes int) (string, error) {
	if b.steps += nodes; b.steps > maxSteps {
		return "", errTooLong
	}
	return "", nil
}

// keep returns a text that a function has made, unless there is too much of it.
func (b *budget) keep(text string) (string, error) {
	if b.bytes += len(text); len(text) > MaxOutput || b.bytes > maxBytes {
		return "", errTooMuch
	}
	return text, nil
}

// stepName is the function that [countSteps] puts into ranges.
const stepName = "step"

// countSteps has every turn of a range take as many steps as its body has nodes.
func countSteps(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode:
			countBranch(&n.BranchNode)
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, stepNode(nodesIn(n.List)))
		case *parse.IfNode:
			countBranch(&n.BranchNode)
		case *parse.WithNode:
			countBranch(&n.BranchNode)
		}
	}
}

func countBranch(b *parse.BranchNode) {
	countSteps(b.List)
	countSteps(b.ElseList)
}

// stepNode returns {{step N}}, which prints nothing.
func stepNode(nodes int) parse.Node {
	action := fmt.Sprintf("{{%s %d}}", stepName, nodes)
	trees, err := parse.Parse(stepName, action, "", "", map[string]any{stepName: true})
	if err != nil {
		panic(err) // it is a constant but for the number
	}
	return trees[stepName].Root.Nodes[0]
}

// nodesIn returns how much there is to execute in a list, as the number of its words.
func nodesIn(list *parse.ListNode) int { return 1 + len(strings.Fields(list.String())) }
