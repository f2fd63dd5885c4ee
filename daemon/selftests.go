package daemon

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	// testsLookEvery is how often it is looked whether a role is to be tested.
	testsLookEvery = time.Minute
	// Test messages are sent from the first hour to before the last, on the clocks of the role, and
	// begin within testsSpread, so that not all daemons and roles send at once.
	testsFirstHour, testsLastHour = 10, 16
	testsSpread                   = 2 * time.Hour
	// quietBefore is for how long no incident may have been reported before a test message is sent.
	quietBefore = time.Hour
)

// testPauses are the pauses after a test message that did not arrive; after the last, people are told.
var testPauses = []time.Duration{5 * time.Minute, 30 * time.Minute}

// sendTests sends the test messages of notify_test until ctx ends: services die quietly.
func (m *monitor) sendTests(ctx context.Context) error {
	if s, err := m.deciding.shown().Snapshot(ctx); err == nil {
		m.proofs.seed(s)
	}
	defer m.proofs.keep()
	return clock.Repeat(ctx, testsLookEvery, func() {
		follows := m.follows()
		if follows && m.member.node.Decider() == "" {
			return // nobody knows whether they are sent
		}
		s, err := m.deciding.shown().Snapshot(ctx)
		if err != nil || s.Config == nil || len(s.Config.Roles) == 0 {
			return // the daemon is ending, or has no files yet
		}
		now := time.Now()
		if !s.Config.Incomplete { // what the files could not give just now may come back
			m.proofs.forget(s.Config)
		}
		m.testRoles(ctx, s, now, follows)
		m.proofs.keep()
		_ = m.deciding.own.Report(ctx, testsTrouble, m.proofs.finding()) // it fails only when the daemon is ending
	})
}

// testRoles sends what is due now. A node that follows only notes that it is sent, so that it is not sent
// again when this node decides.
func (m *monitor) testRoles(ctx context.Context, s *tracker.Snapshot, now time.Time, follows bool) {
	for _, id := range slices.Sorted(maps.Keys(s.Config.Roles)) {
		role := s.Config.Roles[id]
		if role.NotifyTest == "" {
			continue
		}
		period, due := testDue(role.NotifyTest, testOffset(m.testedAs(), id), now.In(s.Config.ZoneFor(id)))
		var blocks []config.Notify
		if due && !isBusy(s, now) && m.proofs.claim(id, period) {
			blocks = role.Notify
		} else {
			blocks = m.proofs.toRetry(role, now)
		}
		if !follows {
			m.testBlocks(ctx, s.Config, role, blocks, now)
		}
	}
}

// testedAs returns the name by which it is decided when roles are tested: all nodes of a cluster decide it
// alike.
func (m *monitor) testedAs() string {
	if m.member != nil {
		return m.member.begun.Name
	}
	return m.node
}

// testDue returns the name of the period that a time is in, and whether its test message is due: on
// the first Tuesday, and where that could not be, at the same hours of the working days after it.
// offset is how long after the first hour it is sent.
func testDue(every config.ReportPeriod, offset time.Duration, now time.Time) (period string, due bool) {
	sinceTuesday := (int(now.Weekday()-time.Tuesday) + 7) % 7
	period, day := now.Format("2006-01"), now.Day()
	if every == config.EveryWeek {
		year, week := now.ISOWeek()
		period, day = fmt.Sprintf("%d-W%02d", year, week), (int(now.Weekday())+6)%7+1 // Monday is 1
	}
	clock := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute
	if clock < testsFirstHour*time.Hour+offset || clock >= testsLastHour*time.Hour || now.Weekday() == time.Saturday || now.Weekday() == time.Sunday {
		return period, false
	}
	return period, day > sinceTuesday // the last Tuesday was in this period
}

// testOffset returns when in the late morning a role is tested, always the same.
func testOffset(node string, role config.RoleID) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(node + "/" + string(role))) // a hash takes everything
	return time.Duration(h.Sum32()%uint32(testsSpread/time.Minute)) * time.Minute
}

// isBusy reports whether people have other messages to read, or the sender to send.
func isBusy(s *tracker.Snapshot, now time.Time) bool {
	if queued, _ := s.Counts(); queued > 0 {
		return true
	}
	for c := range s.Checks() {
		for i := range c.Incidents {
			if in := &c.Incidents[i]; in.Open() && now.Sub(in.ReportedAt) < quietBefore {
				return true
			}
		}
	}
	return false
}

// toRetry returns the notify blocks of a role whose test message did not arrive and is sent again.
func (p *proofs) toRetry(role *config.Role, now time.Time) (blocks []config.Notify) {
	for _, block := range role.Notify {
		f := p.of(placeOf(block.ID)).Failed
		if f != nil && f.Role == role.ID && f.Tries <= len(testPauses) && now.Sub(f.At) >= testPauses[f.Tries-1] {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

// testBlocks sends a test message to each place that notify blocks lead to, side by side.
func (m *monitor) testBlocks(ctx context.Context, cfg *config.Config, role *config.Role, blocks []config.Notify, now time.Time) {
	var all sync.WaitGroup
	done := map[place]bool{}
	for i, block := range blocks {
		at := placeOf(block.ID)
		if done[at] {
			continue
		}
		done[at] = true
		all.Go(func() {
			d := m.tryDestination(ctx, cfg, block, notifiers.Message{
				Key: "iv_test_" + strconv.FormatInt(now.UnixNano(), 36) + "_" + strconv.Itoa(i), At: now, TestEvery: string(role.NotifyTest),
				Role: string(role.ID), RoleLabel: role.Label, Monitor: m.node, Zone: cfg.ZoneFor(role.ID),
			})
			fields := []zap.Field{zap.String("role", string(role.ID)), zap.String("notifier", string(at.Notifier)), zap.String("target", at.Target), zap.Stringer("answer", d.Answer)}
			if d.State == "sent" {
				m.Log.Info("a test message was delivered", fields...)
				return
			}
			m.Log.Warn("a test message was not delivered", fields...)
			m.proofs.noteFailure(at, failedTest{Role: role.ID, At: now, Words: d.Answer.String()})
		})
	}
	all.Wait()
}

// finding returns what is wrong with places to which no test message could be delivered; nil:
// nothing. It ends with the next message that arrives there.
func (p *proofs) finding() *incident.Finding {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed []place
	for at, known := range p.places {
		if known.Failed != nil && known.Failed.Tries > len(testPauses) {
			failed = append(failed, at)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	// The oldest one, and always the same one: maps have no order.
	first := slices.MinFunc(failed, func(a, b place) int {
		return cmp.Or(p.places[a].Failed.At.Compare(p.places[b].Failed.At), cmp.Compare(a.name(), b.name()))
	})
	f := p.places[first].Failed
	// The first sentence is the headline of the message.
	hint := fmt.Sprintf("Test messages to %s by %s are not delivered.", f.Role, first.Notifier)
	if others := len(failed) - 1; others > 0 {
		hint += fmt.Sprintf(" Nor are those to %d more.", others)
	}
	hint += fmt.Sprintf(" Alerts would not be delivered either. This ends when a message has arrived there; `imapvigil notify-test %s` sends one.", f.Role)
	return &incident.Finding{Cause: config.CauseUndelivered, Hint: hint, Evidence: opaque.Sanitise(f.Words)}
}
