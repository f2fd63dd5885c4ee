package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/demo"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// until prints what all nodes together see each time it changes, and returns when a node decides and
// every check is in the wanted state.
func (d *nodesDemonstration) until(ctx context.Context, want incident.CheckState) error {
	for {
		s, err := d.running[len(d.running)-1].client.Status(ctx)
		if err != nil {
			return err
		}
		line, reached := nodesLine(s, want)
		if line != d.last {
			d.printf("%s\n", foldHangingTo(d.screenOf(d.out).width, "  "+time.Now().Format("15:04:05")+"  ", spaces(12), line))
			d.last = line
		}
		if reached {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits a moment, or until ctx ends.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(200 * time.Millisecond):
		return nil
	}
}

// nodesLine returns who decides and what the nodes see in one line, and whether all is as wanted.
func nodesLine(s api.Status, want incident.CheckState) (line string, reached bool) {
	if s.Node == nil || s.Node.Decider == "" {
		return "No node decides yet.", false
	}
	reached = len(s.Checks) > 0
	parts := []string{s.Node.Decider + " decides"}
	for _, c := range s.Checks {
		text := fmt.Sprintf("%s is %s", c.ID, c.State)
		switch {
		case c.State == incident.CheckRecovering:
		case c.From != "":
			text += ", " + notifiers.SeenFromClause(c.From)
		}
		parts = append(parts, text)
		reached = reached && c.State == want
	}
	return strings.Join(parts, "; "), reached
}

// tell prints the messages that people get now, and sees that there are no others.
func (d *nodesDemonstration) tell(ctx context.Context, paged bool) error {
	d.letters++
	letter, err := d.Letter(ctx, d.letters)
	if err != nil {
		return err
	}
	messages := []demo.Message{letter}
	if paged {
		d.sms++
		sms, err := d.SMS(ctx, d.sms)
		if err != nil {
			return err
		}
		messages = append(messages, sms)
	}
	for _, m := range messages {
		d.printf("\n  ---- %s ----\n", m.To)
		for line := range strings.Lines(strings.TrimSpace(m.Text)) {
			d.printf("%s\n", foldMessageLine(d.screenOf(d.out).width, strings.TrimSpace(line)))
		}
	}
	if !paged {
		d.printf("\n  Nobody gets an SMS, which is sent only of what is down.\n")
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	if letters, sms := d.Arrived(); letters != d.letters || sms != d.sms {
		return fmt.Errorf("%d emails and %d SMS were sent, and not %d and %d", letters, sms, d.letters, d.sms)
	}
	return nil
}

// messageTitle matches the title of a line such as "Seen from:    2 of 3 nodes".
var messageTitle = regexp.MustCompile(`^[A-Z][A-Za-z ]*: +`)

// foldMessageLine indents a line of a message, and folds it where it does not fit the screen.
func foldMessageLine(width int, line string) string {
	if line == "" {
		return ""
	}
	title := messageTitle.FindString(line)
	return foldHangingTo(width, "    "+title, spaces(4+len(title)), line[len(title):])
}
