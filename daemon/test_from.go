package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

const (
	// testWait is how long a probe that another node makes may wait for its turn.
	testWait = 15 * time.Second
	// mostReport bounds what another node may say of one probe, in bytes: it has 64 addresses at most.
	mostReport = 1 << 20
)

// A testAnswer is what a node says that was asked to probe.
type testAnswer struct {
	Report json.RawMessage `json:"report,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// TestFrom implements [api.Daemon].
func (m *monitor) TestFrom(ctx context.Context, node config.NodeID, id config.CheckID) (r api.Report, err error) {
	if m.member == nil {
		return r, api.ErrNoCluster
	}
	cfg := m.member.config()
	var names []config.NodeID
	for _, n := range cfg.Cluster.SortedNodes() {
		names = append(names, n.ID)
	}
	if _, err := lookup.Words("node", []string{string(node)}, names); err != nil {
		return r, err
	}
	c := cfg.Checks[id]
	if c == nil {
		return r, fmt.Errorf("there is no check %q", id)
	}
	within := c.Probe.Timeout + testWait
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	answer, err := m.member.node.AskNode(ctx, node, append([]byte{askTest}, id...))
	if err != nil {
		return r, notTested(node, within, err)
	}
	if r, err = readReport(node, answer); err != nil {
		return r, err
	}
	r.ID, r.Label = string(c.ID), c.Label
	return r, nil
}

// notTested says in words why no answer has come.
func notTested(node config.NodeID, within time.Duration, err error) error {
	switch {
	case errors.Is(err, bus.ErrNobody):
		return fmt.Errorf("%s is silent: it cannot be asked (%w); imapvigil nodes shows since when", node, err)
	case errors.Is(err, bus.ErrCut):
		return fmt.Errorf("%s cannot be asked: %w", node, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s has not answered within %s; imapvigil nodes shows whether it is silent",
			node, config.FormatDuration(within))
	}
	return fmt.Errorf("asking %s: %w", node, err)
}

// readReport reads what another node says of a probe. Each of its texts is made safe to show.
func readReport(node config.NodeID, answer []byte) (r api.Report, err error) {
	if len(answer) == 0 {
		return r, fmt.Errorf("%s does not know how to: it runs another version", node)
	}
	var a testAnswer
	if len(answer) > mostReport {
		return r, fmt.Errorf("the answer of %s has %d bytes, which is too much", node, len(answer))
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return r, fmt.Errorf("the answer of %s cannot be read: %w", node, err)
	}
	if a.Error != "" {
		return r, fmt.Errorf("%s: %s", node, opaque.Bounded(a.Error, mostWords))
	}
	var plain any
	if err := json.Unmarshal(a.Report, &plain); err != nil {
		return r, fmt.Errorf("the answer of %s cannot be read: %w", node, err)
	}
	safe, err := json.Marshal(sanitised(plain))
	if err == nil {
		err = json.Unmarshal(safe, &r)
	}
	if err != nil {
		return r, fmt.Errorf("the answer of %s cannot be read: %w", node, err)
	}
	return r, nil
}

// sanitised makes all texts of a value of JSON safe to show.
func sanitised(v any) any {
	switch v := v.(type) {
	case string:
		return opaque.Bounded(v, mostWords)
	case []any:
		for i := range v {
			v[i] = sanitised(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = sanitised(v[key])
		}
	}
	return v
}

// testAsAsked probes a check because another node asks, and returns the answer. The result does not count.
func (m *monitor) testAsAsked(ctx context.Context, id config.CheckID) []byte {
	var a testAnswer
	report, err := m.testOwn(ctx, id)
	if err == nil {
		a.Report, err = json.Marshal(report)
	}
	if err != nil {
		a.Error = err.Error()
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	return text
}

// testOwn probes a check of the files of this node.
func (m *monitor) testOwn(ctx context.Context, id config.CheckID) (r api.Report, err error) {
	c := m.member.config().Checks[id]
	if c == nil {
		return r, fmt.Errorf("its files have no check %q", id)
	}
	result, err := m.Test(ctx, c, api.TestOptions{Retry: true})
	if err != nil {
		return r, err
	}
	return api.NewReport(c.Label, result), nil
}
