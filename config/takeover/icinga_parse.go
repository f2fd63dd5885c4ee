package takeover

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// icingaObject begins an object of Icinga 2.
var icingaObject = regexp.MustCompile(`(?m)^[ \t]*(object|apply|template)[ \t]+(Host|Service|HostGroup|CheckCommand|Dependency|Notification|User|Zone|Endpoint)\b`)

// A token is a word of Icinga 2's language (Language Reference in its manual).
type token struct {
	kind byte // i: a name, s: a string, n: a number, else the first character of an operator
	text string
	line int
}

// tokens splits a text; comments are left out, and line ends are tokens.
func tokens(text string) (list []token) {
	line := 1
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == '\n':
			list = append(list, token{'\n', "\n", line})
			line++
		case unicode.IsSpace(r):
		case strings.HasPrefix(text, "//"), r == '#':
			size = length(text, "\n", 0)
		case strings.HasPrefix(text, "/*"):
			size = length(text, "*/", 2)
		case strings.HasPrefix(text, "{{{"):
			size = length(text, "}}}", 3)
			list = append(list, token{'s', strings.TrimSuffix(text[3:size], "}}}"), line})
		case r == '"':
			value, n := quotedString(text)
			size = n
			list = append(list, token{'s', value, line})
		case unicode.IsDigit(r):
			size = run(text, func(r rune) bool { return r == '.' || unicode.IsDigit(r) || unicode.IsLetter(r) })
			list = append(list, token{'n', text[:size], line})
		case r == '_' || unicode.IsLetter(r):
			size = run(text, func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) })
			list = append(list, token{'i', text[:size], line})
		default:
			for _, operator := range []string{"&&", "||", "==", "!=", "<=", ">=", "=>", "+=", "-=", "*=", "/="} {
				if strings.HasPrefix(text, operator) {
					size = len(operator)
				}
			}
			list = append(list, token{text[0], text[:size], line})
		}
		line += strings.Count(text[:size], "\n")
		if r == '\n' {
			line--
		}
		text = text[size:]
	}
	return list
}

// length returns how long a part of a text is that ends with a mark; all of it where the
// mark is missing.
func length(text, end string, from int) int {
	i := strings.Index(text[from:], end)
	switch {
	case i < 0:
		return len(text)
	case end == "\n":
		return from + i
	}
	return from + i + len(end)
}

func run(text string, belongs func(rune) bool) int {
	i := strings.IndexFunc(text, func(r rune) bool { return !belongs(r) })
	if i < 0 {
		return len(text)
	}
	return i
}

// quotedString returns a string, and how long it is with its quotes.
func quotedString(text string) (value string, size int) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return b.String(), i + 1
		case text[i] == '\\' && i+1 < len(text):
			i++
			switch text[i] {
			case 'n', 'r', 't':
				b.WriteByte(' ')
			default:
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), len(text)
}

// A definition is an object, a template or an apply rule.
type definition struct {
	rule       string // object, template, apply
	kind       string // Host, Service, ...
	name       expression
	key, value string     // apply Service for (key => value in over)
	over       expression // nil: no for
	body       []statement
}

// A statement is one line of a body.
type statement struct {
	word  string // import, assign, ignore; empty: path operator value
	path  []expression
	is    string // =, +=, ...
	value expression
}

// An icingaParser reads tokens. Its failures are panics of syntaxError, which parseIcinga
// catches: a language with expressions has too many places for anything else.
type icingaParser struct {
	tokens []token
	depth  int
}

type syntaxError struct {
	line int
	text string
}

func (p *icingaParser) fail(format string, args ...any) {
	line := 0
	if len(p.tokens) > 0 {
		line = p.tokens[0].line
	}
	panic(syntaxError{line, fmt.Sprintf(format, args...)})
}

// parseIcinga returns what a file of Icinga 2 declares, and the constants in it.
func parseIcinga(f File) (list []definition, constants map[string]expression, err error) {
	p := &icingaParser{tokens: tokens(string(f.Text))}
	constants = map[string]expression{}
	defer func() {
		if failure := recover(); failure != nil {
			s, ok := failure.(syntaxError)
			if !ok {
				panic(failure)
			}
			err = fmt.Errorf("%s:%d cannot be read: %s", f.Name, s.line, toLabel(s.text))
		}
	}()
	for p.skipLines(); len(p.tokens) > 0; p.skipLines() {
		switch {
		case p.isWord("object"), p.isWord("template"), p.isWord("apply"):
			list = append(list, p.definition())
		case p.isWord("const") && p.isAt(2, "="):
			name := p.tokens[1].text
			p.tokens = p.tokens[3:]
			constants[name] = p.expression()
		default:
			p.skipStatement()
		}
	}
	return list, constants, nil
}

func (p *icingaParser) peek() token {
	if len(p.tokens) == 0 {
		return token{}
	}
	return p.tokens[0]
}

func (p *icingaParser) next() token {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *icingaParser) skipLines() {
	for len(p.tokens) > 0 && (p.tokens[0].kind == '\n' || p.tokens[0].kind == ';') {
		p.tokens = p.tokens[1:]
	}
}

func (p *icingaParser) isWord(word string) bool {
	t := p.peek()
	return t.kind == 'i' && t.text == word
}

func (p *icingaParser) isAt(i int, text string) bool {
	return i < len(p.tokens) && p.tokens[i].kind != 's' && p.tokens[i].text == text
}

// takeIf goes past a token, if it is the next one.
func (p *icingaParser) takeIf(text string) bool {
	if !p.isAt(0, text) {
		return false
	}
	p.next()
	return true
}

func (p *icingaParser) expect(text string) {
	p.skipLines()
	if !p.takeIf(text) {
		p.fail("%q was expected, not %q", text, shorten(p.peek().text))
	}
}

// skipStatement goes past something that is not read, with the braces in it.
func (p *icingaParser) skipStatement() {
	depth := 0
	for len(p.tokens) > 0 {
		t := p.next()
		switch {
		case t.kind == '{' || t.kind == '(' || t.kind == '[':
			depth++
		case t.kind == '}' || t.kind == ')' || t.kind == ']':
			depth--
		}
		if depth <= 0 && (len(p.tokens) == 0 || p.tokens[0].kind == '\n' || p.tokens[0].kind == ';' || depth <= 0 && p.tokens[0].kind == '}') {
			return
		}
	}
}

func (p *icingaParser) definition() (d definition) {
	d.rule, d.kind = p.next().text, p.next().text
	if !p.isAt(0, "{") && !p.isWord("for") && !p.isWord("to") {
		d.name = p.expression()
	}
	for len(p.tokens) > 0 && !p.isAt(0, "{") {
		switch {
		case p.isWord("for"):
			p.next()
			p.expect("(")
			d.key = p.next().text
			if p.takeIf("=>") {
				d.value = p.next().text
			}
			if !p.isWord("in") {
				p.fail("in was expected, not %q", shorten(p.peek().text))
			}
			p.next()
			d.over = p.expression()
			p.expect(")")
		case p.isWord("to"), p.isWord("ignore_on_error"):
			p.next()
			if p.peek().kind == 'i' {
				p.next()
			}
		case p.isWord("use"):
			p.next()
			p.expect("(")
			for len(p.tokens) > 0 && !p.takeIf(")") {
				p.next()
			}
		case p.peek().kind == '\n':
			p.next()
		default:
			p.fail("%q was not expected", shorten(p.peek().text))
		}
	}
	d.body = p.body()
	return d
}

// body reads what stands in braces.
func (p *icingaParser) body() (list []statement) {
	p.enter()
	defer p.leave()
	p.expect("{")
	for {
		for p.skipLines(); p.takeIf(","); p.skipLines() {
		}
		switch {
		case len(p.tokens) == 0:
			p.fail("a closing brace is missing")
		case p.takeIf("}"):
			return list
		case p.isWord("import"):
			p.next()
			list = append(list, statement{word: "import", value: p.expression()})
		case (p.isWord("assign") || p.isWord("ignore")) && p.isAt(1, "where"):
			word := p.next().text
			p.next()
			list = append(list, statement{word: word, value: p.expression()})
		default:
			list = append(list, p.assignment())
		}
	}
}

// assignment reads a.b["c"] = value, or goes past something else, such as if and function.
func (p *icingaParser) assignment() statement {
	before := p.tokens
	var s statement
	switch t := p.peek(); t.kind {
	case 'i', 's', 'n':
		p.next()
		s.path = append(s.path, constant(t.text))
	}
	for len(s.path) > 0 {
		switch {
		case p.takeIf("."):
			s.path = append(s.path, constant(p.next().text))
			continue
		case p.takeIf("["):
			s.path = append(s.path, p.expression())
			p.expect("]")
			continue
		}
		break
	}
	if t := p.peek(); len(s.path) > 0 && (t.text == "=" || t.text == "+=") {
		s.is = p.next().text
		s.value = p.expression()
		return s
	}
	p.tokens = before
	p.skipStatement()
	return statement{}
}

func (p *icingaParser) enter() {
	if p.depth++; p.depth > deepest {
		p.fail("it is nested too deeply")
	}
}

func (p *icingaParser) leave() { p.depth-- }

// operators by how strongly they bind, the weakest first.
var operators = [][]string{{"||"}, {"&&"}, {"in", "!in"}, {"==", "!="}, {"<", ">", "<=", ">="}, {"+", "-"}, {"*", "/", "%"}}

func (p *icingaParser) expression() expression { return p.binary(0) }

func (p *icingaParser) binary(level int) expression {
	if level == len(operators) {
		return p.unary()
	}
	p.enter()
	defer p.leave()
	left := p.binary(level + 1)
	for {
		operator := ""
		for _, o := range operators[level] {
			switch {
			case p.isAt(0, o):
				operator = o
				p.next()
			case o == "!in" && p.isAt(0, "!") && p.isAt(1, "in"):
				operator = o
				p.tokens = p.tokens[2:]
			default:
				continue
			}
			break
		}
		if operator == "" {
			return left
		}
		for p.peek().kind == '\n' { // an operator goes on in the next line
			p.next()
		}
		left = binaryExpression(operator, left, p.binary(level+1))
	}
}

func (p *icingaParser) unary() expression {
	p.enter()
	defer p.leave()
	switch {
	case p.takeIf("!"):
		return not(p.unary())
	case p.takeIf("-"):
		return negative(p.unary())
	}
	return p.postfix(p.primary())
}

func (p *icingaParser) primary() expression {
	t := p.next()
	switch {
	case t.kind == 's':
		return constant(t.text)
	case t.kind == 'n':
		return constant(icingaNumber(t.text))
	case t.kind == '(':
		p.skipLines()
		inner := p.expression()
		p.expect(")")
		return inner
	case t.kind == '[':
		var all []expression
		for p.skipLines(); !p.takeIf("]"); p.skipLines() {
			if len(p.tokens) == 0 {
				p.fail("a closing bracket is missing")
			}
			all = append(all, p.expression())
			p.skipLines()
			p.takeIf(",")
		}
		return listOf(all)
	case t.kind == '{':
		p.tokens = append([]token{t}, p.tokens...)
		return dictionary(p.body())
	case t.kind == 'i' && (t.text == "true" || t.text == "false"):
		return constant(t.text == "true")
	case t.kind == 'i' && t.text == "null":
		return constant(nil)
	case t.kind == 'i':
		return variable(t.text)
	}
	p.fail("%q was not expected", shorten(t.text))
	return nil
}

// postfix reads .name, [index] and (arguments) after a value.
func (p *icingaParser) postfix(value expression) expression {
	for {
		switch {
		case p.takeIf("."):
			value = member(value, constant(p.next().text))
		case p.takeIf("["):
			inner := p.expression()
			p.expect("]")
			value = member(value, inner)
		case p.takeIf("("):
			var arguments []expression
			for p.skipLines(); !p.takeIf(")"); p.skipLines() {
				if len(p.tokens) == 0 {
					p.fail("a closing parenthesis is missing")
				}
				arguments = append(arguments, p.expression())
				p.skipLines()
				p.takeIf(",")
			}
			value = call(value, arguments)
		default:
			return value
		}
	}
}

// icingaNumber returns a number, durations in seconds.
func icingaNumber(text string) float64 {
	digits := strings.TrimRightFunc(text, unicode.IsLetter)
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0
	}
	units := map[string]float64{"ms": 0.001, "m": 60, "h": 3600, "d": 86400}
	if unit, ok := units[text[len(digits):]]; ok {
		n *= unit
	}
	return n
}
