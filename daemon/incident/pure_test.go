package incident_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The package decides from its arguments alone. What would let it look around
// is not imported, and of the package time only what does not read a clock is
// used.
func TestPure(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if slices.Contains([]string{"os", "net", "sync", "context", "log", "math/rand", "math/rand/v2"}, root(path)) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, s.Sel.Name) {
				t.Errorf("%s asks the clock: time.%s", name, s.Sel.Name)
			}
			return true
		})
	}
}

// root names what is forbidden with everything below it; net/netip is values.
func root(path string) string {
	if path == "net/netip" || strings.HasPrefix(path, "math/") {
		return path
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}
