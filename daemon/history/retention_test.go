package history

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// rows counts the rows of a table.
func (d *drive) rows(table string) (n int) {
	d.tb.Helper()
	if err := d.writer.db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		d.tb.Fatal(err)
	}
	return n
}

// hours has checks probed twice an hour for some hours.
func (d *drive) hours(n int, ids ...config.CheckID) {
	d.tb.Helper()
	for range 2 * n {
		for _, id := range ids {
			d.observe(id, incident.OK, 100*time.Millisecond, "192.0.2.1")
		}
		d.now = d.now.Add(30 * time.Minute)
		d.mustRound()
	}
}

// Each thing is kept as long as its limit says; incidents, intervals and certificates go together.
func TestThingsAreKeptAsLongAsTheirLimit(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	cfg := configuration("a", "gone")
	cfg.History = config.History{Detail: 5 * time.Hour, Hourly: 2 * 24 * time.Hour, Daily: 6 * 24 * time.Hour, Incidents: 10 * 24 * time.Hour}
	d.store.Use(cfg)
	d.known = []Record{record("old", "a", at(30), at(40))}
	r := incident.Result{Check: "a", Started: d.now, Observed: config.ConditionSet(config.ConditionService), Addresses: []incident.Address{{TLS: &incident.TLSInfo{SHA256: "old"}}}}
	d.store.Result(r)
	d.hours(24, "a", "gone")
	without := configuration("a")
	without.History = cfg.History
	d.store.Use(without)
	d.hours(24*8, "a")
	for table, most := range map[string]int{"chunk": 7, "hourly": 4, "daily": 8} {
		if n := d.rows(table); n == 0 || n > most {
			t.Errorf("%d rows of %s after nine days", n, table)
		}
	}
	if d.rows("incident") != 1 || d.rows("bout") != 1 || d.rows("cert") != 1 || d.rows("chk") != 2 {
		t.Errorf("after nine days there are %d incidents, %d bouts, %d certificates, %d checks", d.rows("incident"), d.rows("bout"), d.rows("cert"), d.rows("chk"))
	}
	d.known = nil
	d.hours(24*4, "a")
	if d.rows("incident") != 0 || d.rows("bout") != 0 || d.rows("cert") != 0 || d.rows("chk") != 1 {
		t.Errorf("after 13 days there are %d incidents, %d bouts, %d certificates, %d checks", d.rows("incident"), d.rows("bout"), d.rows("cert"), d.rows("chk"))
	}
	since, err := d.store.CompleteSince(t.Context())
	if err != nil || d.now.Sub(since) < 10*24*time.Hour || d.now.Sub(since) > 11*24*time.Hour+time.Hour {
		t.Errorf("complete since %s at %s, %v", since, d.now, err)
	}
	if got := d.lifeOf("a"); strings.Contains(got, "absent") {
		t.Errorf("%s", got)
	}
}

// Addresses that are seen no more leave no series behind, however often DNS changes them.
func TestAddressesThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	cfg := configuration("a")
	cfg.History.Detail = 5 * time.Hour
	d.store.Use(cfg)
	for hour := range 24 * 6 {
		d.observe("a", incident.OK, time.Second, "2001:db8::"+time.Duration(hour).String()[:1]+"00", "192.0.2.1")
		d.observe("a", incident.OK, time.Second, netipOf(hour))
		d.now = d.now.Add(time.Hour)
		d.mustRound()
	}
	if n := d.rows("series"); n > 24*2+24 {
		t.Errorf("%d series are kept", n)
	}
	if n := len(d.writer.series); n != d.rows("series") {
		t.Errorf("the writer knows %d series, and the file %d", n, d.rows("series"))
	}
}

func netipOf(n int) string {
	return "10.0." + string(rune('0'+n/100%10)) + "." + string(rune('1'+n/10%9)) + string(rune('0'+n%10))
}

// A file that becomes larger than max_size loses what is oldest of each probe first, and no
// incident.
func TestTheFileStaysBelowItsLargestSize(t *testing.T) {
	t.Parallel()
	var ids []config.CheckID
	cfg := configuration()
	for i := range 40 {
		ids = append(ids, config.CheckID("check"+string(rune('A'+i))))
		cfg.Checks[ids[i]] = &config.Check{ID: ids[i], Enabled: true, Probe: config.Probe{Interval: 30 * time.Minute, Timeout: time.Minute}}
	}
	fill := func(most int64) (d *drive, bytes int64) {
		d = newDrive(t, newYear)
		limited := *cfg
		limited.History.MaxSize = most
		d.store.Use(&limited)
		d.known = []Record{record("x", ids[0], at(1), at(10))}
		d.hours(24*4, ids...)
		used, _, err := d.writer.pages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d, used * d.writer.pageSize
	}
	_, whole := fill(0)
	most := whole * 3 / 4
	d, bytes := fill(most)
	if bytes > most {
		t.Errorf("%d bytes are used of %d; without a limit %d", bytes, most, whole)
	}
	if d.rows("incident") != 1 || d.rows("hourly") != 40*4 || d.rows("chunk") == 0 {
		t.Errorf("%d incidents, %d days of hours and %d chunks are left", d.rows("incident"), d.rows("hourly"), d.rows("chunk"))
	}
}

// A clock that is set back counts nothing twice, and makes nothing unknown that was seen.
func TestAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	minutes := func(n int) {
		for range n {
			d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
			d.now = d.now.Add(time.Minute)
			d.mustRound()
		}
	}
	minutes(90)
	d.now = d.now.Add(-time.Hour).Add(time.Second)
	minutes(90)
	if got := d.lifeOf("a"); strings.Contains(got, whyNoProbe) {
		t.Errorf("%s", got)
	}
	if n := d.probes("a"); n != 180 {
		t.Errorf("%d probes", n)
	}
	d.now = d.now.Add(time.Hour) // and forward: the hour that was jumped over was not seen
	minutes(5)
	if got := d.lifeOf("a"); strings.Count(got, whyNoProbe) != 1 {
		t.Errorf("%s", got)
	}
}

// The timeline of certificates: one that is renewed, two in turn behind one address, and one that
// comes back after long.
func TestTheTimelineOfCertificates(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	show := func(days int, shas ...string) {
		for i := range days * 24 {
			r := incident.Result{Check: "a", Started: d.now, Observed: config.ConditionSet(config.ConditionService)}
			r.Addresses = []incident.Address{{Node: "n1", IP: netip.MustParseAddr("192.0.2.1"), TLS: &incident.TLSInfo{
				SHA256: shas[i%len(shas)], Subject: "CN=" + shas[i%len(shas)], NotAfter: newYear.Add(90 * 24 * time.Hour),
			}}}
			d.store.Result(r)
			d.now = d.now.Add(time.Hour)
			d.mustRound()
		}
	}
	expect := func(want string) {
		t.Helper()
		list, err := d.store.Certificates(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, c := range list {
			parts = append(parts, c.SHA256+" "+c.First.Format("2-")+c.Last.Format("2"))
		}
		if got := strings.Join(parts, ", "); got != want {
			t.Errorf("the timeline is %s, want %s", got, want)
		}
	}
	show(3, "old")
	show(3, "old", "new") // both behind one address
	show(3, "new")
	expect("old 1-6, new 4-9")
	d.crash()
	d.start()
	d.store.Use(configuration("a"))
	show(7, "new") // also by another process
	expect("old 1-6, new 4-16")
	show(2, "old") // after ten days: rolled back
	expect("old 1-6, new 4-16, old 17-18")
}
