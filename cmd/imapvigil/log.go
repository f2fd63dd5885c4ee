package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLog makes the log of the daemon, and the queue that everything goes through
// that `run` prints. Where systemd reads what is written to w the log goes to the
// journal with its fields, unless another format was asked for.
func newLog(w io.Writer, format string, underSystemd bool, at zap.AtomicLevel) (*zap.Logger, *logQueue, error) {
	// zap itself would write to the standard error, and wait for its reader.
	quiet := zap.ErrorOutput(zapcore.AddSync(io.Discard))
	if format == "auto" && readByJournald(w) {
		q := newJournaldQueue(journal.Send, w)
		return zap.New(newJournald(at, q), quiet), q, nil
	}
	encoder, err := newEncoder(format, underSystemd)
	if err != nil {
		return nil, nil, err
	}
	q := newTextQueue(encoder, w)
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(queueWriter{q}), at), quiet), q, nil
}

// newEncoder makes the encoder of a log that is text.
func newEncoder(format string, underSystemd bool) (zapcore.Encoder, error) {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	c.TimeKey = "time"
	switch {
	case format == "json", format == "auto" && underSystemd:
		return zapcore.NewJSONEncoder(c), nil
	case format == "console", format == "auto":
		c.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		c.EncodeLevel = zapcore.CapitalLevelEncoder
		return zapcore.NewConsoleEncoder(c), nil
	}
	return nil, fmt.Errorf("--log-format is console, json or auto, not %q", format)
}

// newTextQueue makes the queue of a log that is text.
func newTextQueue(encoder zapcore.Encoder, w io.Writer) *logQueue {
	out := &lineOutput{w: w}
	put := func(l logLine) error { return out.put(l.text) }
	return newLogQueue(put, func(text string) logLine {
		line, err := encoder.EncodeEntry(zapcore.Entry{Level: zapcore.WarnLevel, Time: time.Now(), Message: text}, nil)
		if err != nil {
			return logLine{text: text + "\n"}
		}
		defer line.Free()
		return logLine{text: line.String()}
	})
}

// A queueWriter puts each line that is written to it into a queue.
type queueWriter struct{ queue *logQueue }

// Write implements [io.Writer]. It does not wait for whoever reads the log.
func (w queueWriter) Write(line []byte) (int, error) {
	w.queue.enqueue(logLine{text: string(line), plain: true})
	return len(line), nil
}

// readByJournald reports whether systemd's journal receives what is written to w. It also
// accepts entries with fields ("Automatic Protocol Upgrading", systemd.io/JOURNAL_NATIVE_PROTOCOL).
func readByJournald(w io.Writer) bool {
	stream, err := journal.StderrIsJournalStream()
	return err == nil && stream && w == os.Stderr && journal.Enabled()
}
