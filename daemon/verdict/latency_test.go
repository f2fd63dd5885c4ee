package verdict

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A threshold on a phase that a probe did not come to cannot be judged.
func TestThresholds(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	login := config.Login{Username: "alice"}
	mailbox := config.Login{Username: "alice", Mailbox: "INBOX"}
	for _, test := range []struct {
		name   string
		login  config.Login
		limits config.PhaseTimes
		took   config.PhaseTimes
		late   time.Duration
		judged bool
		want   string
	}{
		{"none", login, config.PhaseTimes{}, config.PhaseTimes{config.PhaseGreeting: ms(900)}, 0, true, ""},
		{"within", login, config.PhaseTimes{config.PhaseGreeting: ms(100)}, config.PhaseTimes{config.PhaseGreeting: ms(100)}, 0, true, ""},
		{"over", login, config.PhaseTimes{config.PhaseGreeting: ms(100)}, config.PhaseTimes{config.PhaseGreeting: ms(101)}, 0, true, "greeting"},
		{"the worst of two", login, config.PhaseTimes{config.PhaseDNS: ms(10), config.PhaseTLS: ms(100)}, config.PhaseTimes{config.PhaseDNS: ms(50), config.PhaseTLS: ms(200)}, 0, true, "dns"},
		{"total names the longest phase", login, config.PhaseTimes{config.WholeConversation: ms(100)}, config.PhaseTimes{config.PhaseDNS: ms(20), config.PhaseTLS: ms(90), config.WholeConversation: ms(120)}, 0, true, "tls"},
		{"no login in this probe", login, config.PhaseTimes{config.PhaseLogin: ms(100)}, config.PhaseTimes{}, 0, false, ""},
		{"no login at all", config.Login{}, config.PhaseTimes{config.PhaseLogin: ms(100)}, config.PhaseTimes{}, 0, true, ""},
		{"no mailbox at all", login, config.PhaseTimes{config.PhaseSelect: ms(100)}, config.PhaseTimes{config.PhaseLogin: ms(5)}, 0, true, ""},
		{"slow before the login that was not due", mailbox, config.PhaseTimes{config.PhaseTLS: ms(100), config.PhaseSelect: ms(5)}, config.PhaseTimes{config.PhaseTLS: ms(900)}, 0, true, "tls"},
		{"over, as it may be because the monitor was late", login, config.PhaseTimes{config.PhaseTLS: ms(100)}, config.PhaseTimes{config.PhaseTLS: ms(180)}, ms(80), false, ""},
		{"over, however late the monitor was", login, config.PhaseTimes{config.PhaseTLS: ms(100)}, config.PhaseTimes{config.PhaseTLS: ms(181)}, ms(80), true, "tls"},
		{"one over because of the monitor, one by itself", login, config.PhaseTimes{config.PhaseDNS: ms(10), config.PhaseTLS: ms(100)}, config.PhaseTimes{config.PhaseDNS: ms(50), config.PhaseTLS: ms(200)}, ms(60), true, "tls"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := conversationWith("192.0.2.1", nil)
			c.Address.Timings, c.Late = test.took, test.late
			r := Judge(&config.Probe{Login: test.login, Thresholds: test.limits}, &Probe{Conversations: []Conversation{c}})
			got := ""
			for _, f := range r.Findings {
				if f.Condition == config.ConditionLatency {
					got = f.Phase.String()
				}
			}
			if judged := r.Observed.Has(config.ConditionLatency); got != test.want || judged != test.judged {
				t.Errorf("slow in %q, judged %v; want %q, %v", got, judged, test.want, test.judged)
			}
			if slow := r.Addresses[0].Cause == config.CauseSlow; slow != (test.want != "") {
				t.Errorf("the address is %s: %s", r.Addresses[0].Health, r.Addresses[0].Cause)
			}
		})
	}
}

func TestWhatIsSlowIsSaidWithEnoughDigits(t *testing.T) {
	for _, test := range []struct{ took, limit, said string }{
		{"1.234567s", "1s", "1.235s"},
		{"1.234567ms", "1ms", "1.2ms"},
		{"1.000049ms", "1ms", "1.00005ms"},
		{"1.4s", "300ms", "1.4s"},
		{"1.000001ms", "1ms", "1.000001ms"},
		{"87.3µs", "50µs", "87µs"},
	} {
		check := &config.Probe{Thresholds: config.PhaseTimes{config.WholeConversation: duration(t, test.limit)}}
		c := conversationWith("192.0.2.1", nil)
		c.Address.Timings[config.WholeConversation] = duration(t, test.took)
		want := "The whole conversation took " + test.said + ", more than the " + test.limit + " that the thresholds allow."
		if f, _ := Judge(check, &Probe{Conversations: []Conversation{c}}).Worst(); f.Hint != want {
			t.Errorf("got %q, want %q", f.Hint, want)
		}
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
