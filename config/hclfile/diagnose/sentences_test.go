package diagnose

import (
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// unparsable are files that the parser of HCL's own form complains about, each for the
// sake of one sentence.
var unparsable = []string{
	"x{if x",
	"@",
	"a = \na = ",
	"a = \"${a'",
	"a = \"%{else",
	"a = \"%{endfor\x00\n",
	"a = \"%{endif",
	"a = \"%{if a = \n",
	"a = \"x=%{for ;",
	"a = [for ",
	"\"",
	"x=.",
	"a\"",
	"\xff",
	"b \"\\q",
	"x=\n",
	"\"\n",
	"a = 1...1",
	"a{x)\n,",
	"x\"\n",
	"a = \"%{x\x00",
	"a = \"%{",
	"a = x(1^",
	"a = {a = 1~\n",
	"a = {x\n",
	"a = 0[a",
	"a = 0[*",
	"a = f(x...",
	"x=",
	"a = x?0",
	"a = x::",
	"a = [1\"",
	"a = {1'",
	"x=a\"",
	"x{}{\n",
	"a = a::x",
	"a = 0.*.*",
	"a = (0",
	"a{",
	"a = \"${1",
	"a = 0,",
	"a = \"%{if ",
	"|",
	"a = f(1",
	"a = {0",
	"x=\"",
	"a = [a",
	"a = x.0.1",
}

// unparsableJSON are those for the parser of the JSON form.
var unparsableJSON = []string{
	"1}",
	"x",
	"-",
	"\"",
	"[:",
	"{",
	":",
	"{\"a\":]",
	"[}",
	"}",
	"]",
	"[#",
	"{\"b\"}",
	"{\"\"",
	" ",
	"[,]",
	"{\"a\":,}",
	"[",
}

// misplaced are files that can be parsed and have something in them that does not
// belong there, for a block with the attribute a and blocks b with a name.
var misplaced = []string{
	"x = 1", "x {}", "b {}", "b x y {}", "dynamic b {}", "dynamic b {\n for_each = []\n}",
	"dynamic b {\n for_each = [1]\n labels = [secret]\n content {}\n}", "dynamic b {\n for_each = 1\n labels = [b.key]\n content {}\n}",
}

var misplacedJSON = []string{`{"x": 1}`, `{"b": 1}`, `{"b": {}}`}

// unevaluable are expressions without a value.
var unevaluable = []string{"y", "{}.x", "m.x", "[][0]", `{ for x in ["a", "a"] : x => x }`, "true ? { a = 1 } : [1]"}

// TestEverySentenceOfHCL has hcl say each sentence that is recognised, and recognises
// each that it says. A new version of hcl that says one otherwise fails here.
func TestEverySentenceOfHCL(t *testing.T) {
	heard := map[Meaning][]string{} // the summaries
	hear := func(text string, diags hcl.Diagnostics) {
		for _, d := range diags {
			says := MeaningOf(d)
			if says == NotKnown {
				t.Errorf("not recognised, of %q: %s; %s", text, d.Summary, d.Detail)
			}
			heard[says] = append(heard[says], d.Summary)
		}
	}
	schema := &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "a"}}, Blocks: []hcl.BlockHeaderSchema{{Type: "b", LabelNames: []string{"name"}}}}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{
		"secret": cty.StringVal("s").Mark("sensitive"),
		"m":      cty.MapVal(map[string]cty.Value{"a": cty.True}),
	}}
	for _, text := range unparsable {
		_, diags := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
		hear(text, diags)
	}
	for _, text := range unparsableJSON {
		_, diags := json.Parse([]byte(text), "")
		hear(text, diags)
	}
	for _, text := range misplaced {
		file, _ := hclsyntax.ParseConfig([]byte(text+"\n"), "", hcl.InitialPos)
		_, diags := dynblock.Expand(file.Body, ctx).Content(schema)
		hear(text, diags)
	}
	for _, text := range misplacedJSON {
		file, _ := json.Parse([]byte(text), "")
		_, diags := file.Body.Content(schema)
		hear(text, diags)
	}
	for _, text := range unevaluable {
		expr, _ := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
		_, diags := expr.Value(ctx)
		hear(text, diags)
	}
	expr, _ := hclsyntax.ParseExpression([]byte("y"), "", hcl.InitialPos)
	_, diags := expr.Value(nil)
	hear("y, where there are no names", diags)
	file, _ := hclsyntax.ParseConfig([]byte("a {}\n"), "", hcl.InitialPos)
	_, diags = file.Body.JustAttributes()
	hear("a block among attributes", diags)

	for summary, means := range meanings {
		if !slices.Contains(heard[means], summary) && summary != unreadable {
			t.Errorf("hcl does not say %q any more", summary)
		}
	}
	for _, f := range forms {
		if !slices.ContainsFunc(heard[f.meaning], f.summary.MatchString) {
			t.Errorf("hcl says nothing like %s any more", f.summary)
		}
	}
	for means := NotKnown + 1; means <= MissingComma; means++ {
		if len(heard[means]) == 0 {
			t.Errorf("hcl says nothing that means %d", means)
		}
	}
}

// TestWhatASentenceIsAbout reads names and places out of what hcl says.
func TestWhatASentenceIsAbout(t *testing.T) {
	file, diags := hclsyntax.ParseConfig([]byte("a = 1\n  a = 2\n"), "x.hcl", hcl.InitialPos)
	if file == nil || len(diags) != 1 || NameIn(diags[0]) != "a" || FirstPlace(diags[0]) != "x.hcl:1:1" || Subject(diags[0]).Start.Line != 2 {
		t.Errorf("%v", diags)
	}
	file, _ = hclsyntax.ParseConfig([]byte("b {}\n"), "x.hcl", hcl.InitialPos)
	_, diags = file.Body.Content(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "b", LabelNames: []string{"name"}}}})
	if len(diags) != 1 || BlockIn(diags[0]) != "b" {
		t.Errorf("%v", diags)
	}
}
