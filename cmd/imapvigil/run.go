package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon"
)

func (p *program) runCommand() *cobra.Command {
	var format, level, listen string
	var shrink bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon (systemd's ExecStart)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := zap.NewAtomicLevel()
			if level != "" {
				if err := at.UnmarshalText([]byte(level)); err != nil {
					return fmt.Errorf("--log-level is debug, info, warn or error, not %q", level)
				}
			}
			log, end, err := newLog(p.err, format, at)
			if err != nil {
				return err
			}
			defer end()
			if listen != "" {
				log.Warn("this version has no status page; --listen has no effect", zap.String("listen", listen))
			}
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			o := daemon.Options{
				ConfigPath: p.configPath, StateDir: p.stateDir, Control: p.control, Version: release(),
				Log: log, Hangup: hangup, AllowShrink: shrink,
			}
			if level == "" {
				o.Level = &at
			}
			err = daemon.Run(cmd.Context(), o)
			var refused *daemon.ConfigError
			if errors.As(err, &refused) {
				p.diagnose(p.err, refused.Diagnostics)
				return exit(1)
			}
			return err
		},
	}
	c.Flags().StringVar(&listen, "listen", "", `host:port of the status page; "" switches it off (not in effect yet)`)
	c.Flags().StringVar(&format, "log-format", "auto", "console or json; auto: under systemd, entries of its journal with their fields")
	c.Flags().StringVar(&level, "log-level", "", "debug, info, warn or error (default: the configuration's)")
	c.Flags().BoolVar(&shrink, "allow-shrink", false, "start even if most checks, or all, are gone since the last time")
	return c
}
