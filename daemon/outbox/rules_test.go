package outbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Every file under testdata is one rule, as a timeline that can be read: a line
// is an offset and what happens then, the indented lines below it are the
// attempts that were made until the next line, and what came of them.
//
//	0s role it email.mail:it@ sms.twilio:+1,after=15m,severity=down
//	0s check a it ops remind=12h    check a names the roles it and ops
//	1m open a [degraded]            its incident is reported; "open c 30" does so for c1 to c30
//	1m another a                    a new incident of it, a', is reported
//	1m worse a, failing a, well a, relapse a, close a, ack a, unack a
//	1m refuse email.mail            its attempts fail from now on
//	1m reject email.mail            the same, for a reason that trying again cannot heal
//	1m busy email.mail 20m          the same, asking to come again in 20 minutes
//	1m pace slack.chat 40s          its channel sends one message in 40 seconds
//	1m slow email.mail 30s          its attempts take so long
//	1m answer email.mail            all is well again
//	1m crash                        the process starts again from its journal
//	1m stale a, fresh a             a has not, has been observed since the start
//	1m limit email.mail 3           it sends no more messages than this in an hour
//	1m window night 20m 40m         the schedule "night" lasts from 20m to 40m
//	1m silence a 20m                nothing is sent about a, or to a role, until 20m
//	1m why                          shows why destinations are not told now
//	1m held                         shows what is held back, and why
//	1m parent a 20m                 what a depends on is down until 20m
//	1m monitor ops                  the role ops is the daemon's own
//	1m journal told                 the process starts again from the journal told.jsonl, of an older version
//	1m again                        what was given up is tried once more
//	1m wait
func TestRules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no rules", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			was, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, file, play(t, string(was)))
		})
	}
}

type player struct {
	*sim
	t   *testing.T
	out strings.Builder
}

func play(t *testing.T, text string) string {
	p := &player{sim: newSim(), t: t}
	p.settled = p.write
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			continue // what came of it the last time
		}
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			at, err := time.ParseDuration(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			p.advance(epoch.Add(at - 1)) // what happens at that moment is shown below the line
			p.now = epoch.Add(at)
			p.out.WriteString(line)
			p.do(fields[1], fields[2:])
			p.round()
			continue
		}
		p.out.WriteString(line)
	}
	return p.out.String()
}

func (p *player) do(verb string, args []string) {
	switch verb {
	case "role":
		p.role(config.RoleID(args[0]), args[1:])
	case "check":
		p.check(args)
	case "refuse":
		p.receiver(config.NotifierID(args[0])).err = errRefused
	case "reject":
		p.receiver(config.NotifierID(args[0])).err = notifiers.Permanent(errors.New("no such user"))
	case "busy":
		p.receiver(config.NotifierID(args[0])).err = notifiers.RetryAfter(errors.New("too many requests"), p.duration(args[1]))
	case "pace":
		p.receiver(config.NotifierID(args[0])).pace = p.duration(args[1])
	case "slow":
		p.receiver(config.NotifierID(args[0])).latency = p.duration(args[1])
	case "recipients":
		p.recipients(args)
	case "answer":
		*p.receiver(config.NotifierID(args[0])) = receiver{}
	case "crash":
		p.crash(len(p.journal))
	case "stale", "fresh":
		p.checks[config.CheckID(args[0])].fresh = verb == "fresh"
	case "wait":
	case "limit":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			p.t.Fatal(err)
		}
		p.limits[config.NotifierID(args[0])] = n
	case "window":
		p.window(config.ScheduleID(args[0]), epoch.Add(p.duration(args[1])), epoch.Add(p.duration(args[2])))
	case "silence":
		p.silence(args[0], epoch.Add(p.duration(args[1])))
	case "held":
		p.showHeld()
	case "why":
		p.showReasons()
	case "parent":
		p.parents[config.CheckID(args[0])] = [2]time.Time{p.now, epoch.Add(p.duration(args[1]))}
	case "again":
		p.again()
	case "journal":
		p.load("testdata/journals/" + args[0] + ".jsonl")
	case "monitor":
		p.monitor = config.RoleID(args[0])
	default:
		p.incident(verb, args)
	}
}

func (p *player) showHeld() {
	p.round() // what is due at this moment
	for _, id := range slices.Sorted(maps.Keys(p.incidents)) {
		for _, h := range p.book.Held(id) {
			fmt.Fprintf(&p.out, "    held: %s %s %s %s since %s until %s, %s\n", names(h.Roles), h.NotifyID.Notifier, h.Transition, id,
				h.Since.Sub(epoch), h.Until.Sub(epoch), h.Reason)
		}
	}
	if n := p.book.CountHeld(); n > 0 {
		fmt.Fprintf(&p.out, "    %d messages wait\n", n)
	}
}

func (p *player) showReasons() {
	p.round() // what is due at this moment
	w := p.world()
	subjects := w.Subjects
	for i := range subjects {
		w.Subjects = subjects[i : i+1]
		for _, h := range outbox.Explain(p.book, w, p.now) {
			fmt.Fprintf(&p.out, "    %s not told to %s %s:%s: %s", h.Incident, names(h.Roles), h.NotifyID.Notifier, h.NotifyID.Target, h.Reason)
			if !h.Until.IsZero() {
				fmt.Fprintf(&p.out, " until %s", h.Until.Sub(epoch))
			}
			p.out.WriteString("\n")
		}
	}
}

// load has the process start from a journal that is on file: a record a line, under
// what it is.
func (p *player) load(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	p.journal = nil
	for line := range bytes.Lines(text) {
		r := parse[struct{ Event, Telling, Outcome json.RawMessage }](line)
		p.journal = append(p.journal, record{r.Event, r.Telling, r.Outcome})
	}
	p.crash(len(p.journal))
}

func (p *player) again() {
	for _, in := range p.incidents {
		for _, d := range p.book.Of(in.ID) {
			o, err := p.book.Redeliver(d.Key, p.now)
			if err != nil {
				fmt.Fprintf(&p.out, "    %s\n", strings.Replace(err.Error(), string(d.Key), "KEY", 1))
				continue
			}
			p.journal = append(p.journal, record{outcome: text(o)})
			p.book.ApplyOutcome(o)
		}
	}
}

func (p *player) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// recipients says what a receiver answers each recipient: it=sent, boss=dead.
func (p *player) recipients(args []string) {
	r := p.receiver(config.NotifierID(args[0]))
	r.recipients = nil
	for _, arg := range args[1:] {
		address, state, _ := strings.Cut(arg, "=")
		r.recipients = append(r.recipients, notifiers.Recipient{Address: address, State: notifiers.RecipientState(state)})
	}
}

func (p *player) role(id config.RoleID, specs []string) {
	p.roles[id] = nil
	for _, spec := range specs {
		w, err := way(id, spec)
		if err != nil {
			p.t.Fatal(err)
		}
		p.roles[id] = append(p.roles[id], w)
	}
}

func (p *player) check(args []string) {
	c, ok := p.checks[config.CheckID(args[0])]
	if !ok {
		c = &check{id: config.CheckID(args[0]), fresh: true}
		p.checks[c.id] = c
	}
	c.roles = nil
	for _, arg := range args[1:] {
		if remind, ok := strings.CutPrefix(arg, "remind="); ok {
			c.remind = p.duration(remind)
		} else {
			c.roles = append(c.roles, config.RoleID(arg))
		}
	}
}

// incident has something happen to the incident of one check, or of many.
func (p *player) incident(verb string, args []string) {
	if len(args) == 2 && args[1] != "degraded" {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			p.t.Fatal(err)
		}
		for i := range n {
			p.incident(verb, []string{args[0] + strconv.Itoa(i+1)})
		}
		return
	}
	c, ok := p.checks[config.CheckID(args[0])]
	if !ok {
		roles := slices.Sorted(maps.Keys(p.roles))
		c = &check{id: config.CheckID(args[0]), fresh: true, roles: roles}
		p.checks[c.id] = c
	}
	finding := incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}
	if len(args) == 2 {
		finding.Health = incident.Degraded
	}
	in, _ := c.state.Incident(config.ConditionService)
	e := incident.Event{At: p.now, Since: p.now, Incident: in.ID, Check: c.id, Condition: config.ConditionService, Finding: &finding}
	if e.Incident == "" {
		e.Incident = incident.ID(c.id)
	}
	if verb == "another" {
		verb, e.Incident, in = "open", in.ID+"'", incident.Incident{}
	}
	begins := e
	begins.Kind = incident.Failing
	switch verb {
	case "open":
		if !in.Unconfirmed {
			p.happen(begins)
		}
		e.Kind = incident.Opened
	case "failing":
		e.Kind = incident.Failing
	case "worse":
		e.Kind = incident.Worsened
	case "close":
		e.Kind, e.ClosedAs = incident.Closed, incident.Recovered
	case "well":
		e.Kind = incident.Recovering
	case "relapse":
		e.Kind = incident.Relapsed
	case "ack":
		e.Kind = incident.Acknowledged
	case "unack":
		e.Kind = incident.Unacknowledged
	default:
		p.t.Fatalf("what is %q?", verb)
	}
	p.happen(e)
}

func (p *player) write(d *outbox.Delivery, o outbox.Outcome) {
	to := fmt.Sprintf("%s %s", names(d.AskedBy()), d.NotifyID.Notifier)
	if d.NotifyID.Target != "" {
		to += ":" + d.NotifyID.Target
	}
	fmt.Fprintf(&p.out, "    %s %s %s", p.now.Sub(epoch), to, what(d.Items))
	if o.State == outbox.Queued {
		fmt.Fprintf(&p.out, ": kept back until %s", o.NextAt.Sub(epoch).Round(time.Millisecond))
	} else if o.State != outbox.Sent {
		fmt.Fprintf(&p.out, ": %s, %s", o.Error, o.State)
	}
	if o.State == outbox.Retrying {
		fmt.Fprintf(&p.out, " at %s", o.NextAt.Sub(epoch).Round(time.Millisecond))
	}
	for _, one := range o.Receipt.Recipients {
		fmt.Fprintf(&p.out, ", %s %s", one.Address, one.State)
	}
	p.out.WriteString("\n")
}

func names(roles []config.RoleID) string {
	words := make([]string, len(roles))
	for i, role := range roles {
		words[i] = string(role)
	}
	return strings.Join(words, "+")
}

func what(items []outbox.Item) string {
	var words []string
	for i, item := range items {
		if i == 3 && len(items) > 4 {
			words = append(words, fmt.Sprintf("and %d more", len(items)-i))
			break
		}
		word := fmt.Sprintf("%s %s", item.Transition, item.Incident)
		if item.Untold {
			word += " (opening untold)"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// The largest message there can be has a record that the journal takes.
func TestLargestTelling(t *testing.T) {
	t.Parallel()
	s := newSim()
	w, err := way("it", "email.mail:it@")
	if err != nil {
		t.Fatal(err)
	}
	world := outbox.World{Rates: s.rates, Notifiers: channels(nil)}
	for i := range 30_000 {
		world.Subjects = append(world.Subjects, outbox.Subject{
			Incident: incident.Incident{
				ID: incident.ID(fmt.Sprintf("%010d", i)), Reported: 1000, Worsened: 1000, ReportedAt: epoch, ClosedAt: epoch,
				EndedAt: epoch, ClosedAs: incident.Recovered,
			},
			Notify: []config.Notify{w}, Fresh: true,
		})
	}
	tell := outbox.Plan(s.book, world, epoch.Add(time.Minute)).Tell
	if len(tell) != 1 {
		t.Fatalf("%d messages", len(tell))
	}
	for range 1000 {
		tell[0].Replaces = append(tell[0].Replaces, tell[0].Key)
	}
	if size, most := len(text(tell[0])), 1<<20; size > most {
		t.Errorf("a record of %d bytes, the journal takes %d", size, most)
	}
}
