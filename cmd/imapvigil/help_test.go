package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/golden"
)

// everyCommand returns all commands that people see, sub-commands included, with a root of
// their own.
func everyCommand() (list []*cobra.Command) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				list = append(list, sub)
				walk(sub)
			}
		}
	}
	walk((&program{}).root())
	return list
}

// TestHelpIsWhole: each command has a group, a place in it, two to four examples, and exit
// codes.
func TestHelpIsWhole(t *testing.T) {
	for _, c := range everyCommand() {
		path := c.CommandPath()
		topmost := !c.Parent().HasParent()
		if topmost && c.GroupID == "" {
			t.Errorf("%s has no group: set GroupID", path)
		}
		if topmost && !slices.Contains(helpOrder, c.Name()) {
			t.Errorf("%s has no place in helpOrder", path)
		}
		if n := len(exampleLines(c)); (n < 2 || n > 4) && c.Parent().Name() != "completion" {
			t.Errorf("%s has %d examples, not two to four: set Example", path, n)
		}
		if len(exitCodesOf(c)) == 0 {
			t.Errorf("%s does not say its exit codes: set Annotations", path)
		}
		if c.Args == nil && !strings.Contains(c.Use, "...") {
			t.Errorf("%s takes any arguments: set Args", path)
		}
	}
}

// TestPlainHelp: what help says is in the usual words.
func TestPlainHelp(t *testing.T) {
	for _, c := range everyCommand() {
		golden.Plain(t, c.CommandPath(), strings.Join([]string{c.Short, c.Long, c.Example, c.UsageString()}, "\n"))
		for _, code := range exitCodesOf(c) {
			golden.Plain(t, c.CommandPath(), fmt.Sprint(code))
		}
	}
}

// exampleLines returns the lines to type among the examples of a command.
func exampleLines(c *cobra.Command) (lines []string) {
	for line := range strings.SplitSeq(c.Example, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// aCall is a call of the program in a line of shell; what is quoted holds no blank here.
var aCall = regexp.MustCompile(`\bimapvigil ([a-z][^|;&<>)]*)`)

// TestExamplesWork: what an example calls exists, with these flags and so many arguments.
func TestExamplesWork(t *testing.T) {
	for _, c := range everyCommand() {
		called := false
		for _, line := range exampleLines(c) {
			if strings.HasPrefix(line, "sudo systemctl ") {
				continue
			}
			for _, call := range aCall.FindAllStringSubmatch(strings.ReplaceAll(line, "<TAB>", ""), -1) {
				args := shellWords(call[1])
				root := (&program{}).root()
				found, rest, err := root.Find(args)
				if err == nil {
					err = found.ParseFlags(rest)
				}
				if err == nil && !strings.Contains(line, "<TAB>") {
					err = found.ValidateArgs(found.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s has the example %q: %v", c.CommandPath(), line, err)
					continue
				}
				called = called || strings.HasPrefix(found.CommandPath(), c.CommandPath())
			}
		}
		if !called {
			t.Errorf("no example of %s calls it", c.CommandPath())
		}
	}
}

var shellWord = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)

// shellWords cuts a line into words as a shell does, without expanding anything.
func shellWords(line string) (words []string) {
	for _, w := range shellWord.FindAllString(line, -1) {
		words = append(words, strings.Trim(w, `"'`))
	}
	return words
}

var mentionedFlag = regexp.MustCompile("--([a-z][a-z-]+)")

// TestREADMEHelp: the README's table has the same words for exit codes as --help, and no
// flag that a command does not have.
func TestREADMEHelp(t *testing.T) {
	table, err := readSection("commands")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, row := range commandRow.FindAllStringSubmatch(table.text, -1) {
		rows[row[1]] = row
	}
	for _, c := range (&program{}).root().Commands() {
		row := rows[c.Name()]
		if row == nil {
			continue // TestREADMECommands says so
		}
		meanings := exitCodesOf(c)
		for code, documented := range row[2:] {
			meaning := "-"
			if code < len(meanings) && meanings[code] != "" {
				meaning = meanings[code]
			}
			if documented != meaning {
				t.Errorf("README.md has %q for exit code %d of %s, and --help has %q", documented, code, c.Name(), meaning)
			}
		}
		for _, flag := range mentionedFlag.FindAllStringSubmatch(row[0], -1) {
			if !hasFlag(c, flag[1]) {
				t.Errorf("README.md has --%s in the row of %s, which has no such flag", flag[1], c.Name())
			}
		}
	}
}

// hasFlag reports whether a command or one below it has a flag.
func hasFlag(c *cobra.Command, name string) bool {
	return c.Flags().Lookup(name) != nil ||
		slices.ContainsFunc(c.Commands(), func(sub *cobra.Command) bool { return hasFlag(sub, name) })
}

// pagesWithCalls are what people read beside --help.
var pagesWithCalls = []string{
	"../../README.md", "../../examples/*/README.md", "../../examples/*.hcl", "../../packaging/man/*", "../../packaging/etc/*",
	"../../packaging/scripts/*/*", "../../packaging/systemd/*", "../../daemon/glossary/*.go", "demo.go",
}

// notCommands are words that follow the name of the program in sentences.
var notCommands = strings.Fields("also alone and asks believes by can checks could decides from has have is itself makes may need needs notices notifies privkey says " +
	"imapvigil sends servers shows start started stay stops tells watches works")

// aMention is a call in a page; it ends where a sentence, the line or the command does.
var aMention = regexp.MustCompile("\\bimapvigil ([a-z][a-z-]*)([^`|;&<>#\n\\\\)]*)")

// TestMentions: no page has a command or a flag that does not exist.
func TestMentions(t *testing.T) {
	unescape := strings.NewReplacer(`\-`, "-", `\(dq`, `"`, `\"`, `"`)
	for _, pattern := range pagesWithCalls {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files are like %s (%v)", pattern, err)
		}
		for _, file := range files {
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range aMention.FindAllStringSubmatch(unescape.Replace(string(page)), -1) {
				if slices.Contains(notCommands, call[1]) {
					continue
				}
				found, _, err := (&program{}).root().Find(shellWords(call[1]))
				if err != nil || found.Name() == "imapvigil" {
					t.Errorf("%s speaks of imapvigil %s, which does not exist", file, call[1])
					continue
				}
				for _, flag := range mentionedFlag.FindAllStringSubmatch(call[2], -1) {
					if !hasFlag(found, flag[1]) && found.InheritedFlags().Lookup(flag[1]) == nil {
						t.Errorf("%s has imapvigil %s --%s, and there is no such flag", file, call[1], flag[1])
					}
				}
			}
		}
	}
}

// TestWrongCalls: wrong arguments are answered with the right call.
func TestWrongCalls(t *testing.T) {
	for _, c := range []struct {
		call, want string
		code       int
	}{
		{"ack", "ack needs the id of an incident: imapvigil ack ID --reason TEXT", 1},
		{"ack 8wswsqxagv", "ack needs --reason, which colleagues read: imapvigil ack ID --reason TEXT", 1},
		{"recheck", "recheck needs a check, or a server or group with checks: imapvigil recheck CHECK...", 3},
		{"notify-test", "notify-test needs the name of a notification_role: imapvigil notify-test ROLE", 1},
		{"validate a b", `validate takes a directory or a file and nothing more, and "b" is more: imapvigil validate [PATH]`, 1},
		{"version x", `version takes no arguments, and "x" is one: imapvigil version`, 1},
		{"silence add 2h", "silence add takes what to mute, and until when, as flags: imapvigil silence add --server NAME --until 2h --reason TEXT", 1},
		{"silence add --until 2h", "silence add needs one of --check, --server, --group and --role: imapvigil silence add (", 1},
		{"silence add --check a --role b", "silence add takes only one of --check, --server, --group and --role: imapvigil silence add (", 1},
		{"silence ad", `unknown command "ad" for "imapvigil silence": did you mean imapvigil silence add?`, 1},
		{"silence x", `unknown command "x" for "imapvigil silence": see imapvigil silence --help`, 1},
		{"statsu", `unknown command "statsu" for "imapvigil": did you mean imapvigil status?`, 1},
		{"frobnicate", `unknown command "frobnicate" for "imapvigil": see imapvigil --help`, 1},
		{"status --watc", "unknown flag: --watc. Did you mean --watch? See imapvigil status --help", 3},
		{"status --xyzzy", "unknown flag: --xyzzy; see imapvigil status --help", 3},
		{"incidents --since", "flag needs an argument: --since; see imapvigil incidents --help", 3},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), strings.Fields(c.call), strings.NewReader(""), &out, &errs)
		if code != c.code || !strings.Contains(errs.String(), c.want) || out.Len() > 0 {
			t.Errorf("imapvigil %s ends with %d and says\n%s%s\nnot\n%s", c.call, code, out.String(), errs.String(), c.want)
		}
	}
}

// TestPlaceFlags: every command takes the flags that say where things are, and the help of
// one that needs nothing does not show them.
func TestPlaceFlags(t *testing.T) {
	for _, c := range []struct {
		call           []string
		shown, without []string
	}{
		{[]string{"version"}, nil, []string{"--config", "--control", "--state-dir"}},
		{[]string{"status"}, []string{"-c, --config PATH", "--control SOCKET"}, []string{"--state-dir"}},
		{[]string{"journal"}, []string{"-c, --config PATH", "--state-dir DIR"}, []string{"--control"}},
		{[]string{"run"}, []string{"-c, --config PATH", "--state-dir DIR", "--control SOCKET"}, nil},
	} {
		var help bytes.Buffer
		if code := run(t.Context(), append(c.call, "--help"), strings.NewReader(""), &help, &help); code != 0 {
			t.Errorf("%v --help ends with %d", c.call, code)
		}
		for _, flag := range c.shown {
			if !strings.Contains(help.String(), flag) {
				t.Errorf("%v --help does not have %s:\n%s", c.call, flag, help.String())
			}
		}
		for _, flag := range c.without {
			if strings.Contains(help.String(), flag) {
				t.Errorf("%v --help has %s:\n%s", c.call, flag, help.String())
			}
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--config", "x", "version", "--state-dir", "y", "--control", "z"}, strings.NewReader(""), &out, &out); code != 0 {
		t.Errorf("version with all of them ends with %d: %s", code, out.String())
	}
}

// TestVersionFlag: --version and -v print what the command version prints.
func TestVersionFlag(t *testing.T) {
	for _, flag := range []string{"--version", "-v"} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{flag}, strings.NewReader(""), &out, &out); code != 0 || out.String() != versionLine() {
			t.Errorf("imapvigil %s ends with %d and prints %q", flag, code, out.String())
		}
	}
}

// TestHelpAlone: the program alone shows its commands in groups, the first ones first.
func TestHelpAlone(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), nil, strings.NewReader(""), &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("it ends with %d: %s", code, errs.String())
	}
	if !regexp.MustCompile(`(?s)Start here:\n  demo .*Every day:\n  status .*Set up:\n  plan .*Look inside:\n`).MatchString(out.String()) {
		t.Errorf("the groups are not in order:\n%s", out.String())
	}
}
