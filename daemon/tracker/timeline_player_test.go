package tracker_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A timeline is run line by line. Its lines are a time and what happens then:
//
//	clock 2026-03-28 22:00 Europe/Berlin    where it begins; UTC, Monday 5 January 2026, 00:00
//	                                        if it is not said
//	00:00 start                             the daemon starts, with the files as they are
//	00:05 mx1: refused                      from now on probes of all checks of mx1 find this; a
//	                                        check's id, or "everything", says it of others; the
//	                                        words are those of [symptoms], several may stand together
//	00:05 email.mail: refuses               from now on a notifier does this; see [receiver]
//	00:05 edit OLD => NEW                   the files change, and are applied; \n is a new line
//	00:05 ack mx1/imaps for 1h: WHY         somebody acknowledges its incidents
//	00:05 silence mx1 for 1h: WHY           nothing is to be sent about a check, server or group, or to
//	                                        a role
//	00:05 speak                             the last silence ends
//	00:05 again                             what was given up is sent again
//	00:05 tested slack.chat                 a test message was delivered by a notifier
//	00:05 trouble network: HINT             something is wrong with the monitor itself, or ("over") no
//	                                        longer; daemon/selfcheck says so
//	00:05 stop, kill                        the daemon ends, in order or by kill -9
//	00:05 status                            shows the checks
//	00:05 incidents                         shows the incidents
//	00:05 why mx1/imaps                     shows why destinations are not told of its incidents now
//	00:05 suspend 8h                        the machine sleeps; the clock of the test stands still
//	00:05 stand 40s, then: SYMPTOM          the process stands still, as under SIGSTOP, while every check's
//	                                        last result waits for the tracker; then everything is so
//	00:05 clock -1h                         somebody sets the clock on the wall, which the test does not have
//	00:05 wait                              time passes
//
// A time is that of the first day, or of the next one when it is earlier than
// the last; "Tue 00:05" and "2026-01-20 00:05" name another. Indented lines are
// the outcome: "." is written into the journal, ">" is a message that arrived,
// "!" one that did not.
type timeline struct {
	t       *testing.T
	dir     string
	zone    *time.Location
	begin   time.Time // of the timeline
	files   string    // the configuration, as text
	journal int       // how many directories it has had: each kill leaves one behind

	cfg       *config.Config
	probes    map[config.CheckID]time.Time // when each is probed next
	symptoms  map[string][]string          // by check, server or everything
	receivers map[config.NotifierID]*receiver
	silenced  string              // the last silence
	decided   map[outbox.Key]bool // messages that are in the journal; of the tracker's goroutine
	slept     atomic.Int64
	standing  atomic.Pointer[chan struct{}] // closed when the process goes on; nil: it does not stand
	resumed   atomic.Pointer[time.Time]     // when it did so last
	running   *process                      // nil while the daemon is down
	out       transcript
}

func play(t *testing.T, archive *txtar.Archive) {
	n := &timeline{
		t: t, dir: t.TempDir(), zone: time.UTC, begin: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC),
		probes: map[config.CheckID]time.Time{}, symptoms: map[string][]string{},
		receivers: map[config.NotifierID]*receiver{}, decided: map[outbox.Key]bool{},
	}
	timeline := n.unpack(archive)
	defer n.end((*process).stop)
	for line := range strings.Lines(string(timeline.Data)) {
		if !strings.HasPrefix(line, "    ") {
			n.line(line)
		}
	}
	n.settle()
	n.end((*process).stop)
	timeline.Data = []byte(n.out.text.String())
}

// unpack takes the configuration out of an archive: house.hcl, with what the
// timeline adds to it, or what it has in its place.
func (n *timeline) unpack(archive *txtar.Archive) (timeline *txtar.File) {
	house, err := os.ReadFile("testdata/timelines/house.hcl")
	n.must(err)
	n.files = string(house)
	for i, file := range archive.Files {
		switch file.Name {
		case "timeline":
			timeline = &archive.Files[i]
		case "imapvigil.hcl":
			n.files = string(file.Data)
		case "more.hcl":
			n.files += string(file.Data)
		default:
			n.t.Fatalf("what is the file %q for?", file.Name)
		}
	}
	if timeline == nil {
		n.t.Fatal("there is no timeline")
	}
	return timeline
}

func (n *timeline) line(line string) {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || words[0] == "#":
		n.out.say(line)
		return
	case words[0] == "clock":
		n.out.say(line)
		n.clock(words[1:])
		return
	}
	at, rest := n.moment(strings.TrimSpace(line))
	n.reach(at.Add(-1))
	time.Sleep(time.Until(at))
	n.settle()
	n.out.say(line)
	n.do(rest)
	n.settle()
	n.reach(at) // what is due at this very moment
}

// clock sets the beginning of the timeline; nothing has happened before it.
func (n *timeline) clock(words []string) {
	if len(words) == 3 {
		zone, err := time.LoadLocation(words[2])
		n.must(err)
		n.zone = zone
	}
	begin, err := time.ParseInLocation("2006-01-02 15:04", words[0]+" "+words[1], n.zone)
	n.must(err)
	n.begin = begin
}

// moment reads the time that a line begins with, and gives the rest of it.
func (n *timeline) moment(line string) (at time.Time, rest string) {
	now := time.Now().In(n.zone)
	if now.Before(n.begin) {
		now = n.begin.In(n.zone)
	}
	day := now
	first, rest, _ := strings.Cut(line, " ")
	switch {
	case len(first) == len(time.DateOnly):
		date, err := time.ParseInLocation(time.DateOnly, first, n.zone)
		n.must(err)
		day = date
		first, rest, _ = strings.Cut(rest, " ")
	case len(first) == 3:
		for day.Format("Mon") != first {
			day = day.AddDate(0, 0, 1)
		}
		first, rest, _ = strings.Cut(rest, " ")
	}
	clock, err := time.Parse("15:04:05", (first + ":00")[:8])
	n.must(err)
	at = time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, n.zone)
	if at.Before(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at, rest
}

func (n *timeline) do(command string) {
	verb, rest, _ := strings.Cut(command, " ")
	switch verb {
	case "start":
		n.start()
	case "stop":
		n.end((*process).stop)
	case "kill":
		n.end((*process).kill)
	case "edit":
		n.edit(rest)
	case "ack":
		n.acknowledge(rest)
	case "silence":
		n.silence(rest)
	case "speak":
		_, err := n.running.tracker.EndSilence(context.Background(), n.silenced, "")
		n.must(err)
	case "again":
		n.again()
	case "tested":
		n.must(n.running.tracker.Delivered(context.Background(), config.NotifierID(rest)))
	case "trouble":
		n.trouble(rest)
	case "status":
		n.status()
	case "incidents":
		n.incidents()
	case "why":
		n.why(config.CheckID(rest))
	case "suspend", "clock":
		d, err := time.ParseDuration(rest)
		n.must(err)
		n.slept.Add(int64(d))
	case "stand":
		long, then, _ := strings.Cut(rest, ", then: ")
		d, err := time.ParseDuration(long)
		n.must(err)
		n.stand(d, strings.Fields(then))
	case "wait":
	default:
		name, words, ok := strings.Cut(command, ":")
		if !ok {
			n.t.Fatalf("what is %q?", command)
		}
		n.set(name, strings.Fields(words))
	}
}

// set says how a server, a check or a notifier behaves from now on.
func (n *timeline) set(name string, words []string) {
	if r, ok := n.receivers[config.NotifierID(name)]; ok {
		r.set(n.t, words)
		return
	}
	_, isServer := n.cfg.Servers[config.ServerID(name)]
	_, isCheck := n.cfg.Checks[config.CheckID(name)]
	if !isServer && !isCheck && name != "everything" {
		n.t.Fatalf("%q is no notifier, server or check", name)
	}
	n.symptoms[name] = words
}

func (n *timeline) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// reach lets time pass, probing what is due on the way.
func (n *timeline) reach(until time.Time) {
	for {
		next, due := n.due()
		if len(due) == 0 || next.After(until) {
			break
		}
		time.Sleep(time.Until(next))
		for _, id := range due {
			n.probe(id)
		}
		n.settle()
	}
	time.Sleep(time.Until(until))
	n.settle()
}

// due are the checks that are probed next, in the order of their names.
func (n *timeline) due() (next time.Time, due []config.CheckID) {
	if n.running == nil {
		return next, nil
	}
	for id, at := range n.probes {
		switch {
		case len(due) == 0 || at.Before(next):
			next, due = at, []config.CheckID{id}
		case at.Equal(next):
			due = append(due, id)
		}
	}
	slices.Sort(due)
	return next, due
}

// probe has a check looked at, and finds the next time for it as daemon/probe
// does, but for the phase: here all checks keep step.
func (n *timeline) probe(id config.CheckID) {
	c := n.cfg.Checks[id]
	now := time.Now()
	pace := n.running.tracker.Observe(context.Background(), n.result(c, now))
	next := n.begin.Add(now.Sub(n.begin).Truncate(c.Probe.Interval) + c.Probe.Interval)
	if pace.Confirming {
		next = now.Add(c.Probe.RetryInterval)
		if now.Sub(pace.Since) >= 10*time.Minute {
			next = now.Add(min(c.Probe.Interval, time.Minute))
		}
	}
	if !pace.At.IsZero() && pace.At.Before(next) {
		next = pace.At
	}
	n.probes[id] = next
}

// stand keeps the tracker in the middle of a round for a while. What was found
// before it waits in its queue.
func (n *timeline) stand(d time.Duration, then []string) {
	going, t := make(chan struct{}), n.running.tracker
	n.standing.Store(&going)
	go func() { n.must(t.Ping(context.Background())) }()
	synctest.Wait()
	for _, id := range slices.Sorted(maps.Keys(n.probes)) {
		found := n.result(n.cfg.Checks[id], time.Now())
		go t.Observe(context.Background(), found)
		synctest.Wait()
	}
	time.Sleep(d)
	n.symptoms = map[string][]string{"everything": then}
	now := time.Now()
	n.resumed.Store(&now)
	n.standing.Store(nil)
	close(going)
}

// clocks is what daemon/clock would say. The tracker asks in each round.
func (n *timeline) clocks() clock.Reading {
	if going := n.standing.Load(); going != nil {
		<-*going
	}
	r := clock.Undisturbed()
	r.Suspended = time.Duration(n.slept.Load())
	r.Wall = r.Wall.Add(r.Suspended)
	if at := n.resumed.Load(); at != nil {
		r.ProcessResumed = *at
	}
	return r
}

// settle waits until all that can happen now has happened.
func (n *timeline) settle() {
	synctest.Wait()
	n.out.flush(n)
}

// load reads the files as they are now; what is wrong with them is shown.
func (n *timeline) load() *config.Config {
	path := filepath.Join(n.dir, "imapvigil.hcl")
	n.must(os.WriteFile(path, []byte(n.files), 0o600))
	snapshot, err := source.Read(path, source.Options{})
	n.must(err)
	cfg, diags := hclfile.Load(snapshot)
	for _, d := range diags {
		if d.Gravity == config.Error {
			n.out.sayf("    rejected: %s, line %d", d.Summary, d.Pos.Line)
		}
	}
	return cfg
}

// apply makes a configuration the one in force, as a reload does.
func (n *timeline) apply(cfg *config.Config) {
	before := n.cfg
	n.cfg = cfg
	for id := range cfg.Notifiers {
		if n.receivers[id] == nil {
			n.receivers[id] = &receiver{id: id}
		}
	}
	n.running.use(cfg)
	n.must(n.running.tracker.Configure(context.Background(), cfg))
	for id, c := range cfg.Checks {
		_, known := n.probes[id]
		if !c.Enabled {
			delete(n.probes, id)
		} else if !known || before == nil || before.Checks[id] == nil || before.Checks[id].Probe != c.Probe {
			n.probes[id] = time.Now()
		}
	}
	for id := range n.probes {
		if cfg.Checks[id] == nil {
			delete(n.probes, id)
		}
	}
}

func (n *timeline) edit(change string) {
	before, after, ok := strings.Cut(change, "=>")
	before, after = strings.TrimSpace(before), strings.TrimSpace(after)
	if !ok || !strings.Contains(n.files, before) {
		n.t.Fatalf("the files do not say %q", before)
	}
	n.files = strings.ReplaceAll(n.files, before, strings.ReplaceAll(after, `\n`, "\n"))
	if n.running == nil {
		return
	}
	if cfg := n.load(); cfg != nil {
		n.apply(cfg)
	}
}

func (n *timeline) acknowledge(what string) {
	head, why, _ := strings.Cut(what, ": ")
	check, duration, limited := strings.Cut(head, " for ")
	var until time.Time
	if limited {
		d, err := time.ParseDuration(duration)
		n.must(err)
		until = time.Now().Add(d)
	}
	view := n.view()
	for _, in := range view.Incidents {
		if string(in.Check) == check && in.State == "open" {
			_, err := n.running.tracker.Acknowledge(context.Background(), in.ID, tracker.Acknowledgement{Reason: why, Until: until})
			n.must(err)
		}
	}
}

func (n *timeline) silence(what string) {
	head, why, _ := strings.Cut(what, ": ")
	name, duration, _ := strings.Cut(head, " for ")
	d, err := time.ParseDuration(duration)
	n.must(err)
	silence, err := n.running.tracker.Silence(context.Background(), outbox.Silence{Scope: n.scope(name), Reason: why, Until: time.Now().Add(d)})
	n.must(err)
	n.silenced = silence.ID
}

func (n *timeline) scope(name string) outbox.Scope {
	if _, ok := n.cfg.Servers[config.ServerID(name)]; ok {
		return outbox.Scope{Server: config.ServerID(name)}
	}
	if _, ok := n.cfg.Groups[config.GroupID(name)]; ok {
		return outbox.Scope{Group: config.GroupID(name)}
	}
	if _, ok := n.cfg.Roles[config.RoleID(name)]; ok {
		return outbox.Scope{Role: config.RoleID(name)}
	}
	return outbox.Scope{Check: config.CheckID(name)}
}

func (n *timeline) again() {
	for _, in := range n.view().Incidents {
		for _, d := range in.Deliveries {
			if d.State == outbox.Dead || d.State == outbox.Expired {
				if err := n.running.tracker.Redeliver(context.Background(), d.Key); err != nil {
					n.out.sayf("    refused: %s", strings.ReplaceAll(err.Error(), string(d.Key), "KEY"))
				}
			}
		}
	}
}

func (n *timeline) trouble(what string) {
	name, hint, _ := strings.Cut(what, ": ")
	f := &incident.Finding{Cause: config.CauseLocalFault, Hint: hint}
	if hint == "over" {
		f = nil
	}
	n.must(n.running.tracker.Report(context.Background(), tracker.Trouble(name), f))
}

// wake is called while the probe that is the reason for it is waited for.
func (n *timeline) wake(id config.CheckID) {
	if _, ok := n.probes[id]; ok {
		n.probes[id] = time.Now()
	}
}

func (n *timeline) view() view { return look(n.t, n.running.tracker) }

func (n *timeline) status() {
	for _, c := range n.view().Checks {
		text := fmt.Sprintf("    %s is %s", c.ID, c.State)
		if c.Since != nil {
			text += " since " + n.at(*c.Since)
		}
		if c.Cause != "" {
			text += fmt.Sprintf(", %s", config.Cause(c.Cause))
		}
		n.out.sayf("%s", text)
	}
}

func (n *timeline) incidents() {
	for _, in := range n.view().Incidents {
		text := fmt.Sprintf("    %s %s, %s", in.Check, in.Condition, in.State)
		if in.ClosedAs != "" {
			text += " as " + in.ClosedAs
		}
		text += fmt.Sprintf(", %s: %s to %s", in.Cause, n.at(in.StartedAt), n.atOr(in.EndedAt, "now"))
		n.out.sayf("%s, reported %s", text, n.atOr(in.ReportedAt, "never"))
		if in.Condition == config.ConditionMonitor && in.State != "closed" {
			n.out.sayf("        hint: %s", strings.ReplaceAll(in.Hint, "`", "'"))
		}
		for _, d := range in.Deliveries {
			n.out.sayf("        %s to %s %s %s, %d attempts: %s", d.Transition, roleNames(d.Roles), d.Notifier, d.Target, d.Attempts, d.State)
			if d.Held != "" {
				n.out.sayf("            until %s: %s", n.at(*d.Until), d.Answer)
			}
		}
	}
}

func roleNames(roles []config.RoleID) string {
	var names []string
	for _, role := range roles {
		names = append(names, string(role))
	}
	return strings.Join(names, ", ")
}

func (n *timeline) atOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return n.at(*t)
}

// why shows which destinations are not told now of the incidents of a check.
func (n *timeline) why(check config.CheckID) {
	for _, in := range n.view().Incidents {
		if in.Check != check {
			continue
		}
		held, err := n.running.tracker.Explain(context.Background(), in.ID)
		n.must(err)
		for _, h := range held {
			text := fmt.Sprintf("    not told: %s %s for %s: %s (%s)", h.NotifyID.Notifier, h.NotifyID.Target, roleNames(h.Roles), h.Reason, h.Detail())
			if !h.Until.IsZero() {
				text += ", until " + n.at(h.Until)
			}
			n.out.sayf("%s", text)
		}
		if len(held) == 0 {
			n.out.sayf("    everybody has been told")
		}
	}
}

// at shows a time: the clock on the first day, then the day with it.
func (n *timeline) at(t time.Time) string {
	t = t.In(n.zone)
	layout := "15:04:05"
	if t.Nanosecond() != 0 {
		layout = "15:04:05.000"
	}
	switch days := t.YearDay() - n.begin.In(n.zone).YearDay(); {
	case t.Year() != n.begin.Year() || days > 6:
		layout = "2 Jan " + layout
	case days != 0:
		layout = "Mon " + layout
	}
	return t.Format(layout)
}
