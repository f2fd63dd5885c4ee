package main

import (
	"fmt"
	"io"
	"os"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLog makes the log of the daemon, and what to do with it at the end. Where
// systemd reads what is written to w it goes to the journal with its fields,
// unless another format was asked for.
func newLog(w io.Writer, format string, at zap.AtomicLevel) (log *zap.Logger, end func(), err error) {
	if format == "auto" && readByJournald(w) {
		q := newJournaldQueue(journal.Send, w)
		return zap.New(newJournald(at, q)), q.end, nil
	}
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
		return nil, nil, fmt.Errorf("--log-format is console, json or auto, not %q", format)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), at)), func() {}, nil
}

// readByJournald: what is written to w goes to journald, which also takes entries
// with fields ("Automatic Protocol Upgrading", systemd.io/JOURNAL_NATIVE_PROTOCOL).
func readByJournald(w io.Writer) bool {
	stream, err := journal.StderrIsJournalStream()
	return err == nil && stream && w == os.Stderr && journal.Enabled()
}
