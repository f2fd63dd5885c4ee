package hclfile

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// What the parser says of a line is of little use to somebody who writes it as YAML,
// INI files, shells or other languages of configuration want it. So the line is
// looked at, and what was probably meant is written out. Of a line that may hold a
// secret nothing is repeated.

// A lineForm is how a line is written elsewhere.
type lineForm struct {
	pattern *regexp.Regexp
	advice  string
}

// lineForms are tried in order on a line that cannot be parsed.
var lineForms = []lineForm{
	{regexp.MustCompile(`\{\{|\{%`), "This looks like a template, such as those of Ansible, that was not filled in."},
	{regexp.MustCompile(`^\s*(--|;|<!--|REM\b|\*)\s*\S*(\s|$)`), "A comment begins with #."},
	{regexp.MustCompile(`^\s*\[\[?[^"\]]*\]{0,2}\s*$`), "This is how INI and TOML files are written. A block here is written\n    imap_check \"name\" { ... }"},
	{regexp.MustCompile(`^\s*-\s+\S`), "This is how YAML is written. Here an attribute is written name = value, and a block name { ... }"},
	{regexp.MustCompile(`^\s*[A-Za-z_][A-Za-z0-9_-]*\s*:\s*$`), "This is how YAML is written. Here a block is written name { ... }"},
	{regexp.MustCompile(`^\s*\{\s*("|$)`), "This is HCL's JSON form, which must be in a file whose name ends in .hcl.json."},
	{regexp.MustCompile(`^\s*<{7}|^\s*={7}|^\s*>{7}`), "This is what git leaves where two changes do not fit together. Choose one of them."},
	{regexp.MustCompile(`^\s*<?\?`), "This is not HCL."},
	{regexp.MustCompile(`^\s*\}\s*$`), "There is one } too many, or the { that it belongs to is missing."},
}

var (
	asAttribute = regexp.MustCompile(`^\s*(?:export\s+|set\s+|-\s+)?"?([A-Za-z_][A-Za-z0-9_-]*)"?\s*(=>|:=|==|=|:|\s)\s*(.*?)\s*$`)
	asBlock     = regexp.MustCompile(`^\s*([a-z_]+)((?:\s*["'“”„‘’«»]?[\pL\pN_.-]+["'“”„‘’«»]?){0,2})\s*(=|:|=>)?\s*(\{?)\s*$`)
	label       = regexp.MustCompile(`[\pL\pN_.-]+`)
	bareValue   = regexp.MustCompile(`^[^"\[\]{}()]+$`)
	ofShell     = regexp.MustCompile(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$`)
	anyNumber   = regexp.MustCompile(`^-?[0-9]+(?:\.[0-9]+)?$`)
)

// lineAdvice returns how a line that cannot be parsed is written; "" where nobody can
// tell.
func (s syntax) lineAdvice(at hcl.Range) string {
	if strings.HasSuffix(at.Filename, ".json") {
		return ""
	}
	line, whole := s.lineAt(at)
	for _, f := range lineForms {
		if f.pattern.MatchString(line) {
			return f.advice
		}
	}
	// From here on the line is repeated, which one that may hold a secret must not be.
	if s.Hides(whole) {
		return "An attribute is written name = value, on a line of its own, with strings in straight double quotes."
	}
	if text := blockAdvice(line); text != "" {
		return text
	}
	m := asAttribute.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	a, known := attributeNamed(m[1])
	if known && m[2] == "=" && m[3] == "" {
		return fmt.Sprintf("Nothing follows after the equals sign: %s has no value.", m[1])
	}
	if value, ok := valueAdvice(a.kind, m[3]); known && ok && !vocabulary.IsSecretName(m[1]) {
		return fmt.Sprintf("Write\n    %s = %s", m[1], value)
	}
	if m[2] != "=" && strings.TrimSpace(m[2]) != "" {
		return "An attribute is written name = value."
	}
	return ""
}

// lineAt returns the line that a place is in, without a comment at its end, and the
// range of the line.
func (s syntax) lineAt(at hcl.Range) (string, hcl.Range) {
	text, ok := s.snapshot.Text(at.Filename)
	if !ok || at.Start.Byte > len(text) {
		return "", at
	}
	from := at.Start.Byte - len(s.lineUpTo(at))
	rest, _, _ := bytes.Cut(text[from:], []byte("\n"))
	line := strings.TrimRight(string(rest), "\r")
	// With an odd number of quotes before it, the # stands in a text.
	if before, _, commented := strings.Cut(line, " #"); commented && strings.Count(before, `"`)%2 == 0 {
		line = before
	}
	whole := at
	whole.Start.Byte, whole.End.Byte = from, from+len(line)
	return line, whole
}

// blockAdvice returns the header of a block that is written otherwise; "" for a line
// that is none.
func blockAdvice(line string) string {
	m := asBlock.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	i := slices.IndexFunc(everyBlock(rootBlock), func(b *blockType) bool { return b.name == m[1] && b != rootBlock })
	if i < 0 {
		return ""
	}
	header := blockNamed(m[1], label.FindAllString(m[2], -1))
	switch {
	case m[3] != "":
		return "A block has no equals sign:\n    " + header + " {"
	case m[4] == "":
		return "The { must be on the same line:\n    " + header + " {"
	// The line is right as it is, so the mistake is elsewhere.
	case header+" {" == strings.TrimSpace(line):
		return ""
	}
	return "Write\n    " + header + " {"
}

// attributeNamed returns the first attribute of this name in any block.
func attributeNamed(name string) (attribute, bool) {
	for _, b := range everyBlock(rootBlock) {
		for _, variant := range b.kinds() {
			if a, ok := variant.attribute(name); ok {
				return a, true
			}
		}
	}
	return attribute{}, false
}

// straight are other marks than the quotes of this language.
var straight = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "‘", `"`, "’", `"`, "'", `"`, "`", `"`)

// valueAdvice returns a value as an attribute of a kind takes it; false where nobody can
// tell.
func valueAdvice(k kind, raw string) (string, bool) {
	value, _, _ := strings.Cut(raw, " #")
	value = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(value), ",;"))
	if marked := straight.Replace(value); marked != value && strings.HasPrefix(marked, `"`) || strings.HasPrefix(marked, "[") {
		value = marked
	}
	switch {
	case value == "" || strings.ContainsFunc(value, unicode.IsControl):
		return "", false
	case strings.HasPrefix(k.name, "list of ") && k.roots == nil:
		return listAdvice(strings.Trim(value, "[](){} "))
	case strings.Count(value, `"`) == 2 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`):
		return fmt.Sprintf(`"%s"`, k.nearestValue(value[1:len(value)-1])), !strings.ContainsAny(value, `\$%`)
	case ofShell.MatchString(value):
		return fmt.Sprintf("env(%q)", ofShell.FindStringSubmatch(value)[1]), true
	case !bareValue.MatchString(value):
		return "", false
	}
	switch {
	case k.name == "bool":
		isTrue, ok := boolMeant(value)
		return fmt.Sprint(isTrue), ok
	case isNumeric(k):
		number := strings.TrimSpace(strings.TrimSuffix(strings.Replace(value, ",", ".", 1), "%"))
		return number, anyNumber.MatchString(number)
	case k.roots != nil: // only the names that there are can tell what is meant
		return "", false
	case k.name == "duration":
		d, ok := config.DurationMeant(value)
		return fmt.Sprintf("%q", d), ok
	case strings.HasPrefix(k.name, "list of "):
		return fmt.Sprintf("[%q]", value), true
	}
	return fmt.Sprintf("%q", k.nearestValue(value)), true
}

// nearestValue returns the one of few possible values that is meant, in other letters or
// with a typing error, or the text as it is.
func (k kind) nearestValue(text string) string {
	for _, v := range k.values {
		if strings.EqualFold(v, text) {
			return v
		}
	}
	if near, ok := diagnose.Nearest(text, k.values); ok {
		return near
	}
	return text
}

// listAdvice returns a list with quotes around its texts and commas between them; false
// where one of them is no plain text.
func listAdvice(inner string) (string, bool) {
	apart := regexp.MustCompile(`"\s+"`).ReplaceAllString(inner, `", "`)
	var all []string
	for element := range strings.SplitSeq(apart, ",") {
		text := strings.TrimSpace(element)
		if bare := strings.Trim(text, `"`); bare != "" && !strings.ContainsAny(bare, `"\$%{}[]()`) {
			all = append(all, diagnose.Quoted(bare))
		} else if text != "" {
			return "", false
		}
	}
	return "[" + strings.Join(all, ", ") + "]", len(all) > 0
}
