package tracker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A ReportState is a report that was decided, to one destination, and how far it has come.
type ReportState struct {
	outbox.ReportNotice
	State    outbox.DeliveryState
	Attempts int
	LastAt   time.Time // of the last attempt; zero: there was none
	NextAt   time.Time // when the next attempt is due; zero: there is none
	Answer   opaque.Words
}

// SendReport decides that the report of a period is sent, to each of some destinations, and has
// it journaled. What was decided before, for the same report and period, stays as it is.
func (t *Tracker) SendReport(ctx context.Context, list []outbox.ReportNotice) error {
	return t.run(ctx, func(r *round) error {
		if len(list) == 0 || t.reports.Decided(list[0].Key) {
			return nil
		}
		for i := range list {
			if !r.addRecord(kindReport, r.now, list[i]) {
				return errNotKept
			}
			t.reports.Apply(list[i])
		}
		t.published.stale = true
		t.Log.Info("a report is sent", zap.String("report", list[0].Report), zap.String("key", string(list[0].Key)), zap.Int("destinations", len(list)))
		return nil
	})
}

// startReport hands the next report to the sender, when no alarm is due or under way: reports
// come after all of them.
func (t *Tracker) startReport(ctx context.Context, r *round) {
	t.retryNext = time.Time{}
	if t.book.AttemptUnderWay() {
		return // its outcome is a round of its own
	}
	var d *outbox.ReportDelivery
	if d, t.retryNext = t.reports.Next(r.now); d == nil {
		return
	}
	if !t.isSure(ctx, r) {
		t.retryNext = t.sureNext
		return
	}
	t.reports.Begin(d.ReportNotice.Key)
	t.published.stale = true
	t.Sender.Send(d.ReportNotice.NotifyID, d.ReportNotice.To, notifiers.Message{
		Key: string(d.ReportNotice.Key), At: d.ReportNotice.At, Role: string(d.ReportNotice.NotifyID.Role), RoleLabel: t.roleLabels(d.ReportNotice.Roles),
		Monitor: t.Node, Zone: t.cfg.ZoneFor(d.ReportNotice.NotifyID.Role), Settled: d.Settled(),
		Report: &notifiers.Report{Name: d.Report, From: d.From, Until: d.Until},
	})
}

// concludeReport folds the outcome of one attempt to send a report.
func (t *Tracker) concludeReport(r *round, a outbox.Attempt) {
	d, ok := t.reports.Delivery(a.Key)
	if !ok {
		return
	}
	o := boundOutcome(outbox.Conclude(d.Delivery, a.Receipt, a.Err, a.At, t.Jitter()))
	t.reports.ApplyOutcome(o)
	t.published.stale = true
	r.addRecord(kindOutcome, o.At, o)
	fields := []zap.Field{
		zap.String("key", string(o.Key)), zap.String("target", d.ReportNotice.NotifyID.Target),
		zap.String("state", string(o.State)), zap.Int("attempts", o.Attempts), zap.Stringer("answer", d.Answer()),
	}
	if o.State == outbox.Sent {
		t.Log.Info("a report was delivered", fields...)
		return
	}
	t.Log.Warn("a report could not be delivered", append(fields, timeField("next_at", o.NextAt))...)
}

func (t *Tracker) publishedReports() (list []ReportState) {
	for _, d := range t.reports.List() {
		s := ReportState{ReportNotice: d.ReportNotice, State: d.State, Attempts: d.Attempts, LastAt: d.Last.At, Answer: d.Answer()}
		if d.State == outbox.Retrying {
			s.NextAt = d.NextAt
		}
		list = append(list, s)
	}
	return list
}
