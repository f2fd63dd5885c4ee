package takeover

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/imapvigil/imapvigil/config"
)

// A node is a value in YAML, or in JSON. Its methods take what they can get: a file of
// another monitor is not ours to complain about, so that what has another type than
// expected is as if it were not there.
type node struct{ *yaml.Node }

// eachYAML reads the documents of all files.
func (c *collector) eachYAML(files []File, read func(node)) error {
	for _, f := range files {
		documents, err := parseYAML(f)
		if err != nil {
			return err
		}
		for _, d := range documents {
			read(d)
		}
	}
	return nil
}

// parseYAML returns the documents of a file.
func parseYAML(f File) (documents []node, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(asYAML(f.Text)))
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return documents, nil
		case err != nil:
			return nil, fmt.Errorf("%s cannot be read: %s", f.Name, strings.TrimPrefix(toLabel(err.Error()), "yaml: "))
		}
		one := resolved(&document, 0)
		documents = append(documents, one)
		documents = append(documents, inConfigMap(one)...)
	}
}

// inConfigMap returns the documents in a ConfigMap of Kubernetes, in which many keep the
// files of their monitor.
func inConfigMap(document node) (documents []node) {
	if document.get("kind").text() != "ConfigMap" {
		return nil
	}
	for _, name := range document.get("data").keys() {
		var inner yaml.Node
		// What is no YAML is of no monitor that is read here.
		if yaml.Unmarshal([]byte(document.get("data").get(name).text()), &inner) == nil {
			documents = append(documents, resolved(&inner, 0))
		}
	}
	return documents
}

// asYAML returns JSON so that a reader of YAML takes it: without tabs, and without the
// pairs of surrogates that JSON may write characters with.
func asYAML(text []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return text
	}
	if _, scalar := value.(string); scalar {
		return text
	}
	again, err := json.Marshal(value)
	if err != nil {
		return text
	}
	return again
}

// deepest is how far aliases are followed, which may lead in a circle.
const deepest = 100

// resolved returns a value without the document around it, and what an alias stands for.
func resolved(n *yaml.Node, depth int) node {
	switch {
	case n == nil || depth > deepest:
	case n.Kind == yaml.DocumentNode && len(n.Content) > 0:
		return resolved(n.Content[0], depth+1)
	case n.Kind == yaml.AliasNode:
		return resolved(n.Alias, depth+1)
	default:
		return node{n}
	}
	return node{}
}

// get returns the value of a key, or what a merge key (<<) brings along.
func (n node) get(key string) node { return n.find(key, 0) }

func (n node) find(key string, depth int) node {
	if n.Node == nil || n.Kind != yaml.MappingNode || depth > deepest {
		return node{}
	}
	var merged node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch name := n.Content[i].Value; {
		case name == key:
			return resolved(n.Content[i+1], 0)
		case name == "<<" && merged.Node == nil:
			from := resolved(n.Content[i+1], 0)
			for _, one := range append([]node{from}, from.list()...) {
				if found := one.find(key, depth+1); found.Node != nil && merged.Node == nil {
					merged = found
				}
			}
		}
	}
	return merged
}

// keys lists the keys of an object, in their order.
func (n node) keys() (list []string) {
	if n.Node == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if name := n.Content[i].Value; name != "<<" {
			list = append(list, name)
		}
	}
	return list
}

// list returns the elements of a list.
func (n node) list() (all []node) {
	if n.Node == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	for _, one := range n.Content {
		all = append(all, resolved(one, 0))
	}
	return all
}

// texts returns a list of texts, or one text that stands for a list.
func (n node) texts() (all []string) {
	for _, one := range n.list() {
		if text := one.text(); text != "" {
			all = append(all, text)
		}
	}
	if text := n.text(); text != "" {
		all = append(all, text)
	}
	return all
}

// text returns a text, a number or a word as it is written; "" for null.
func (n node) text() string {
	if n.Node == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// is reports whether a value is written, and is not empty.
func (n node) is() bool { return n.text() != "" || len(n.keys()) > 0 || len(n.list()) > 0 }

func (n node) integer() int {
	f, err := strconv.ParseFloat(n.text(), 64)
	if err != nil || math.Abs(f) > math.MaxInt32 {
		return 0
	}
	return int(f)
}

// flag returns true or false, or what holds where neither is written.
func (n node) flag(otherwise bool) bool {
	switch strings.ToLower(n.text()) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	return otherwise
}

// duration returns a duration as Go and Prometheus write it; 0: there is none.
func (n node) duration() time.Duration {
	d, err := config.ParseDuration(n.text())
	if err != nil {
		return 0
	}
	return d
}
