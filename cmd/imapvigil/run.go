package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

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
			log, err := newLog(zapcore.AddSync(p.err), format, at)
			if err != nil {
				return err
			}
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
	c.Flags().StringVar(&format, "log-format", "auto", "console or json; auto: json under systemd")
	c.Flags().StringVar(&level, "log-level", "", "debug, info, warn or error (default: the configuration's)")
	c.Flags().BoolVar(&shrink, "allow-shrink", false, "start even if most checks, or all, are gone since the last time")
	return c
}

// newLog makes the log of the daemon.
func newLog(w zapcore.WriteSyncer, format string, at zap.AtomicLevel) (*zap.Logger, error) {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	c.TimeKey = "time"
	var encoder zapcore.Encoder
	switch {
	case format == "json", format == "auto" && os.Getenv("JOURNAL_STREAM") != "":
		encoder = zapcore.NewJSONEncoder(c)
	case format == "console", format == "auto":
		c.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		c.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(c)
	default:
		return nil, fmt.Errorf("--log-format is console, json or auto, not %q", format)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(w), at)), nil
}
