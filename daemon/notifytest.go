package daemon

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/notifiers"
)

// NotifyTest implements [api.Daemon].
func (m *monitor) NotifyTest(ctx context.Context, id config.RoleID) (t api.Trial, err error) {
	cfg := m.reloads.configInForce()
	role, ok := cfg.Roles[id]
	if !ok {
		_, err := lookup.Of(cfg).Role(string(id)) // says which is near
		return t, err
	}
	if m.probesOnly(cfg) {
		return t, fmt.Errorf("%s has decide = false and sends no messages; ask a node that may decide", m.node)
	}
	now := time.Now()
	t = api.Trial{Role: id, Deliveries: make([]api.TrialDelivery, len(role.Notify))}
	var all sync.WaitGroup
	for i, way := range role.Notify {
		// Side by side: it takes no longer than the slowest destination.
		all.Go(func() {
			t.Deliveries[i] = m.tryDestination(ctx, cfg, way, notifiers.Message{
				Key: "iv_test_" + strconv.FormatInt(now.UnixNano(), 36) + "_" + strconv.Itoa(i), At: now,
				Role: string(id), RoleLabel: role.Label, Monitor: m.node, Zone: cfg.ZoneFor(id),
			})
		})
	}
	all.Wait()
	return t, nil
}

func (m *monitor) tryDestination(ctx context.Context, cfg *config.Config, way config.Notify, message notifiers.Message) api.TrialDelivery {
	d := api.TrialDelivery{Notifier: string(way.ID.Notifier), Target: way.ID.Target, State: "sent"}
	if n, ok := cfg.Notifiers[way.ID.Notifier]; ok {
		d.Kind = string(n.Settings.Kind())
	}
	receipt, err := m.sender.Try(way, message)
	d.Answer = receipt.Answer
	if slices.ContainsFunc(receipt.Recipients, func(r notifiers.Recipient) bool { return r.State != notifiers.RecipientSent }) {
		d.State = "dead" // the answer names them
	}
	if err != nil {
		d.State, d.Answer = "dead", opaque.Sanitise(err.Error())
		return d
	}
	m.proofs.note(placeOf(way.ID), proof{At: time.Now(), Test: true})
	if m.follows() {
		return d // what waits is sent by the node that decides
	}
	// What waits for this notifier need not wait any longer.
	if err := m.deciding.shown().Delivered(ctx, way.ID.Notifier); err != nil {
		m.Log.Warn("a test message was delivered, but the messages that wait could not be retried", zap.Error(err))
	}
	return d
}
