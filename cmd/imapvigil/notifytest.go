package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
)

func (p *program) notifyTestCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "notify-test ROLE",
		Short: "Send a test message to a role, and show the results",
		Long:  "Send a test message through every notify block of a role and show the results.",
		Example: examples(
			"Would the role it_team be reached?", "imapvigil notify-test it_team",
			"For a script", "imapvigil notify-test it_team --json",
		),
		GroupID:     groupStart,
		Annotations: exitCodes("all delivered", "one was not"),
		Args:        p.takesRole,
		RunE: func(cmd *cobra.Command, args []string) error {
			trial, err := p.client(cmd).NotifyTest(cmd.Context(), config.RoleID(args[0]))
			if err != nil {
				if strings.HasPrefix(err.Error(), "there is no notification role") && p.loadWithoutSecrets().Roles[config.RoleID(args[0])] != nil {
					return notAppliedYet(config.RoleID(args[0]))
				}
				return err
			}
			if p.json {
				if err := p.printJSON(trial); err != nil {
					return err
				}
			}
			code := 0
			for _, d := range trial.Deliveries {
				mark, state := "✓", "ok"
				if d.State != "sent" {
					mark, state, code = "✗", "down", 1
				}
				if !p.json {
					p.printf("%s %s %s\n", p.paint(state, mark), d.Notifier, d.Target)
					p.printf("%s\n", p.fold("    ", d.State+": "+d.Answer.String()))
				}
			}
			return exit(code)
		},
	}
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// takesRole checks that there is one argument; without any, the error lists the roles of
// the files.
func (p *program) takesRole(c *cobra.Command, args []string) error {
	err := takes(1, 1, "the name of a notification_role")(c, args)
	if roles := p.loadWithoutSecrets().Roles; len(args) == 0 && len(roles) > 0 {
		err = fmt.Errorf("%w; roles: %s", err, strings.Join(sortedKeys(roles), ", "))
	}
	return err
}

// notAppliedYet says that the daemon does not know a role that the files have.
func notAppliedYet(role config.RoleID) error {
	return fmt.Errorf("the notification role %q is in the files, but not applied yet: sudo imapvigil reload", role)
}
