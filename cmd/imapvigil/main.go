// Go refuses servers for a certificate that mail programs, with OpenSSL or NSS, take,
// even if nothing is verified with it: an RSA key of more than 8192 bits (they take
// 16384), a negative serial number (which RFC 5280 section 4.1.2.2 forbids, and asks
// users to handle).

//go:debug tlsmaxrsasize=16384
//go:debug x509negativeserial=1

// Command imapvigil watches IMAP services from plain files.
//
// One file holds one sub-command. They parse flags, turn signals into a
// context, and print; what they print is decided in other rooms.
package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/imapvigil/imapvigil/config/access"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	// os.Exit runs no deferred call.
	stop()
	os.Exit(code)
}

// run runs the whole program, as a function of what it is given, and returns its exit
// code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{in: stdin, out: stdout, err: stderr, environment: readEnvironment()}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	p.printError(err)
	if errors.Is(err, access.ErrDenied) {
		return deniedCode
	}
	return cmp.Or(p.failCode, failCodes[command.Name()], 1)
}

// deniedCode is what every command ends with that may not open the control socket or the
// journal: nothing was found out.
const deniedCode = 3

// failCodes are what commands end with that could not do what they were asked,
// a mistyped flag included, where 1 says something about checks.
var failCodes = map[string]int{"test": 3, "recheck": 3, "status": 3, "incidents": 3, "import": 3, "show": 3, "who": 3}

// An exitCode ends the program with that code; what there was to say has been
// printed.
type exitCode int

func (exitCode) Error() string { return "exit" }

// exit returns the error that ends the program with a code; nil for 0.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return exitCode(code)
}
