package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/api"
)

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
			"The reboot is over", "imapvigil silence remove 7sfq2hnk5a",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("done", "not done"),
	}
	onlyCommands(c)
	c.AddCommand(p.silenceAddCommand(), p.silenceListCommand(), p.silenceRemoveCommand())
	return c
}

func (p *program) silenceAddCommand() *cobra.Command {
	var scope api.Scope
	var until, reason, group string
	c := &cobra.Command{
		Use:   "add (--check ID | --server NAME | --group GROUP | --role NAME) --until TIME --reason TEXT",
		Short: "Add a silence for a check, server, group or role",
		Example: examples(
			"A server and all its checks", `imapvigil silence add --server mx1 --until 2h --reason reboot`,
			"A group and the groups below it", `imapvigil silence add --group europe/germany --until 4h --reason "new router"`,
			"Everything that one role would be sent", `imapvigil silence add --role it_team --until 1h --reason "fire drill"`,
		),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := takesOneFlag(cmd, "check", "server", "group", "role"); err != nil {
				return err
			}
			// "europe.germany", as a reference in the files has it.
			scope.Group = config.GroupID(strings.ReplaceAll(group, ".", "/"))
			if strings.Contains(group, "/") {
				scope.Group = config.GroupID(group) // names may hold dots
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
			s, err := p.client(cmd).Silence(cmd.Context(), scope, reason, end.At)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(s)
			}
			p.printf("Silence %s about %s, until %s.\n", s.ID, s.Scope, p.formatMinute(s.Until))
			p.printNote(end)
			p.warnLongReason(reason)
			return nil
		},
	}
	c.Flags().StringVar((*string)(&scope.Check), "check", "", "mute this check")
	c.Flags().StringVarP((*string)(&scope.Server), "server", "s", "", "mute the checks of this server")
	c.Flags().StringVarP(&group, "group", "g", "", "mute the checks of this group and below it (europe/germany)")
	c.Flags().StringVar((*string)(&scope.Role), "role", "", "mute everything that this role would be sent")
	c.Flags().StringVar(&until, "until", "", "when it ends: "+moment.Forms)
	c.Flags().StringVarP(&reason, "reason", "m", "", "comment, shown by silence list and status")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

func (p *program) silenceListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the silences that have not ended",
		Example: examples(
			"What is muted, until when, and why?", "imapvigil silence list",
			"For a script", "imapvigil silence list --json",
		),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := p.client(cmd).Silences(cmd.Context())
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
				p.printf("%s  until %s  %s\n", s.ID, p.formatMinute(s.Until), s.Scope)
				p.printf("%s\n", fold("        ", s.Reason))
			}
			return nil
		},
	}
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

func (p *program) silenceRemoveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "remove ID",
		Short: "End a silence before its time",
		Example: examples(
			"`imapvigil silence list` shows the id", "imapvigil silence remove 7sfq2hnk5a",
			"The names of the silences, in a shell with completion", "imapvigil silence remove <TAB>",
		),
		Args: takes(1, 1, "the id of a silence"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.client(cmd).EndSilence(cmd.Context(), args[0]); err != nil {
				return err
			}
			p.printf("Silence %s has ended.\n", args[0])
			return nil
		},
	}
	p.placeFlags(c, configFlag, controlFlag)
	return c
}
