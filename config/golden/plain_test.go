package golden_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
)

// TestPlainWords reads all sentences in the code of the project: hints, causes, errors, help,
// lines of the log. What servers and other programs say is not ours.
func TestPlainWords(t *testing.T) {
	t.Parallel()
	notOurs := []string{"daemon/probe/vocabulary.go", "config/golden/plain.go"}
	files, sentences := 0, 0
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || len(name) > 1 && strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || slices.Contains(notOurs, filepath.ToSlash(name)):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(literal.Value)
			if strings.Count(text, " ") >= 2 && !statement.MatchString(text) { // not a name, a format or a tag
				sentences++
				golden.Plain(t, name+":"+strconv.Itoa(set.Position(literal.Pos()).Line), text)
			}
			return true
		})
		return nil
	})
	if err != nil || files < 300 || sentences < 1000 {
		t.Errorf("%d sentences in %d files: %v", sentences, files, err)
	}
}

// statement matches SQL, which has the names of columns and is read by a database.
var statement = regexp.MustCompile(`^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE) `)

// TestPlainManual reads the manual pages that people write.
func TestPlainManual(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../packaging/man/*.[1-9]")
	if err != nil || len(pages) < 3 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range append(pages, "../../daemon/glossary/states.mdoc") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		golden.Plain(t, page, string(text))
	}
}

// TestPlainMessages reads what people are sent, and the hints that the probe is to give.
func TestPlainMessages(t *testing.T) {
	t.Parallel()
	const root = "../../"
	for pattern, atLeast := range map[string]int{
		"notifiers/testdata/*.txt": 10, "notifiers/testdata/kinds/*.txt": 10, "notifiers/*/testdata/*": 40,
		"daemon/probe/testdata/hostile/*.txtar": 100, "daemon/selfcheck/testdata/timelines/*": 10,
	} {
		files, err := filepath.Glob(root + pattern)
		if err != nil || len(files) < atLeast {
			t.Errorf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a directory
			}
			golden.Plain(t, file, ours(file, string(text)))
		}
	}
}

// ours returns what imapvigil says in a golden file: not the remarks, and of the files of the
// probe, in which servers speak as well, the lines of hints alone.
func ours(file, text string) string {
	ofProbe := strings.Contains(file, "/daemon/probe/")
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && (!ofProbe || strings.HasPrefix(line, "hint ")) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
