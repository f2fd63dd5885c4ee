package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
)

const (
	// answerTime is how long tracker and sender may take to show that they live.
	answerTime = 10 * time.Second
	// sharedAnswerTime is the same where an append is acknowledged by other machines: it may wait
	// for 12 s while the servers of the bus choose who leads them, and a round may make two.
	sharedAnswerTime = 30 * time.Second
	// tooLate is how long a check may be due without any probe having begun, or
	// being under way, before the scheduler counts as stuck.
	tooLate = 30 * time.Second
)

// vitals tell whether the monitor does what it is for: whether probes begin,
// the tracker journals and the sender sends. They are what the watchdog of
// systemd and whoever is behind heartbeat_url are told of.
type vitals struct {
	m     *monitor
	begun atomic.Int64 // probes
	lag   lag
}

// noteProbeBegan counts a probe, and notes how late it began. The loop calls it.
func (v *vitals) noteProbeBegan(_ config.CheckID, late time.Duration) {
	v.begun.Add(1)
	v.lag.noteDelay(late, time.Now())
}

// checkProgress returns an error that says what does not move, or nil. seen keeps how many
// probes had begun when the same caller looked last.
func (v *vitals) checkProgress(ctx context.Context, seen *int64) error {
	limit := v.m.deciding.answerTime()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %.0f seconds", limit.Seconds()))
	defer cancel()
	begun := v.begun.Load()
	moved := begun != *seen
	*seen = begun
	// A probe that began since the last look shows that the scheduler lives, however
	// late the others are: that is a lag, which is told otherwise.
	if !moved && v.m.loop.Stuck(tooLate) {
		return errors.New("the scheduler is stuck: checks are due, and no probe begins")
	}
	// The cause is among the errors: it says after how long nobody answered.
	if err := v.m.deciding.ping(ctx); err != nil {
		return fmt.Errorf("the tracker is stuck: %w", errors.Join(err, context.Cause(ctx)))
	}
	if err := v.m.sender.Ping(ctx); err != nil {
		return fmt.Errorf("the sender is stuck: %w", errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

// feedWatchdog tells systemd that the monitor lives, twice in each WatchdogSec
// (sd_watchdog_enabled(3)), as long as it does.
func (v *vitals) feedWatchdog(ctx context.Context) error {
	limit, err := systemd.SdWatchdogEnabled(false)
	if err != nil || limit == 0 {
		return nil //nolint:nilerr // a strange WATCHDOG_USEC is no reason not to watch IMAP
	}
	var seen int64
	// Half of WatchdogSec, as sd_watchdog_enabled(3) recommends.
	return clock.Repeat(ctx, limit/2, func() {
		if err := v.checkProgress(ctx, &seen); err != nil {
			v.m.Log.Error("watchdog ping withheld", zap.Error(err))
			return
		}
		v.m.notifySystemd(systemd.SdNotifyWatchdog)
	})
}
