package daemon

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/notifiers"
)

// NotifyTest implements [control.Backend].
func (m *monitor) NotifyTest(_ context.Context, id config.RoleID) (t control.Trial, err error) {
	cfg := m.reloads.inForce()
	role, ok := cfg.Roles[id]
	if !ok {
		return t, fmt.Errorf("there is no notification role %q", id)
	}
	now := time.Now()
	t = control.Trial{Role: id, Deliveries: make([]control.TrialDelivery, len(role.Ways))}
	var all sync.WaitGroup
	for i, way := range role.Ways {
		all.Go(func() {
			t.Deliveries[i] = m.try(cfg, way, notifiers.Message{
				Key: "iv_test_" + strconv.FormatInt(now.UnixNano(), 36) + "_" + strconv.Itoa(i), At: now,
				Role: string(id), RoleLabel: role.Label, Monitor: m.node,
			})
		})
	}
	all.Wait()
	return t, nil
}

func (m *monitor) try(cfg *config.Config, way config.Way, message notifiers.Message) control.TrialDelivery {
	d := control.TrialDelivery{Notifier: string(way.ID.Notifier), Target: way.ID.Target, State: "sent"}
	if n, ok := cfg.Notifiers[way.ID.Notifier]; ok {
		d.Kind = string(n.Settings.Kind())
	}
	receipt, err := m.sender.Try(way, message)
	d.Answer = receipt.Answer
	if err != nil {
		d.State, d.Answer = "dead", opaque.Sanitise(err.Error())
	}
	return d
}
