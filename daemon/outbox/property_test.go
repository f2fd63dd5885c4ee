package outbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Both machines together, against receivers that are slow, refuse, or take a
// message and answer nothing, with roles that change, acknowledgements, and
// crashes that lose what the disk had not taken. Whatever happens:
//
//   - an opening is told to a destination once a bout, whichever roles ask for it and
//     whatever they are called meanwhile, unless a crash lost the receipt;
//   - a closing is told only to who has heard, or says that it tells both;
//   - nobody gets by SMS the end of what he was never told by SMS, unless that may have
//     arrived, or he asks for ends alone;
//   - that a person works on an incident is told to who asks for that and has got the
//     opening, and not after it was taken back;
//   - no more is sent in an hour than a notifier may send, ends excepted;
//   - in the end nobody believes that something is open that is over;
//   - nothing is handed out that is not in the journal, one attempt at a time;
//   - whoever is to hear of an incident has heard of it, if roles stayed as they were;
//   - asking again at once gives nothing, and people have their minute of rest;
//   - at every moment each destination of an incident has been told how it is now, or a
//     delivery to it is under way, or there is a reason why it is not told.
func TestAnySequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"probe":    m.probe,
			"well":     func(t *rapid.T) { m.observe(m.drawCheck(t), nil) },
			"wait":     m.wait,
			"ack":      m.ack,
			"unack":    m.unack,
			"role":     m.changeRole,
			"rename":   m.renameRole,
			"receiver": m.changeReceiver,
			"back":     m.comeBack,
			"remove":   m.configure,
			"hand on":  m.handOver,
			"silence":  m.silence,
			"parent":   m.parent,
			"limit":    m.limit,
			"crash":    m.crashAnywhere,
		})
		m.rest()
	})
}

// believes is what a way has heard of an incident, as it arrived.
type believes struct {
	open  bool
	bouts map[int]outbox.Key // openings, by bout
	end   outbox.Key         // the last closing
}

type model struct {
	*sim
	*rapid.T
	policies map[config.CheckID]config.Policy
	handed   int // the length of the journal when something was last handed out
	heard    map[pair]*believes
	lost     map[outbox.Key]bool // arrived, and then the receipt was lost
	rested   map[outbox.Destination]outbox.Notification
	crashed  bool
	unsure   map[pair]bool // a message arrived, and no answer to it came
	forgot   map[pair]bool // a crash lost that it was held back
	fixed    bool          // roles stay as they are
}

type pair struct {
	incident incident.ID
	to       outbox.Destination
}

var wayChoices = []string{
	"email.mail:it@", "email.mail:ops@,severity=down", "sms.twilio:+1,after=2m", "sms.twilio:+2,during=night", "sms.twilio:+3", "sms.other:+4,severity=down",
	"sms.other:+5,on=closed", "sms.other:+3", "webhook.hook", "webhook.slow,on=opened",
	"slack.chat:#ops,on=opened|closed", "email.other:end@,on=closed", "email.cert:c@,conditions=certificate", "webhook.dead",
	"pager.duty", "pager.duty", "slack.chat:#acks,on=opened|acknowledged", "webhook.pager,on=changed|acknowledged",
}

func newModel(t *rapid.T) *model {
	m := &model{
		sim: newSim(), T: t, policies: map[config.CheckID]config.Policy{}, heard: map[pair]*believes{},
		lost: map[outbox.Key]bool{}, forgot: map[pair]bool{}, unsure: map[pair]bool{}, rested: map[outbox.Destination]outbox.Notification{},
	}
	m.rates = outbox.Rates{First: 10 * time.Second, Every: time.Minute, Digest: 5 * time.Minute, Large: 2}
	m.sim.share = func() float64 { return 0.5 }
	m.sim.planned, m.sim.done, m.sim.told, m.sim.sending, m.sim.settled = m.onPlanned, m.onDone, m.onTold, m.onSending, m.onSettled
	m.window("night", epoch.Add(10*time.Minute), epoch.Add(time.Hour))
	m.monitor = "ops"
	for i := range 4 {
		id := config.CheckID(fmt.Sprintf("check%d", i))
		m.checks[id] = &check{id: id, remind: 20 * time.Minute, roles: []config.RoleID{"it"}}
		m.policies[id] = config.Policy{
			FaultTolerance: time.Duration(i) * 20 * time.Second, RecoveryTolerance: 30 * time.Second, ReopenWithin: time.Duration(i%2) * time.Hour,
		}
	}
	m.checks["check3"].roles = []config.RoleID{"it", "ops"}
	m.drawRoles(t)
	m.fixed = rapid.Bool().Draw(t, "fixed")
	return m
}

func (m *model) drawCheck(t *rapid.T) *check {
	return m.checks[rapid.SampledFrom([]config.CheckID{"check0", "check1", "check2", "check3"}).Draw(t, "check")]
}

func (m *model) changeRole(t *rapid.T) {
	if m.fixed {
		return
	}
	m.drawRoles(t)
	c := m.drawCheck(t)
	c.roles = rapid.SliceOfDistinct(rapid.SampledFrom([]config.RoleID{"it", "ops"}), rapid.ID).Draw(t, "roles")
	m.advance(m.now)
}

// renameRole gives a role another name, here and where checks name it.
func (m *model) renameRole(t *rapid.T) {
	from, to := config.RoleID("it"), config.RoleID("team")
	if len(m.roles[from]) == 0 {
		from, to = to, from
	}
	m.roles[to] = m.roles[from]
	for i := range m.roles[to] {
		m.roles[to][i].ID.Role = to
	}
	delete(m.roles, from)
	for _, c := range m.everyCheck() {
		c.roles = slices.Clone(c.roles)
		for i := range c.roles {
			if c.roles[i] == from {
				c.roles[i] = to
			}
		}
	}
	m.advance(m.now)
}

func (m *model) silence(t *rapid.T) {
	m.sim.silence(string(m.drawCheck(t).id), m.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "seconds"))*time.Second))
	m.fixed = false // whoever was spared a message has never heard of it
	m.advance(m.now)
}

func (m *model) parent(t *rapid.T) {
	m.parents[m.drawCheck(t).id] = [2]time.Time{m.now, m.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "seconds")) * time.Second)}
	m.fixed = false
	m.advance(m.now)
}

func (m *model) limit(t *rapid.T) {
	id := rapid.SampledFrom([]config.NotifierID{"sms.twilio", "sms.twilio", "email.mail", "webhook.hook"}).Draw(t, "notifier")
	m.limits[id] = rapid.IntRange(0, 4).Draw(t, "limit")
	m.advance(m.now)
}

func (m *model) drawRoles(t *rapid.T) {
	delete(m.roles, "team")
	for _, id := range []config.RoleID{"it", "ops"} {
		m.roles[id] = nil
		for _, spec := range rapid.SliceOfDistinct(rapid.SampledFrom(wayChoices), rapid.ID).Draw(t, "ways") {
			w, err := way(id, spec)
			if err != nil {
				t.Fatal(err)
			}
			m.roles[id] = append(m.roles[id], w)
		}
	}
}

func (m *model) changeReceiver(t *rapid.T) {
	id := rapid.SampledFrom([]config.NotifierID{"email.mail", "sms.twilio", "sms.other", "webhook.hook", "webhook.slow", "pager.duty", "slack.chat"}).Draw(t, "notifier")
	*m.receiver(id) = receiver{
		latency: time.Duration(rapid.IntRange(0, 55).Draw(t, "latency")) * time.Second,
		err: rapid.SampledFrom([]error{
			nil, nil, errRefused, notifiers.RetryAfter(errors.New("busy"), 40*time.Second), errPoison,
		}).Draw(t, "answer"),
	}
	if strings.HasPrefix(string(id), "sms.") && rapid.IntRange(0, 3).Draw(t, "unsure") == 0 {
		m.receiver(id).err = errUnsure
	}
}

// comeBack has a receiver fail while an incident ends, and answer again, perhaps with
// some delay, when the next one of the same check begins.
func (m *model) comeBack(t *rapid.T) {
	c := m.drawCheck(t)
	down := []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}}
	for range 5 {
		m.observe(c, down)
	}
	r := m.receiver(rapid.SampledFrom([]config.NotifierID{"email.mail", "webhook.hook"}).Draw(t, "notifier"))
	*r = receiver{err: errRefused}
	for range 4 {
		m.observe(c, nil)
	}
	m.wait(t)
	*r = receiver{latency: time.Duration(rapid.IntRange(0, 55).Draw(t, "latency")) * time.Second}
	for range 5 {
		m.observe(c, down)
	}
}

// errUnsure: nobody knows whether it has arrived, and it has.
var errUnsure = notifiers.Unsure(errors.New("no answer"))

var errPoison = notifiers.Permanent(errors.New("no such user"))

func (m *model) wait(t *rapid.T) {
	m.pass(time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second)
}

// pass lets time go by, with what time alone decides.
func (m *model) pass(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); {
		m.advance(sooner(end, m.now.Add(30*time.Second)))
		for _, c := range m.everyCheck() {
			m.happen(incident.Tick(m.policies[c.id], c.state, m.now)...)
		}
		m.advance(m.now)
	}
}

func (m *model) probe(t *rapid.T) {
	all := []incident.Finding{
		{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused},
		{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon},
		{Condition: config.ConditionCertificate, Health: incident.Down, Cause: config.CauseCertExpired},
	}
	index := rapid.SliceOfDistinct(rapid.IntRange(0, 2), rapid.ID).Draw(t, "findings")
	var list []incident.Finding
	for _, i := range index {
		list = append(list, all[i])
	}
	c := m.drawCheck(t)
	for range rapid.IntRange(1, 5).Draw(t, "probes") {
		m.observe(c, list)
	}
}

func (m *model) observe(c *check, list []incident.Finding) {
	r := incident.Result{
		Check: c.id, Target: "mx1:993", Observed: config.ConditionSet(config.ConditionService, config.ConditionCertificate),
		Findings: list, Started: m.now, Ended: m.now.Add(time.Second),
	}
	m.advance(r.Ended)
	streaks, events := incident.Observe(m.policies[c.id], c.state, r)
	c.state, c.fresh = c.state.WithCounts(streaks), true
	m.happen(events...)
	m.advance(m.now.Add(14 * time.Second))
}

func (m *model) ack(*rapid.T) {
	m.advance(m.now.Add(time.Second)) // two acknowledgements are never of the same moment
	for _, c := range m.everyCheck() {
		for in := range c.state.Incidents() {
			if in.Open() {
				m.happen(incident.Event{
					Kind: incident.Acknowledged, At: m.now, Incident: in.ID, Check: in.Check, Condition: in.Condition,
					Until: m.now.Add(10 * time.Minute),
				})
			}
		}
	}
	m.advance(m.now)
}

func (m *model) unack(t *rapid.T) {
	for in := range m.drawCheck(t).state.Incidents() {
		if in.Acknowledged() {
			m.happen(incident.Event{Kind: incident.Unacknowledged, At: m.now, Incident: in.ID, Check: in.Check, Condition: in.Condition})
		}
	}
	m.advance(m.now)
}

func (m *model) configure(t *rapid.T) {
	is := rapid.SampledFrom([]incident.Presence{incident.Present, incident.Disabled, incident.Absent}).Draw(t, "presence")
	m.happen(incident.Configured(m.drawCheck(t).state, is, m.now)...)
	m.advance(m.now)
}

// handOver ends what fails of a check, which goes on as another incident somewhere else.
func (m *model) handOver(t *rapid.T) {
	m.happen(incident.HandOver(m.drawCheck(t).state, func(config.Condition) incident.Successor { return incident.Successor{Node: "fra1"} }, m.now)...)
	m.advance(m.now)
}

// crashAnywhere loses any number of the records that nothing has come of yet,
// what is under way, and perhaps the receipt of what has arrived.
func (m *model) crashAnywhere(t *rapid.T) {
	keep := rapid.IntRange(m.handed, len(m.journal)).Draw(t, "records")
	for _, r := range m.journal[keep:] {
		if r.outcome != nil {
			m.lost[parse[outbox.Outcome](r.outcome).Key] = true
		}
	}
	for _, a := range m.flying {
		if a.err == nil && rapid.Bool().Draw(t, "arrived") {
			d, _ := m.book.Delivery(a.key)
			m.arrive(d)
			m.lost[a.key] = true
		}
	}
	for id := range m.incidents {
		for _, h := range m.book.Held(id) {
			m.forgot[pairOf(id, h.Destination())] = true
		}
	}
	m.crash(keep)
	m.crashed = true
	for way, last := range m.rested {
		if _, known := m.book.Delivery(last.Key); !known {
			delete(m.rested, way)
		}
	}
	m.advance(m.now)
}

// onPlanned: what was told just now needs not be told again.
func (m *model) onPlanned() {
	if again := outbox.Plan(m.book, m.world(), m.now).Tell; len(again) > 0 {
		m.Fatalf("planned again at once: %v", again)
	}
}

// onDone: "why was I not told?" has one answer for each destination.
func (m *model) onDone() {
	w := m.world()
	subjects := w.Subjects
	for i, s := range subjects {
		w.Subjects = subjects[i : i+1]
		held := map[outbox.Destination]outbox.Held{}
		for _, h := range outbox.Explain(m.book, w, m.now) {
			if !slices.Contains(outbox.HeldReasons(), h.Reason) {
				m.Fatalf("the reason %q is not listed", h.Reason)
			}
			held[pairOf(s.ID, destinationOf(h.NotifyID)).to] = h
		}
		for _, block := range s.Notify {
			to := pairOf(s.ID, destinationOf(block.ID)).to
			told, underWay := m.deliveries(&s, block)
			reason := held[to]
			if reason.Reason == "" && !told && !underWay || // what is under way may be older
				reason.Reason != "" && reason.Transition != notifiers.Reminder && told && !underWay && !(s.Acknowledged() && wantsAcknowledged(block)) {
				for _, d := range m.book.Of(s.ID) {
					m.Logf("%s %v %s %+v", d.At.Sub(epoch), d.NotifyID, d.State, d.Items)
				}
				m.Fatalf("%s at %s: %+v was told %t, a delivery is under way %t, and the reason why not is %q; open %t, pending %t, episode %d, worsened %d",
					s.ID, m.now.Sub(epoch), block, told, underWay, reason.Reason, s.Open(), s.Unconfirmed, s.Reported, s.Worsened)
			}
		}
		m.onDoneWith(s, held)
		if len(s.Notify) == 0 && len(m.book.Of(s.ID)) == 0 && held[outbox.Destination{}].Reason != outbox.HeldByNobody {
			m.Fatalf("%s has no destination, and that is not said", s.ID)
		}
	}
}

// onDoneWith: whoever asks for that and has got the opening has been told who works on the incident, or
// there is a reason why not.
func (m *model) onDoneWith(s outbox.Subject, held map[outbox.Destination]outbox.Held) {
	if !s.Open() || !s.Acknowledged() {
		return
	}
	for _, block := range s.Notify {
		to := pairOf(s.ID, destinationOf(block.ID)).to
		if _, underWay := m.deliveries(&s, block); !wantsAcknowledged(block) || underWay || held[to].Reason != "" {
			continue
		}
		opened, acknowledged, as := false, false, m.toldAs(&s, block)
		for _, d := range m.book.Of(s.ID) {
			for _, item := range d.Items {
				same := d.Destination() == as && item.Incident == s.ID && d.State != outbox.Replaced
				opened = opened || same && d.State == outbox.Sent && item.Episode == s.Reported
				acknowledged = acknowledged || same && item.Acknowledged.Equal(s.AckedAt)
			}
		}
		if opened && !acknowledged {
			for _, d := range m.book.Of(s.ID) {
				m.Logf("%s %v %s %+v", d.At.Sub(epoch), d.NotifyID, d.State, d.Items)
			}
			m.Fatalf("%s has not heard who works on %s", block.ID.Notifier, s.ID)
		}
	}
}

// wantsAcknowledged: the notify block asks for that, or its kind of notifier does.
func wantsAcknowledged(block config.Notify) bool {
	return slices.Contains(block.On, notifiers.Acknowledged) || len(block.On) == 0 && strings.HasPrefix(string(block.ID.Notifier), "pager.")
}

// toldAs is the destination under which a notify block is told of an incident: its own; or that of a role which the
// files have no more and which was told of a later bout, since the block has taken its place.
func (m *model) toldAs(s *outbox.Subject, block config.Notify) outbox.Destination {
	own := destinationOf(block.ID)
	last, goesOn := map[outbox.Destination]int{}, map[outbox.Destination]bool{}
	for _, d := range m.book.Of(s.ID) {
		for _, item := range d.Items {
			if item.Incident == s.ID {
				last[d.Destination()] = item.Episode
				goesOn[d.Destination()] = item.Transition != notifiers.Closed || !d.State.Final() || !s.Open()
			}
		}
	}
	as := own
	for _, d := range m.book.Of(s.ID) { // of several such roles, that which was told first
		to := d.Destination()
		sameProgram := to.Role != "" && to.Notifier == own.Notifier && to.Target == own.Target
		if sameProgram && len(m.roles[to.Role]) == 0 && goesOn[to] && last[to] > last[as] {
			as = to
		}
	}
	return as
}

// deliveries reports whether the last message for a notify block said how an incident is
// now, and whether one is under way, by what the book shows of its deliveries.
func (m *model) deliveries(s *outbox.Subject, block config.Notify) (told, underWay bool) {
	as := m.toldAs(s, block)
	for _, d := range m.book.Of(s.ID) {
		if d.Destination() != as || d.State == outbox.Replaced {
			continue
		}
		underWay = underWay || !d.State.Final()
		for _, item := range d.Items {
			if item.Incident == s.ID && !item.Unannounced {
				closed := item.Transition == notifiers.Closed
				told = item.Episode == s.Reported && closed == !s.Open() && !s.Unconfirmed && (closed || item.Worsened == s.Worsened)
			}
		}
	}
	return told, underWay
}

func (m *model) onTold(t outbox.Notification) {
	m.withinLimit(t)
	for _, item := range t.Items {
		if item.Transition != notifiers.Closed && len(t.Replaces) == 0 && m.stale(item.Incident) {
			m.Fatalf("%s %s, which nobody has looked at since the start", item.Transition, item.Incident)
		}
		if m.fixed && !m.crashed && m.incidents[item.Incident].HandedOn() && !item.Unannounced && !m.wasOpened(item.Incident, t.Destination()) {
			m.Fatalf("%s is told that %s goes on as another incident, and not of its opening", t.NotifyID.Notifier, item.Incident)
		}
		if m.suppressed(t, item) && len(t.Replaces) == 0 {
			m.Fatalf("%s %s, of which nothing is to be heard", item.Transition, item.Incident)
		}
	}
	if !t.Kind.Traits().People {
		if len(t.Items) != 1 {
			m.Fatalf("%d events in one for %s", len(t.Items), t.NotifyID.Notifier)
		}
		return
	}
	if t.TellsNothing() {
		return // nobody hears of it
	}
	if last, ok := m.rested[t.Destination()]; ok {
		pause := m.rates.Every
		if len(last.Items) > m.rates.Large {
			pause = m.rates.Digest
		}
		if t.At.Sub(last.At) < pause {
			m.Fatalf("%s hears again after %s", t.NotifyID.Notifier, t.At.Sub(last.At))
		}
	}
	m.rested[t.Destination()] = t
}

// wasOpened reports whether it was decided to tell a destination that an incident is open.
func (m *model) wasOpened(id incident.ID, to outbox.Destination) bool {
	return slices.ContainsFunc(m.book.Of(id), func(d *outbox.Delivery) bool {
		return d.Destination() == to && slices.ContainsFunc(d.Items, func(i outbox.Item) bool {
			return i.Incident == id && i.Transition != notifiers.Closed
		})
	})
}

// withinLimit: a notifier sends more than max_per_hour only for the end of what it
// was told, or of what is on its way.
func (m *model) withinLimit(t outbox.Notification) {
	most := m.limits[t.NotifyID.Notifier]
	if most == 0 || slices.ContainsFunc(t.Items, func(i outbox.Item) bool { return i.Transition == notifiers.Closed }) {
		return
	}
	sent := 0
	for _, r := range m.journal {
		if r.telling == nil || !bytes.Contains(r.telling, []byte(t.NotifyID.Notifier)) {
			continue
		}
		if other := parse[outbox.Notification](r.telling); !other.TellsNothing() && other.NotifyID.Notifier == t.NotifyID.Notifier && t.At.Sub(other.At) < time.Hour {
			sent++ // t itself, too
		}
	}
	if sent > most {
		m.Fatalf("%s sends %d messages in an hour, more than %d", t.NotifyID.Notifier, sent, most)
	}
}

// suppressed reports whether nothing may be said of an item: this is said once more
// here, in the simplest words.
func (m *model) suppressed(t outbox.Notification, item outbox.Item) bool {
	check := m.incidents[item.Incident].Check
	if down, ok := m.parents[check]; ok && !t.At.Before(down[0]) && t.At.Before(down[1]) && !item.EndsTold() {
		return true
	}
	silent := func(scope outbox.Scope) bool {
		return slices.ContainsFunc(m.silences, func(s outbox.Silence) bool {
			return s.Scope == scope && !t.At.Before(s.From) && t.At.Before(s.Until)
		})
	}
	return silent(outbox.Scope{Check: check}) || !slices.ContainsFunc(t.AskedBy(), func(role config.RoleID) bool {
		return !silent(outbox.Scope{Role: role})
	})
}

func (m *model) onSending(d *outbox.Delivery) {
	if !m.journaled(d.Key) {
		m.Fatalf("%s is handed out and not journaled", d.Key)
	}
	m.handed = len(m.journal)
	if !slices.ContainsFunc(d.Items, func(i outbox.Item) bool {
		return i.Transition != notifiers.Acknowledged || i.Acknowledged.Equal(m.incidents[i.Incident].AckedAt)
	}) {
		m.Fatalf("%s is sent an acknowledgement that was taken back", d.NotifyID.Notifier)
	}
	for _, a := range m.flying {
		if other, _ := m.book.Delivery(a.key); other.Destination() == d.Destination() && about(other, d) {
			m.Fatalf("two attempts about one incident are under way on %s", d.NotifyID.Notifier)
		}
	}
}

func (m *model) journaled(key outbox.Key) bool {
	for _, r := range slices.Backward(m.journal) {
		if bytes.Contains(r.telling, []byte(key)) {
			return true
		}
	}
	return false
}

func about(x, y *outbox.Delivery) bool {
	return slices.ContainsFunc(x.Items, func(i outbox.Item) bool {
		return slices.ContainsFunc(y.Items, func(j outbox.Item) bool { return i.Incident == j.Incident })
	})
}

func (m *model) onSettled(d *outbox.Delivery, o outbox.Outcome) {
	switch {
	case o.State == outbox.Sent:
		m.arrive(d)
	case o.Unsure && !m.lost[d.Key]:
		m.lost[d.Key] = true
		m.arrive(d)
		for _, item := range d.Items {
			m.unsure[pairOf(item.Incident, d.Destination())] = true
		}
	}
}

func (m *model) arrive(d *outbox.Delivery) {
	if d.TellsNothing() {
		m.Fatalf("%s is sent and tells nothing", d.Key)
	}
	for _, item := range d.Items {
		if item.Unannounced {
			continue
		}
		p := pairOf(item.Incident, d.Destination())
		if m.heard[p] == nil {
			m.heard[p] = &believes{bouts: map[int]outbox.Key{}}
		}
		m.hear(m.heard[p], d, item)
		if item.Transition != notifiers.Closed {
			m.inOrder(p, item)
		}
	}
}

// destinationOf is where a way of these tests leads.
func destinationOf(way config.NotifyID) outbox.Destination {
	k, _ := kind(way.Notifier)
	t := outbox.Notification{NotifyID: way, Kind: k}
	return t.Destination()
}

// inOrder: who hears that something fails has heard that what failed before, of the
// same check and condition, is over, unless that is not owed, is held back just now,
// was given up, or was sent by a process that has died since.
func (m *model) inOrder(p pair, item outbox.Item) {
	for other, b := range m.heard {
		in := m.incidents[other.incident]
		older := other.incident != p.incident && other.to == p.to && m.topic(in.ID) == m.topic(p.incident) &&
			in.StartedAt.Before(m.incidents[p.incident].StartedAt)
		if older && b.open && !in.Live() && !m.excused(other) {
			m.Fatalf("%s hears that %s is %s, and not yet that %s is over", p.to.Notifier, p.incident, item.Transition, in.ID)
		}
	}
}

func (m *model) excused(p pair) bool {
	return p.wantsNoEnd() || m.died(p) || m.crashed || len(m.silences) > 0
}

// wantsNoEnd: its notify block has an on without "closed".
func (p pair) wantsNoEnd() bool {
	return p.to.Notifier == "webhook.slow" || p.to.Notifier == "webhook.pager" || p.to.Target == "#acks"
}

// onlyAnnounced: whoever is not told of the beginning in time never hears of it.
func (p pair) onlyAnnounced() bool {
	k, _ := kind(p.to.Notifier)
	return k.Traits().OnlyAnnounced
}

// pairOf takes the two names of the role that is renamed for one: there is never
// more than one of them in the files.
func pairOf(id incident.ID, to outbox.Destination) pair {
	if to.Role == "team" {
		to.Role = "it"
	}
	return pair{id, to}
}

func (m *model) hear(b *believes, d *outbox.Delivery, item outbox.Item) {
	switch item.Transition {
	case notifiers.Opened, notifiers.Escalated:
		if last, again := b.bouts[item.Episode]; again && last != d.Key && !m.lost[last] {
			m.Fatalf("%s hears of the opening of %s twice", d.NotifyID.Notifier, item.Incident)
		}
		b.bouts[item.Episode] = d.Key
	case notifiers.Closed:
		if !b.open && !item.Untold && d.NotifyID.Notifier != "email.other" && d.NotifyID.Target != "+5" && b.end != d.Key && !m.lost[b.end] {
			m.Fatalf("%s hears of the closing of %s and never of its opening", d.NotifyID.Notifier, item.Incident)
		}
		if !b.open && d.Kind.Traits().OnlyAnnounced && d.NotifyID.Target != "+5" && b.end != d.Key && !m.unsure[pairOf(item.Incident, d.Destination())] && !m.crashed {
			m.Fatalf("%s gets by SMS the end of %s, which was never announced there", d.NotifyID.Target, item.Incident)
		}
		b.open, b.end = false, d.Key
		return
	case notifiers.Acknowledged:
		if !b.open {
			m.Fatalf("%s hears who works on %s and never of its opening", d.NotifyID.Notifier, item.Incident)
		}
	}
	b.open = true
}

// rest lets everything get well and be delivered, and asks who is left behind.
func (m *model) rest() {
	for _, r := range m.receivers {
		*r = receiver{}
	}
	for range 8 {
		for _, c := range m.everyCheck() {
			for range 3 {
				m.observe(c, nil)
			}
		}
		m.pass(5 * time.Minute)
	}
	m.advance(m.now.Add(80 * time.Hour))
	for p, b := range m.heard {
		if in, known := m.incidents[p.incident]; known && b.open && !in.Live() && !p.wantsNoEnd() && !m.died(p) &&
			!(p.onlyAnnounced() && (m.unsure[p] || m.crashed)) { // whether it was announced is not known
			m.Fatalf("%s still believes that %s is open", p.to.Notifier, p.incident)
		}
	}
	for _, in := range m.incidents {
		// Who has not heard of what is handed on hears of what it goes on as.
		if !m.fixed || in.Reported == 0 || in.HandedOn() {
			continue
		}
		for _, w := range m.subject(m.checks[in.Check], in).Notify {
			p := pairOf(in.ID, destinationOf(w.ID))
			if everything := len(w.On) == 0 && w.After == 0 && w.During == "" && w.Severity == "" && w.Conditions == 0; everything && m.heard[p] == nil && !p.onlyAnnounced() && !m.died(p) && !m.forgot[p] {
				m.Fatalf("%s has never heard of %s", w.ID.Notifier, in.ID)
			}
		}
	}
	if queued, _ := m.book.Counts(); queued > 0 {
		for id := range m.incidents {
			for _, d := range m.book.Of(id) {
				if !d.State.Final() {
					m.Logf("still queued at %s: %+v", m.now, *d)
				}
			}
		}
		m.Fatalf("%d messages are still queued", queued)
	}
	for id := range m.incidents {
		if !m.book.NothingOwed(id) {
			m.Fatalf("%s is not settled", id)
		}
	}
}

// died: the message that would have said so could not be delivered.
func (m *model) died(p pair) bool {
	return slices.ContainsFunc(m.book.Of(p.incident), func(d *outbox.Delivery) bool {
		return pairOf(p.incident, d.Destination()) == p && (d.State == outbox.Dead || d.State == outbox.Expired)
	})
}
