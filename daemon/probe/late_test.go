package probe

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A process that is late blames no server for what may come of it, and still says
// what a server said itself.
func TestFailuresOfALateProcess(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	const second, half = time.Second, 30 * time.Second
	for _, test := range []struct {
		name    string
		timeout time.Duration
		cause   incident.Cause
		late    time.Duration
		unknown bool
	}{
		{"in time", second, incident.CauseTimeout, 0, false},
		{"a quarter late", second, incident.CauseTimeout, ms(250), false},
		{"more than a quarter late", second, incident.CauseTimeout, ms(251), true},
		{"a part of the timeout that is no part of a phase", half, incident.CauseTimeout, ms(2501), true},
		{"a long timeout, and late as any process may be", half, incident.CauseTimeout, ms(2500), false},
		{"closed while the server waited", half, incident.CauseClosed, 5 * time.Second, true},
		{"reset while the server waited", half, incident.CauseReset, 7 * time.Second, true},
		{"closed sooner than any server gives up", half, incident.CauseClosed, ms(4999), false},
		{"reset sooner than any server gives up", second, incident.CauseReset, ms(900), false},
		{"refused", second, incident.CauseRefused, ms(900), false},
		{"unreachable", second, incident.CauseUnreachable, ms(900), false},
		{"BYE", second, incident.CauseBye, ms(900), false},
		{"too many connections", half, incident.CauseConnectionLimit, half, false},
		{"a certificate that has expired", second, incident.CauseCertExpired, ms(900), false},
		{"no such name", second, incident.CauseNoSuchName, ms(900), false},
	} {
		r := &round{check: config.Probe{Timeout: test.timeout}}
		before := down(incident.PhaseTLS, test.cause, "hint")
		after := r.unlessLate(before, test.late)
		switch {
		case !test.unknown && after != before:
			t.Errorf("%s: it became %v", test.name, after)
		case test.unknown && (after.health != incident.Unknown || after.cause != incident.CauseLocalFault || after.phase != incident.PhaseTLS):
			t.Errorf("%s: it is still %v", test.name, after)
		}
	}
	r := &round{check: config.Probe{Timeout: second}}
	if f := r.unlessLate(nil, second); f != nil {
		t.Errorf("a conversation that was well became %v", f)
	}
	account := accountFailure(incident.PhaseLogin, incident.CauseCredentialsRejected, "hint")
	if f := r.unlessLate(account, second); f != account {
		t.Errorf("a login that was refused became %v", f)
	}
}
