package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon"
)

func (p *program) runCommand() *cobra.Command {
	var format, level, listen, node string
	var shrink bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon, as systemd does",
		Example: examples(
			"As a service", "sudo systemctl start imapvigil",
			"By hand, with files of your own", "imapvigil run --config ./conf --state-dir ./state --control ./control.sock",
			"As a node whose name is not its host name", "imapvigil run --node fra1",
			"See every probe", "imapvigil run --config ./conf --state-dir ./state --log-level debug",
		),
		GroupID:     groupSetUp,
		Annotations: exitCodes("it ended after SIGTERM", "the start was refused"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := zap.NewAtomicLevel()
			if level != "" {
				if err := at.UnmarshalText([]byte(level)); err != nil {
					return fmt.Errorf("--log-level is debug, info, warn or error, not %q", level)
				}
			}
			if _, _, err := net.SplitHostPort(listen); listen != "" && err != nil {
				return fmt.Errorf("--listen is host:port, or \"\" for no status page, not %q", listen)
			}
			ignoreBrokenPipes()
			log, out, err := newLog(p.err, format, p.underSystemd, at)
			if err != nil {
				return err
			}
			// Deferred first, so that it runs last and writes what the others log.
			defer out.finish()
			// What libraries log would wait for whoever reads the standard error.
			defer zap.RedirectStdLog(log)()
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			o := daemon.Options{
				Environment: p.daemon, ConfigPath: p.configPath, StateDir: p.stateDir, Control: p.control, Node: node, Version: release(),
				Log: log, LogState: out.state, Hangup: hangup, AllowShrink: shrink,
				Loaded: p.collectGarbageOften,
			}
			if cmd.Flags().Changed("listen") {
				o.Listen = &listen
			}
			// A level on the command line wins over the configuration's.
			if level == "" {
				o.Level = &at
			}
			if err = daemon.Run(cmd.Context(), o); err == nil {
				return nil
			}
			// Through the queue: behind the lines before it, and without waiting for a
			// reader who is gone.
			out.enqueue(logLine{text: p.lastWords(err), plain: true})
			return exit(1)
		},
	}
	c.Flags().StringVar(&node, "node", "", "which node of the cluster this machine is (default: its host name without the domain)")
	c.Flags().StringVar(&listen, "listen", "", `host:port of the status page; "" switches it off (default: the configuration's)`)
	c.Flags().StringVar(&format, "log-format", "auto", "console or json; auto: under systemd, entries of its journal with their fields")
	c.Flags().StringVar(&level, "log-level", "", "debug, info, warn or error (default: the configuration's)")
	c.Flags().BoolVar(&shrink, "allow-shrink", false, "start even if most or all checks were removed since the last run")
	p.placeFlags(c, configFlag, stateFlag, controlFlag)
	return c
}

// collectGarbageOften makes Go collect garbage when the heap has grown by 25 %, not by
// 100 % as by default: when 10,000 checks failed at once, half of 500 MB was garbage. A
// GOGC in the environment wins (package runtime). It is called when the first configuration
// is read. Reading keeps little of what it allocates, and collecting often took half of the
// processor time of a start; replaying the journal, which follows, keeps much.
func (e environment) collectGarbageOften() {
	if !e.collects {
		debug.SetGCPercent(25)
	}
}

// ignoreBrokenPipes lets the daemon live on when whoever reads its standard
// output or standard error has gone: a write gives EPIPE then, and no more. Without
// this Go ends the process (os/signal, "SIGPIPE"). The signal is taken rather than
// ignored, because what is ignored stays so in programs that the daemon starts.
func ignoreBrokenPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// lastWords returns what a start that was refused, or a daemon that failed, prints.
func (p *program) lastWords(err error) string {
	var text strings.Builder
	var refused *daemon.ConfigError
	if errors.As(err, &refused) {
		// A strings.Builder takes everything.
		_ = config.Print(&text, refused.Diagnostics, p.usesColour(p.err))
	} else {
		words := program{err: &text}
		words.printError(err)
	}
	return text.String()
}
