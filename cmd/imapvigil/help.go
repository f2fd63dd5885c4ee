package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imapvigil/imapvigil/config/lookup"
)

// The groups of the commands, in the order in which help shows them.
const (
	groupStart = "start"
	groupDaily = "daily"
	groupSetUp = "setup"
	groupLook  = "look"
)

// commandGroups are the groups with their titles.
func commandGroups() []*cobra.Group {
	return []*cobra.Group{
		{ID: groupStart, Title: "Start here:"},
		{ID: groupDaily, Title: "Every day:"},
		{ID: groupSetUp, Title: "Set up:"},
		{ID: groupLook, Title: "Look inside:"},
	}
}

// exitsKey is the annotation of a command with its exit codes.
const exitsKey = "exits"

// exitCodes returns the annotation of a command with the meanings of its exit codes:
// meanings[0] is the meaning of code 0, and so on. An empty meaning stands for a code that
// the command does not use. TestREADMEHelp compares them with the table in README.md.
func exitCodes(meanings ...string) map[string]string {
	return map[string]string{exitsKey: strings.Join(meanings, "\n")}
}

// exitCodesOf returns what the exit codes of a command mean; a sub-command that says
// nothing ends as the command it belongs to.
func exitCodesOf(c *cobra.Command) []string {
	for ; c != nil; c = c.Parent() {
		if text := c.Annotations[exitsKey]; text != "" {
			return strings.Split(text, "\n")
		}
	}
	return nil
}

// examples formats the examples in the help of a command. They are given in pairs: a remark,
// and the command line that it describes.
func examples(pairs ...string) string {
	var lines []string
	for pair := range slices.Chunk(pairs, 2) {
		lines = append(lines, "  # "+pair[0], "  "+pair[1])
	}
	return strings.Join(lines, "\n")
}

// takes returns the check of a command's arguments: at least and at most so many, each of
// them what the words say, as "the id of an incident". Its error says the right call.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return wrongCall(c, "needs "+what)
		case most == 0 && len(args) > 0:
			return wrongCall(c, fmt.Sprintf("takes no arguments, and %q is one", args[0]))
		case most != anyNumber && len(args) > most:
			return wrongCall(c, fmt.Sprintf("takes %s and nothing more, and %q is more", what, args[most]))
		}
		return nil
	}
}

// anyNumber is the most that a command takes which takes any number of arguments.
const anyNumber = -1

// noArguments is the check for a command that takes none.
var noArguments = takes(0, 0, "")

// refuseEmpty returns an error for a flag, or an argument, with an empty value: mostly a
// variable of a script that is not set, and an acknowledgement would never expire, or all
// checks be meant instead of one server's. An empty reason has an error of its own; an
// empty place is the usual one; and of a daemon, "" is the default, or switches something off.
func refuseEmpty(c *cobra.Command, args []string) (err error) {
	if c.Name() == cobra.ShellCompRequestCmd || c.Name() == cobra.ShellCompNoDescRequestCmd {
		return nil
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.String() == "" && f.Name != "reason" && c.Name() != "run" && !isPlaceFlag(f) {
			err = fmt.Errorf(`--%s "" has no value: write one, or leave the flag out`, f.Name)
		}
	})
	if err == nil && slices.Contains(args, "") {
		return wrongCall(c, `takes no empty argument`)
	}
	return err
}

// takesOneFlag returns an error unless exactly one of the flags was given.
func takesOneFlag(c *cobra.Command, names ...string) error {
	given := 0
	for _, name := range names {
		if c.Flags().Changed(name) {
			given++
		}
	}
	if given == 1 {
		return nil
	}
	list := "--" + strings.Join(names[:len(names)-1], ", --") + " and --" + names[len(names)-1]
	if given > 1 {
		return wrongCall(c, "takes only one of "+list)
	}
	return wrongCall(c, "needs one of "+list)
}

// wrongCall returns the error for wrong arguments of a command: its name, what is wrong, and
// its usage line.
func wrongCall(c *cobra.Command, what string) error {
	name := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
	return fmt.Errorf("%s %s: %s", name, what, strings.TrimSuffix(c.UseLine(), " [flags]"))
}

// wrongFlag says of a flag that a command does not have which one may be meant, and where
// its flags are listed.
func wrongFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near, ok := lookup.Nearest(unknown.GetSpecifiedName(), known); ok {
		return fmt.Errorf("%w. Did you mean --%s? See %s --help", err, near, c.CommandPath())
	}
	return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
}

// onlyCommands makes a command that is nothing but its sub-commands: alone it shows its
// help, and a sub-command that does not exist is an error.
func onlyCommands(c *cobra.Command) {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var known []string
		for _, sub := range c.Commands() {
			if !sub.IsAvailableCommand() {
				continue
			}
			known = append(known, sub.Name())
			if slices.Contains(sub.SuggestFor, args[0]) { // the word of other programs
				return fmt.Errorf("unknown command %q for %q: did you mean %s?", args[0], c.CommandPath(), sub.CommandPath())
			}
		}
		hint := "see " + c.CommandPath() + " --help"
		if near, ok := lookup.Nearest(args[0], known); ok {
			hint = "did you mean " + c.CommandPath() + " " + near + "?"
		}
		return fmt.Errorf("unknown command %q for %q: %s", args[0], c.CommandPath(), hint)
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
}

// The flags that say where things are. Every command takes them, so that a script can give
// the same ones to all; the help of a command shows those that do something there.
const (
	configFlag  = "config"
	stateFlag   = "state-dir"
	controlFlag = "control"
)

// hiddenPlaceFlags gives a command and all below it the flags that say where things are.
func (p *program) hiddenPlaceFlags(root *cobra.Command) {
	p.addPlaceFlags(root.PersistentFlags(), configFlag, stateFlag, controlFlag)
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { f.Hidden = true })
}

// placeFlags shows a command's help and completion which of these flags it uses.
func (p *program) placeFlags(c *cobra.Command, names ...string) {
	p.addPlaceFlags(c.Flags(), names...)
}

func (p *program) addPlaceFlags(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		switch name {
		case configFlag:
			flags.StringVarP(&p.configPath, configFlag, "c", defaultConfig, "configuration, a directory or a file")
		case stateFlag:
			flags.StringVar(&p.stateDir, stateFlag, "", "state directory (default: the configuration's)")
		case controlFlag:
			flags.StringVar(&p.control, controlFlag, "", "control socket of the daemon (default: the configuration's)")
		}
	}
}

// isPlaceFlag reports whether a flag says where things are.
func isPlaceFlag(f *pflag.Flag) bool {
	return slices.Contains([]string{configFlag, stateFlag, controlFlag}, f.Name)
}

// valueNames are what help calls the values of flags.
var valueNames = map[string]string{
	configFlag: "PATH", stateFlag: "DIR", controlFlag: "SOCKET",
	"as": "USER", "at": "TIME", "by": "NAME", "check": "CHECK", "condition": "CONDITION", "dismiss": "KEY", "from": "ADDRESS", "format": "FORMAT", "group": "GROUP", "host": "HOST",
	"listen": "ADDRESS", "log-format": "FORMAT", "log-level": "LEVEL", "man": "PAGE", "node": "NODE", "nodes": "NUMBER", "out": "PATH", "output": "FILE", "period": "PERIOD", "port": "PORT", "proxy-protocol": "VERSION",
	"reason": "TEXT", "relay": "HOST", "relay-password-file": "FILE", "relay-security": "HOW", "relay-user": "USER",
	"replace": "DEST=FILE", "retry": "KEY", "role": "ROLE", "security": "HOW", "server": "SERVER",
	"severity": "SEVERITY", "since": "TIME", "state": "STATE", "to": "ADDRESS", "until": "TIME",
}

// A namedValue is the value of a flag under the name that help gives it.
type namedValue struct {
	pflag.Value
	name string
}

func (v namedValue) Type() string { return v.name }

// flagTexts returns the lines of help about those flags of a set that are wanted.
func flagTexts(flags *pflag.FlagSet, wanted func(*pflag.Flag) bool) string {
	shown := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || !wanted(f) {
			return
		}
		// A copy: the flag itself keeps its value.
		named := *f
		// pflag takes a word in backquotes for the name of the value.
		named.Usage = strings.ReplaceAll(f.Usage, "`", `"`)
		switch f.Name {
		case "help":
			named.Usage = "show this help"
		case "version":
			named.Usage = "print the version"
		}
		if f.DefValue == "[]" {
			named.DefValue = "" // an empty list is no default that helps
		}
		if f.Value.Type() != "bool" {
			named.Value = namedValue{f.Value, cmp.Or(valueNames[f.Name], f.Value.Type())}
		}
		shown.AddFlag(&named)
	})
	return strings.TrimRight(shown.FlagUsagesWrapped(screenWidth), "\n")
}

// printHelp prints what a command does, folded, and its usage.
func printHelp(c *cobra.Command, _ []string) {
	_, _ = io.WriteString(c.OutOrStdout(), foldParagraphs(cmp.Or(c.Long, c.Short))+"\n\n")
	_ = c.Usage()
}

// foldParagraphs folds each paragraph of a text to 80 columns. A paragraph whose lines begin
// with a blank is a table: it is not folded.
func foldParagraphs(text string) string {
	paragraphs := strings.Split(strings.Trim(text, "\n"), "\n\n")
	for i, p := range paragraphs {
		if !strings.HasPrefix(p, " ") {
			paragraphs[i] = fold("", p)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// printUsage prints how a command is called: its form, examples, commands, flags and exit
// codes.
func printUsage(c *cobra.Command) error {
	var b strings.Builder
	section := func(title, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n%s\n%s\n", title, strings.TrimRight(text, "\n"))
		}
	}
	b.WriteString("Usage:\n")
	var forms []string
	if strings.Contains(c.Use, " ") || !c.HasAvailableSubCommands() { // it takes something itself
		forms = append(forms, c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		forms = append(forms, c.CommandPath()+" COMMAND")
	}
	for _, form := range forms {
		b.WriteString(foldHanging("  ", "      ", form) + "\n")
	}
	section("Examples:", c.Example)
	if len(c.Groups()) == 0 {
		section("Commands:", commandTexts(c, ""))
	}
	for _, g := range c.Groups() {
		section(g.Title, commandTexts(c, g.ID))
	}
	section("Flags:", flagTexts(c.LocalFlags(), func(f *pflag.Flag) bool { return !isPlaceFlag(f) }))
	section("Where things are:", flagTexts(c.LocalFlags(), isPlaceFlag))
	section("Exit codes:", exitCodeTexts(c))
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help explains a command.\n", c.CommandPath())
	}
	if !c.HasParent() {
		b.WriteString(fold("", "Manual pages: "+strings.Join(manualPages, ", ")+".") + "\n")
	}
	_, err := io.WriteString(c.OutOrStdout(), b.String())
	return err
}

// manualPages are the pages that the package brings.
var manualPages = []string{
	"imapvigil(8)", "imapvigil-howto(7)", "imapvigil-notifiers(7)", "imapvigil-page(7)", "imapvigil-nodes(7)", "imapvigil-states(7)", "imapvigil-migrate(7)", "imapvigil.hcl(5)",
}

// helpOrder is the order of the commands in their groups; the first ones are those that are
// needed first or most often.
var helpOrder = []string{
	"demo", "init", "test", "validate", "notify-test",
	"status", "incidents", "ack", "unack", "note", "silence", "recheck", "deliveries", "history", "report",
	"plan", "reload", "fmt", "import", "nodes", "run", "completion",
	"show", "who", "journal", "schema", "version",
}

// commandTexts returns the lines of help about the commands of a group.
func commandTexts(c *cobra.Command, group string) string {
	commands := slices.Clone(c.Commands())
	slices.SortStableFunc(commands, func(a, b *cobra.Command) int {
		return slices.Index(helpOrder, a.Name()) - slices.Index(helpOrder, b.Name())
	})
	var b strings.Builder
	for _, sub := range commands {
		if sub.IsAvailableCommand() && sub.GroupID == group {
			fmt.Fprintf(&b, "  %-12s %s\n", sub.Name(), sub.Short)
		}
	}
	return b.String()
}

// exitCodeTexts returns the lines of help about the exit codes of a command.
func exitCodeTexts(c *cobra.Command) string {
	meanings := exitCodesOf(c)
	// What the daemon keeps for itself and its group ends all commands alike.
	if usesDaemon := c.LocalNonPersistentFlags().Lookup(controlFlag) != nil; usesDaemon && c.Name() != "run" || c.Name() == "journal" {
		meanings = append(slices.Clone(meanings), make([]string, max(0, permissionCode+1-len(meanings)))...)
		meanings[permissionCode] = strings.TrimPrefix(meanings[permissionCode]+", or permission denied", ", or ")
	}
	var b strings.Builder
	for code, meaning := range meanings {
		if meaning != "" {
			fmt.Fprintf(&b, "%s\n", foldHanging(fmt.Sprintf("  %d  ", code), "     ", strings.ReplaceAll(meaning, "`", "")))
		}
	}
	return b.String()
}

// permissionCode ends every command that may not open the control socket or the journal.
const permissionCode = 3

// foldHanging folds text to 80 columns, with one indent for its first line and another for the
// rest, which is as wide or wider.
func foldHanging(first, rest, text string) string {
	return foldHangingTo(screenWidth, first, rest, text)
}

// foldHangingTo folds text to a width as foldHanging does.
func foldHangingTo(width int, first, rest, text string) string {
	lines := foldTo(width, rest, text)
	return first + strings.TrimPrefix(lines, rest)
}
