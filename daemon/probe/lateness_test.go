package probe

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A process that is late blames no server for what may come of it, and still says
// what a server said itself.
func TestFailuresOfALateProcess(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	const second, half = time.Second, 30 * time.Second
	for _, test := range []struct {
		name    string
		timeout time.Duration
		cause   config.Cause
		late    time.Duration
		unknown bool
		over    bool // the conversation ended after its deadline
	}{
		{"in time", second, config.CauseTimeout, 0, false, false},
		{"a quarter late", second, config.CauseTimeout, ms(250), false, false},
		{"more than a quarter late", second, config.CauseTimeout, ms(251), true, false},
		{"a part of the timeout that is no part of a phase", half, config.CauseTimeout, ms(2501), true, false},
		{"a long timeout, and late as any process may be", half, config.CauseTimeout, ms(2500), false, false},
		{"closed while the server waited", half, config.CauseClosed, 5 * time.Second, true, false},
		{"reset while the server waited", half, config.CauseReset, 7 * time.Second, true, false},
		{"closed sooner than any server gives up", half, config.CauseClosed, ms(4999), false, false},
		{"reset sooner than any server gives up", second, config.CauseReset, ms(900), false, false},
		{"closed after the deadline", second, config.CauseClosed, ms(900), true, true},
		{"closed after the deadline, and in time", second, config.CauseClosed, ms(250), false, true},
		{"refused", second, config.CauseRefused, ms(900), false, false},
		{"unreachable", second, config.CauseUnreachable, ms(900), false, false},
		{"BYE", second, config.CauseBye, ms(900), false, false},
		{"too many connections", half, config.CauseConnectionLimit, half, false, false},
		{"a certificate that has expired", second, config.CauseCertExpired, ms(900), false, false},
		{"no such name", second, config.CauseNoSuchName, ms(900), false, false},
	} {
		r := &round{check: config.Probe{Timeout: test.timeout}, deadline: time.Now().Add(time.Hour)}
		if test.over {
			r.deadline = time.Now().Add(-1)
		}
		mark := r.blameLateness(serviceFailure(config.PhaseTLS, test.cause, "hint"), test.late)
		switch {
		case !test.unknown && mark != nil:
			t.Errorf("%s: it is not believed: %v", test.name, mark)
		case test.unknown && (mark == nil || mark.Cause != config.CauseLocalFault || mark.Phase != config.PhaseTLS || mark.Dates):
			t.Errorf("%s: it is believed, %v", test.name, mark)
		}
	}
	r := &round{check: config.Probe{Timeout: second}}
	if mark := r.blameLateness(nil, second); mark != nil {
		t.Errorf("a conversation that was well is not believed: %v", mark)
	}
	account := accountFailure(config.PhaseLogin, config.CauseCredentialsRejected, "hint")
	if mark := r.blameLateness(account, second); mark != nil {
		t.Errorf("a login that was refused is not believed: %v", mark)
	}
}
