package probe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A loginWorld runs checks in virtual time through the real loop, rounds, queues
// and rules of incidents. Only the servers are a model: a conversation takes a
// tenth of a second, and then the server does with the login what the test says.
type loginWorld struct {
	t      rapid.TB
	prober *Prober
	loop   *Loop
	server func(try) serverDoes
	mixed  bool // some logins hang where others are answered late
	ips    []netip.Addr
	checks map[config.CheckID]*worldCheck

	mu       sync.Mutex
	tries    []try
	sessions map[accountKey]int // logins that are answered
	hanging  map[accountKey]int // those that are not
}

// A worldCheck is a check with what the tracker would know of it.
type worldCheck struct {
	probe   config.Probe
	policy  config.Policy
	state   incident.State
	events  []incident.Event
	results []incident.Result
}

// A try is one login that reached the server.
type try struct {
	check config.CheckID
	key   accountKey
	ip    netip.Addr
	at    time.Time
	end   string // the cause of its failure, "": it worked
}

// A serverDoes is what the server does to a login.
type serverDoes struct {
	takes time.Duration
	fails *failure
}

var (
	fine        = serverDoes{takes: 100 * time.Millisecond}
	hangs       = serverDoes{takes: time.Hour}
	rejectsIt   = serverDoes{100 * time.Millisecond, accountFailure(config.PhaseLogin, config.CauseCredentialsRejected, "Rejected.")}
	fullBox     = serverDoes{100 * time.Millisecond, accountFailure(config.PhaseSelect, config.CauseOverQuota, "Full.")}
	unavailable = serverDoes{100 * time.Millisecond, serviceFailure(config.PhaseLogin, config.CauseBackendUnavailable, "Away.")}
)

// inLoginWorld runs a test in virtual time, at a name with so many addresses.
func inLoginWorld(t *testing.T, addresses int, run func(*loginWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { run(newLoginWorld(t, addresses)) })
}

func newLoginWorld(t rapid.TB, addresses int) *loginWorld {
	w := &loginWorld{t: t, checks: map[config.CheckID]*worldCheck{}, sessions: map[accountKey]int{}, hanging: map[accountKey]int{}}
	w.server = func(try) serverDoes { return fine }
	for i := range addresses {
		w.ips = append(w.ips, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}))
	}
	w.prober = New(Options{Resolver: w, LoginTurn: func(id config.CheckID) { w.loop.Wake(id) }})
	w.prober.hold = w.hold
	w.loop = &Loop{Probe: w.prober.Probe, Report: w.report}
	return w
}

// add makes a check of the one account, on a port of its own.
func (w *loginWorld) add(change func(*worldCheck)) config.CheckID {
	id := config.CheckID(fmt.Sprint("c", len(w.checks)))
	c := &worldCheck{
		probe: config.Probe{
			Hostname: "mail.example.org", Port: uint16(993 + len(w.checks)), Security: config.TLSFromStart, Addresses: config.AllAddresses,
			Interval: time.Minute, Timeout: 30 * time.Second, RetryInterval: 15 * time.Second,
			Login: config.Login{Username: "alice", Password: opaque.NewSecret(secret)},
		},
		policy: config.Policy{FaultTolerance: 3 * time.Minute, RecoveryTolerance: 2 * time.Minute, ReopenWithin: time.Hour},
	}
	if change != nil {
		change(c)
	}
	w.checks[id] = c
	return id
}

// runFor probes all checks for some time.
func (w *loginWorld) runFor(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var running sync.WaitGroup
	for id, c := range w.checks {
		running.Go(func() { w.loop.Run(ctx, id, c.probe) })
	}
	running.Wait()
	synctest.Wait()
}

// LookupNetIP implements [Resolver].
func (w *loginWorld) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return w.ips, nil
}

func (w *loginWorld) hold(c *conversation) error {
	c.phase = config.PhaseConnect
	if !pauseFor(c.ctx, 100*time.Millisecond) {
		return localFailure(c.phase, "Cancelled.")
	}
	c.outcome.verified, c.outcome.capable = true, true
	if !c.goal.login {
		return nil
	}
	c.phase = config.PhaseLogin
	return c.logInInTurn(func(cl claim) error {
		made := try{check: c.id, key: cl.key, ip: c.goal.ip, at: time.Now()}
		does := w.server(made)
		w.mu.Lock()
		atOnce, most := w.sessions, 1
		if w.mixed {
			most = 2 // a slow login that was taken for one that hangs
		}
		if does.takes > time.Until(c.deadline) {
			atOnce, most = w.hanging, 4
		}
		if atOnce[cl.key]++; atOnce[cl.key] > most {
			w.t.Errorf("%s is logged in %d times at once, more than %d", cl.key.user, atOnce[cl.key], most)
		}
		w.mu.Unlock()
		err := w.login(c, cl, does)
		w.mu.Lock()
		defer w.mu.Unlock()
		atOnce[cl.key]--
		if err != nil {
			made.end = string(asFailure(c.phase, err).cause)
		}
		w.tries = append(w.tries, made)
		return err
	})
}

func (w *loginWorld) login(c *conversation, cl claim, does serverDoes) error {
	left := time.Until(c.deadline)
	if !pauseFor(c.ctx, min(does.takes, left)) {
		return localFailure(c.phase, "Cancelled.")
	}
	if does.takes > left {
		return c.fail(config.CauseTimeout, "Silence.")
	}
	if does.fails == nil || does.fails.phase == config.PhaseSelect {
		c.prober.accounts.noteAccepted(cl)
	}
	if does.fails == nil {
		return nil
	}
	f := *does.fails
	return &f
}

func pauseFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// report is what the tracker does with a result.
func (w *loginWorld) report(_ context.Context, check *config.Probe, p verdict.Probe) incident.Pace {
	r := verdict.Judge(check, &p)
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.checks[r.Check]
	c.results = append(c.results, r)
	streaks, events := incident.Observe(c.policy, c.state, r)
	c.state = c.state.WithCounts(streaks)
	for _, e := range events {
		c.state = incident.Apply(c.state, e)
	}
	c.events = append(c.events, events...)
	pace := incident.PaceOf(c.policy, c.state, r.Ended)
	w.prober.ExpectLogin(r.Check, pace.Login)
	return pace
}

// happened are the events of a kind, of one condition, since a time.
func (c *worldCheck) happened(kind incident.Kind, condition config.Condition, since time.Time) (list []incident.Event) {
	for _, e := range c.events {
		if e.Kind == kind && e.Condition == condition && !e.At.Before(since) {
			list = append(list, e)
		}
	}
	return list
}

// rejections are when logins were rejected.
func (w *loginWorld) rejections() (at []time.Time) {
	for _, made := range w.tries {
		if made.end == string(config.CauseCredentialsRejected) {
			at = append(at, made.at)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// comparePauses makes sure that rejections of an account that was not repaired
// meanwhile come no faster than is promised: after the second they wait longer and
// longer; one of them all, which confirms a failure at the end of a fault tolerance,
// may come before its time.
func comparePauses(t rapid.TB, at []time.Time) {
	t.Helper()
	early := 0
	for i := rejectionsBefore; i < len(at); i++ {
		if pause := slowDown[min(i-rejectionsBefore, len(slowDown)-1)]; at[i].Sub(at[i-1]) < pause {
			early++
		}
	}
	if early > 1 {
		t.Errorf("%d of %d rejections come before their time: %v", early, len(at), at)
	}
}
