package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// An asker asks people at a terminal. Without one it has no answers but the defaults.
type asker struct {
	terminal bool
	in       *bufio.Reader
	out      io.Writer
	stdout   io.Writer
	file     *os.File
}

// questions returns who asks what the flags do not say. It is an error if there is
// something to ask and nobody to be asked.
func (p *program) questions(o initOptions) (*asker, error) {
	a := &asker{in: bufio.NewReader(p.in), out: p.err, stdout: p.out}
	if f, ok := p.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.file = f
	}
	var missing []string
	for name, given := range map[string]bool{"--host": o.host != "", "--to": len(o.to) > 0, "--relay": o.relay.address != ""} {
		if !given {
			missing = append(missing, name)
		}
	}
	// Whoever has said everything is not asked anything.
	a.terminal = a.file != nil && len(missing) > 0
	if len(missing) > 0 && !a.terminal {
		return nil, errors.New("standard input is no terminal, so nothing can be asked; say all of it: imapvigil init --host HOST --to ADDRESS --relay HOST")
	}
	if a.terminal {
		_, _ = fmt.Fprint(a.out, "A few questions, two tests, and a file. Nothing is written before the end.\n\n")
	}
	return a, nil
}

// askText asks for a text until there is one; an empty answer is the default.
func (a *asker) askText(question, otherwise string) string {
	for a.terminal {
		answer := a.askLine(question, otherwise)
		if answer != "" {
			return answer
		}
		if otherwise != "" || !a.terminal {
			break
		}
	}
	return otherwise
}

// optional asks for a text that may be empty.
func (a *asker) optional(question, otherwise string) string {
	if !a.terminal {
		return ""
	}
	answer := a.askLine(question, otherwise)
	if answer == otherwise {
		return ""
	}
	return answer
}

// askLine asks once. At the end of the input nobody can be asked any more.
func (a *asker) askLine(question, otherwise string) string {
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	_, _ = fmt.Fprint(a.out, question+": ")
	answer, err := a.in.ReadString('\n')
	if err != nil {
		a.terminal = false
		_, _ = fmt.Fprintln(a.out)
	}
	return strings.TrimSpace(answer)
}

// askYesOrNo asks a question whose usual answer is yes.
func (a *asker) askYesOrNo(question string) bool {
	answer := strings.ToLower(a.askLine(question+" (yes or no)", "yes"))
	return a.terminal && (answer == "" || strings.HasPrefix(answer, "y"))
}

// accepts asks whether to go on after something failed; without a terminal nobody does.
func (a *asker) accepts(failed error, question string) bool {
	if !a.terminal {
		return false
	}
	_, _ = fmt.Fprintf(a.out, "%s\n", fold("", "✗ "+failed.Error()))
	answer := strings.ToLower(a.askLine(question+" (yes or no)", "no"))
	return strings.HasPrefix(answer, "y")
}

// secret asks for what is not shown while it is typed.
func (a *asker) secret(question string) (string, error) {
	_, _ = fmt.Fprint(a.out, question+" (not shown): ")
	if a.in.Buffered() > 0 { // typed ahead, so it is shown already
		answer, err := a.in.ReadString('\n')
		return strings.TrimRight(answer, "\r\n"), err
	}
	answer, err := term.ReadPassword(int(a.file.Fd()))
	_, _ = fmt.Fprintln(a.out)
	return string(answer), err
}
