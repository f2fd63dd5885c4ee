package main

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

func (p *program) silenceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "silence",
		Short: "Have nothing sent about something for a while",
		Long: "What happens meanwhile is recorded. When a silence ends and the truth differs\n" +
			"from what a way was last told, the difference is sent.",
	}
	c.AddCommand(p.silenceAddCommand(), p.silenceListCommand(), p.silenceRemoveCommand())
	return c
}

func (p *program) silenceAddCommand() *cobra.Command {
	var scope api.Scope
	var until, reason, group string
	c := &cobra.Command{
		Use:   "add",
		Short: "Begin a silence about a check, a server, a group or a role",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// "europe.germany", as a reference in the files has it.
			scope.Group = config.GroupID(strings.ReplaceAll(group, ".", "/"))
			if strings.Contains(group, "/") {
				scope.Group = config.GroupID(group) // names may hold dots
			}
			end, err := parseUntil(until, time.Now())
			switch {
			case err != nil:
				return err
			case end.IsZero():
				return errors.New(`--until is needed: a duration ("4h") or a time ("2026-01-06T08:00:00Z")`)
			case reason == "":
				return errors.New("--reason is needed: say what you do meanwhile")
			}
			s, err := p.client(cmd).Silence(cmd.Context(), scope, reason, end)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(s)
			}
			p.printf("Silence %s about %s, until %s.\n", s.ID, s.Scope, formatTime(s.Until))
			p.warnLongReason(reason)
			return nil
		},
	}
	c.Flags().StringVar((*string)(&scope.Check), "check", "", "about this check")
	c.Flags().StringVar((*string)(&scope.Server), "server", "", "about the checks of this server")
	c.Flags().StringVar(&group, "group", "", "about the checks of this group and below it (europe/germany)")
	c.Flags().StringVar((*string)(&scope.Role), "role", "", "about everything that this role would be told")
	c.Flags().StringVar(&until, "until", "", `its end: a duration ("4h") or a time ("2026-01-06T08:00:00Z")`)
	c.Flags().StringVar(&reason, "reason", "", "what you do meanwhile")
	c.MarkFlagsMutuallyExclusive("check", "server", "group", "role")
	c.MarkFlagsOneRequired("check", "server", "group", "role")
	p.jsonFlag(c)
	return c
}

func (p *program) silenceListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the silences that have not ended",
		Args:  cobra.NoArgs,
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
				p.printf("%s  until %s  %s\n", s.ID, formatTime(s.Until), s.Scope)
				p.printf("%s\n", fold("        ", s.Reason))
			}
			return nil
		},
	}
	p.jsonFlag(c)
	return c
}

func (p *program) silenceRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "End a silence before its time",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.client(cmd).EndSilence(cmd.Context(), args[0]); err != nil {
				return err
			}
			p.printf("Silence %s has ended.\n", args[0])
			return nil
		},
	}
}
