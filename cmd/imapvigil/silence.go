package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// noSuchScope is what `silence add` ends with when there is nothing to mute.
const noSuchScope = 3

func (p *program) silenceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "silence",
		Short: "Mute notifications for a check, server, group or role",
		Long: "Mute notifications for a check, server, group or role. Incidents are still\n" +
			"recorded. When the silence ends, every recipient is sent whatever changed since\n" +
			"the last message they got.",
		Example: examples(
			"Reboot a server without alarms", `imapvigil silence add --server mx1 --until 2h --reason reboot`,
			"What is silenced now?", "imapvigil silence list",
			"The reboot is over", "imapvigil silence remove c0ffee",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("done", "not done", "", "there is no such check, server, group or role, or it has no checks"),
		SuggestFor:  []string{"mute", "downtime", "snooze"},
	}
	onlyCommands(c)
	named := c.Args
	c.Args = func(cmd *cobra.Command, args []string) error {
		if call := p.silenceMeant(cmd, args); call != "" {
			return errors.New("silence needs add, list or remove; to mute something: " + call)
		}
		return named(cmd, args)
	}
	c.AddCommand(p.silenceAddCommand(), p.silenceListCommand(), p.silenceRemoveCommand())
	return c
}

// silenceMeant returns the call of `silence add` that somebody may mean who wrote a time or
// the name of something; "" if none of the words is either.
func (p *program) silenceMeant(cmd *cobra.Command, words []string) string {
	about, until := "", ""
	for _, word := range words {
		if _, err := moment.Until(word, p.now()); err == nil {
			until = word
		} else if flag := p.scopeFlagOf(cmd, word); flag != "" {
			about = flag
		}
	}
	if about == "" && until == "" {
		return ""
	}
	if about == "" {
		about = "--server NAME"
	}
	if until == "" {
		until = "TIME"
	}
	if strings.Contains(until, " ") {
		until = fmt.Sprintf("%q", until)
	}
	return "imapvigil silence add " + about + " --until " + until + " --reason TEXT"
}

// scopeFlagOf returns the flag that says what a name stands for; "" if it stands for nothing.
func (p *program) scopeFlagOf(cmd *cobra.Command, name string) string {
	checks, err := p.checksOfDaemon(cmd.Context(), cmd)
	if err != nil {
		return ""
	}
	ref, err := directoryOf(checks).Find(name)
	switch {
	case err != nil:
		return ""
	case ref.Check != "":
		return "--check " + string(ref.Check)
	case ref.Server != "":
		return "--server " + string(ref.Server)
	}
	return "--group " + string(ref.Group)
}

func (p *program) silenceAddCommand() *cobra.Command {
	var scope api.Scope
	var until, reason, by string
	c := &cobra.Command{
		Use:   "add (--check ID | --server NAME | --group GROUP | --role NAME) --until TIME --reason TEXT",
		Short: "Add a silence for a check, server, group or role",
		Example: examples(
			"A server and all its checks", `imapvigil silence add --server mx1 --until 2h --reason reboot`,
			"A group and the groups below it", `imapvigil silence add --group germany --until "tomorrow 08:00" -m "new router"`,
			"Everything that one role would be sent", `imapvigil silence add --role it_team --until 1h --reason "fire drill"`,
		),
		Args: func(cmd *cobra.Command, args []string) error {
			if call := p.silenceMeant(cmd, args); call != "" {
				return errors.New("silence add takes what to mute, and until when, as flags: " + call)
			}
			return noArguments(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := takesOneFlag(cmd, "check", "server", "group", "role"); err != nil {
				return err
			}
			end, err := p.parseUntil(until)
			switch {
			case err != nil:
				return err
			case end.At.IsZero():
				return wrongCall(cmd, "needs --until, like "+moment.Forms)
			case reason == "":
				return wrongCall(cmd, "needs --reason, which colleagues read")
			}
			client := p.clientAs(cmd, by)
			if scope, err = p.findScope(cmd.Context(), client, scope); err != nil {
				return err
			}
			s, err := client.Silence(cmd.Context(), scope, reason, end.At)
			if err != nil {
				return p.noSuchRole(scope.Role, err)
			}
			if p.json {
				return p.printJSON(s)
			}
			p.printf("%s\n", p.fold("", fmt.Sprintf("Silence %s mutes %s, until %s.", s.ID, covered(s), p.formatMinute(s.Until))))
			p.printNote(end)
			p.warnLongReason(reason)
			return nil
		},
	}
	c.Flags().StringVar((*string)(&scope.Check), "check", "", "mute this check")
	c.Flags().StringVarP((*string)(&scope.Server), "server", "s", "", "mute the checks of this server")
	c.Flags().StringVarP((*string)(&scope.Group), "group", "g", "", "mute the checks of this group and below it (europe/germany)")
	c.Flags().StringVar((*string)(&scope.Role), "role", "", "mute everything that this role would be sent")
	c.Flags().StringVar(&until, "until", "", "when it ends: "+moment.Forms)
	c.Flags().StringVarP(&reason, "reason", "m", "", "comment, shown by silence list and status")
	p.byFlag(c, &by)
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

// findScope returns what the names of a scope stand for. What there is not, or has no
// checks, is an error: a silence about it would mute nothing. Which roles there are, only
// the daemon knows; see noSuchRole.
func (p *program) findScope(ctx context.Context, client *api.Client, wanted api.Scope) (found api.Scope, err error) {
	status, err := client.Status(ctx)
	if err != nil || wanted.Role != "" {
		return wanted, err
	}
	p.failCode = noSuchScope
	if found, err = scopeIn(directoryOf(status.Checks), wanted); err == nil {
		p.failCode = 0
		return found, nil
	}
	// The daemon's checks do not tell of what has none; the files do.
	files := lookup.Of(p.loadWithoutSecrets())
	inFiles, notThere := scopeIn(files, wanted)
	if notThere == nil && len(files.Below(config.Ref{Group: inFiles.Group, Server: inFiles.Server, Check: inFiles.Check})) == 0 {
		return wanted, fmt.Errorf("%s has no checks, so there is nothing to mute", inFiles)
	}
	return wanted, err
}

// noSuchRole returns what to say when the daemon refused a silence. If it has no such role,
// the caller's files, which need not be the daemon's, help to say what was meant.
func (p *program) noSuchRole(role config.RoleID, refused error) error {
	if role == "" || refused.Error() != "there is no "+(api.Scope{Role: role}).String() {
		return refused
	}
	p.failCode = noSuchScope
	if _, err := lookup.Of(p.loadWithoutSecrets()).Role(string(role)); err != nil {
		return err
	}
	return notAppliedYet(role)
}

// scopeIn returns the scope whose names are those of a directory.
func scopeIn(d *lookup.Directory, wanted api.Scope) (found api.Scope, err error) {
	switch {
	case wanted.Check != "":
		found.Check, err = d.Check(string(wanted.Check))
	case wanted.Server != "":
		found.Server, err = d.Server(string(wanted.Server))
	default:
		found.Group, err = d.Group(string(wanted.Group))
	}
	return found, err
}

// covered says what a silence is about, and how many checks that are.
func covered(s api.ListedSilence) string {
	if s.Scope.Role != "" || s.Gone {
		return s.Scope.String()
	}
	return s.Scope.String() + " (" + plural(s.Checks, "check") + ")"
}

func (p *program) silenceListCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the silences that have not ended",
		Example: examples(
			"What is muted, until when, by whom and why?", "imapvigil silence list",
			"Also those that ended within a day", "imapvigil silence list --all",
		),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := p.client(cmd).Silences(cmd.Context(), all)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(list)
			}
			if len(list.Silences) == 0 {
				p.printf("No silences.\n")
			}
			for _, s := range list.Silences {
				p.printSilence(s)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "list those that ended within a day, too")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

func (p *program) printSilence(s api.ListedSilence) {
	end := "until"
	if s.Ended {
		end = "ended"
	}
	p.printf("%s  %s %s  %s\n", s.ID, end, p.formatMinute(s.Until), covered(s))
	who := "since " + p.formatMinute(s.From)
	if s.By != "" {
		who = "by " + s.By + " " + who
	}
	if s.EndedBy != "" {
		who += ", ended by " + s.EndedBy
	}
	p.printf("%s\n", p.fold("        ", who+": "+s.Reason))
	if !s.Ended && (s.Gone || s.Checks == 0 && s.Scope.Role == "") {
		p.printf("%s\n", p.fold("        ", "! It mutes nothing: "+whyLost(s)+". End it: imapvigil silence remove "+s.ID))
	}
}

// whyLost says why a silence mutes nothing.
func whyLost(s api.ListedSilence) string {
	if s.Gone {
		return s.Scope.String() + " is not in the files any more"
	}
	return s.Scope.String() + " has no checks"
}

// printLostSilences says which silences mute nothing since the files have changed.
func (p *program) printLostSilences(list []api.ListedSilence) {
	for _, s := range list {
		p.printf("%s\n", p.fold("", fmt.Sprintf("! Silence %s mutes nothing: %s. End it: imapvigil silence remove %s", s.ID, whyLost(s), s.ID)))
	}
}

func (p *program) silenceRemoveCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use:   "remove ID",
		Short: "End a silence now",
		Long:  "End a silence now; several ids may be given. Every recipient is sent whatever\nchanged since the last message they got.",
		Example: examples(
			"`imapvigil silence list` shows the id", "imapvigil silence remove c0ffee",
			"The ids of the silences, in a shell with completion", "imapvigil silence remove <TAB>",
		),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return p.withSilences(cmd, wrongCall(cmd, "needs the id of a silence"))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			client := p.clientAs(cmd, by)
			for _, id := range args {
				if _, err := client.EndSilence(cmd.Context(), id); err != nil {
					return p.withSilences(cmd, err)
				}
				p.printf("Silence %s has ended.\n", id)
			}
			return nil
		},
	}
	p.byFlag(c, &by)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// withSilences adds to an error which silences there are, if the daemon says so soon.
func (p *program) withSilences(cmd *cobra.Command, err error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), p.completesWithin())
	defer cancel()
	list, unreachable := p.client(cmd).Silences(ctx, false)
	if unreachable != nil {
		return err
	}
	if len(list.Silences) == 0 {
		return fmt.Errorf("%w; there is none", err)
	}
	const most = 5
	var words []string
	for _, s := range list.Silences[:min(len(list.Silences), most)] {
		words = append(words, s.ID+" "+s.Scope.String())
	}
	return fmt.Errorf("%w; there is %s", err, strings.Join(words, ", "))
}
