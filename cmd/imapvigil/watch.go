package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// watchEvery is how often a status that is watched is asked for.
const watchEvery = 2 * time.Second

// watchStatus shows the status again and again until somebody types q or interrupts it. A daemon that
// stops answering is no reason to end: it may be restarted.
func (p *program) watchStatus(ctx context.Context, client *api.Client, f statusFilter) error {
	s, err := askStatus(ctx, client, f)
	if err != nil {
		return err
	}
	if p.json || !p.screenOf(p.out).moves {
		return p.repeatStatus(ctx, client, f)
	}
	quit, restore := p.quitKey(ctx)
	defer restore()
	past := newLastHours(client)
	d := &display{out: p.out}
	d.enterScreen()
	defer d.leaveScreen()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for failure := ""; ; {
		past.refresh(ctx, s, p.now())
		p.hours = past.hours
		d.showLines(p.watchedLines(s, f, failure), p.screenOf(p.out))
		select {
		case <-ctx.Done():
			return exit(statusCode(s.Checks))
		case <-quit:
			return exit(statusCode(s.Checks))
		case <-resized:
			continue
		case <-ticker.C:
		}
		switch now, err := askStatus(ctx, client, f); {
		case err == nil:
			s, failure = now, ""
		case ctx.Err() == nil:
			failure = err.Error()
		}
	}
}

// repeatStatus prints the status every two seconds below the one before.
func (p *program) repeatStatus(ctx context.Context, client *api.Client, f statusFilter) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		err := p.status(ctx, client, f)
		// A check that is not well is no reason to stop watching.
		if err != nil && !isExit(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}

// watchedLines returns the lines of a status, below what went wrong when the daemon was
// asked for a newer one.
func (p *program) watchedLines(s api.Status, f statusFilter, failure string) []string {
	text := p.statusText(s, f)
	if failure != "" {
		g := p.newStatusPage(s.GeneratedAt)
		g.writeTrouble(trouble{text: failure + ". What follows is what was known then."})
		text = g.text.String() + text
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// A display shows lines on a terminal, from its first line on, and writes only those that
// have changed.
type display struct {
	out   io.Writer
	shown []string
	on    screen // which they were made for
}

// Control sequences of ECMA-48 and xterm.
const (
	otherScreen = "\x1b[?1049h" // so that what was on the screen comes back afterwards
	firstScreen = "\x1b[?1049l"
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	clearScreen = "\x1b[2J"
	clearLine   = "\x1b[2K"
)

func (d *display) enterScreen() { _, _ = io.WriteString(d.out, otherScreen+hideCursor) }

func (d *display) leaveScreen() { _, _ = io.WriteString(d.out, showCursor+firstScreen) }

// showLines shows lines instead of those that were shown before, as many as the screen has.
func (d *display) showLines(lines []string, on screen) {
	lines = cutLines(lines, on.height)
	var b strings.Builder
	if on != d.on {
		b.WriteString(clearScreen)
		d.shown, d.on = nil, on
	}
	for i := range max(len(lines), len(d.shown)) {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		if i < len(d.shown) && d.shown[i] == line || i >= len(d.shown) && line == "" {
			continue
		}
		// Cleared before: behind a line as wide as the screen that would take its end.
		fmt.Fprintf(&b, "\x1b[%d;1H%s%s", i+1, clearLine, line)
	}
	d.shown = lines
	if b.Len() > 0 {
		_, _ = io.WriteString(d.out, b.String())
	}
}

// cutLines returns as many lines as a screen has; the last one says what is missing.
func cutLines(lines []string, height int) []string {
	if height <= 0 || len(lines) <= height {
		return lines
	}
	left := len(lines) - height + 1
	return append(slices.Clone(lines[:height-1]), "and "+plural(left, "more line"))
}
