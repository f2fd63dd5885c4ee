package main

import (
	"context"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/daemon/demo"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The server of the demo's page is well for a while, and then down for a while.
const (
	demoWell = 40 * time.Second
	demoDown = 20 * time.Second
)

// demoPage plays the demo with the status page, until it is interrupted.
func (p *program) demoPage(ctx context.Context) error {
	open := func(dir string) (*demo.Stage, error) { return demo.OpenPage(ctx, dir) }
	err := p.onStage(open, func(d *demonstration, state string) error { return d.play(ctx, state, d.pageScript) })
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // Ctrl-C, which is how it ends
	}
	return err
}

// pageScript makes the first server fail and recover, again and again, and prints each step, until ctx ends.
func (d *demonstration) pageScript(ctx context.Context) error {
	d.printf("\nThe status page is open:\n\n    %s\n\n%s\n", d.PageURL, d.fold("",
		"Three servers are part of the demo. Of mx1 nothing listens every now and then, mx2 is well, and the certificate of mx3 ends in five days. "+
			"Here an outage is reported after 4 seconds; by default it must last 3 minutes. All that you see has been measured since the demo began. Ctrl-C ends it."))
	d.printf("\n%s\n\n    imapvigil ack mx1 --reason \"I look after it\" --control %s\n", d.fold("", "While mx1 is down, acknowledge it from another terminal, and see the page change:"), d.Control)
	for {
		d.say("mx1 works.")
		if err := d.watchFor(ctx, demoWell); err != nil {
			return err
		}
		d.say("mx1 stops: nothing listens on its port any more.")
		d.StopServer()
		if err := d.watchFor(ctx, demoDown); err != nil {
			return err
		}
		if err := d.StartServer(); err != nil {
			return err
		}
	}
}

// watchFor prints the states each time they change, for a while.
func (d *demonstration) watchFor(ctx context.Context, span time.Duration) error {
	short, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	// No check is ever in a state without a name, so this ends with the time.
	err := d.until(short, incident.CheckState(""))
	if ctx.Err() == nil && short.Err() != nil {
		return nil
	}
	return err
}
