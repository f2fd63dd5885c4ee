package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// shownAt is when the statuses of these tests were made.
var shownAt = time.Date(2026, 11, 30, 8, 0, 12, 0, time.UTC)

func at(ago time.Duration) *time.Time { t := shownAt.Add(-ago); return &t }

// fleet makes n checks on servers with three checks each, in groups of Europe and Asia.
func fleet(n int) api.Status {
	s := api.Status{GeneratedAt: shownAt}
	s.Journal.Durable = true
	groups := [][]string{{"europe", "germany"}, {"europe", "france"}, {"asia"}, {"europe", "germany", "berlin"}}
	for i := range n {
		server := fmt.Sprintf("mx%03d", i/3+1)
		latency := 12 + float64(i*7%90)
		kind := []string{"imaps", "starttls", "login"}[i%3]
		s.Checks = append(s.Checks, api.Check{
			ID: config.CheckID(server + "/" + kind), Label: server + "/" + kind, Server: server, Groups: groups[i/3%len(groups)],
			State: incident.CheckOK, Host: server + ".example.org", Port: []int{993, 143, 993}[i%3], LatencyMS: &latency,
			CertificateNotAfter: at(-time.Duration(20+i%60) * 24 * time.Hour), Since: at(time.Duration(i+1) * time.Hour),
			LastProbeAt: at(20 * time.Second), NextProbeAt: at(-40 * time.Second),
		})
	}
	return s
}

// fails gives a check a state with what belongs to it.
func fails(c *api.Check, state incident.CheckState, phase, cause, hint string, ago time.Duration) {
	c.State, c.Phase, c.Cause, c.Hint, c.Since, c.LatencyMS = state, phase, cause, hint, at(ago), nil
	switch state {
	case incident.CheckFailing:
		c.ReportedFrom = at(ago - 3*time.Minute)
	case incident.CheckRecovering:
		c.ClosesAt = at(ago - 4*time.Minute)
		fallthrough
	default:
		c.Incidents = []incident.ID{incident.ID(fmt.Sprintf("i%09d", len(c.ID)*int(c.ID[4])*int(c.ID[len(c.ID)-1])))}
	}
}

func refuse(c *api.Check) {
	fails(c, incident.CheckDown, "connect", "refused", fmt.Sprintf("The host is up and nothing listens on port %d, or a firewall rejects it.", c.Port), 12*time.Minute)
}

// statuses are what the golden files show.
func statuses() map[string]api.Status {
	all := map[string]api.Status{}

	few := fleet(5)
	few.Checks[4].Groups = nil
	few.Checks[3].State = incident.CheckPaused
	all["well"] = few
	all["well300"] = fleet(300)

	five := fleet(300)
	for i := range 3 {
		refuse(&five.Checks[i])
	}
	fails(&five.Checks[10], incident.CheckDown, "tls", "cert_expired", "The certificate expired on 2026-11-29, 1 day ago.", 8*time.Hour)
	fails(&five.Checks[22], incident.CheckDown, "connect", "timeout", "Nothing answered within 10s: the host is down, or a firewall drops the packets.", 40*time.Second)
	all["down5"] = five

	down := fleet(300)
	for i := range down.Checks {
		refuse(&down.Checks[i])
	}
	all["down300"] = down

	mixed := fleet(300)
	for i := range mixed.Checks {
		c := &mixed.Checks[i]
		switch i % 4 {
		case 0:
			refuse(c)
		case 1:
			fails(c, incident.CheckDegraded, "tls", "cert_expires_soon", "The certificate ends on 2026-12-03.", time.Duration(i)*time.Hour)
		case 2:
			fails(c, incident.CheckUnknown, "", "", "", time.Duration(i)*time.Minute)
			c.Incidents = nil
		}
	}
	all["mixed300"] = mixed

	labels := fleet(9)
	for i, label := range []string{
		"Κεντρικός διακομιστής ηλεκτρονικού ταχυδρομείου του πανεπιστημίου", "خادم البريد الإلكتروني الرئيسي للجامعة في القاهرة",
		"法兰克福数据中心的邮件服务器（主机房）与备用线路的监控检查", "e\u0301tudes supe\u0301rieures \u2014 messagerie", "👩‍💻 office 🇩🇪",
	} {
		labels.Checks[i].Label = label
	}
	labels.Checks[6].Groups = []string{"ευρώπη", "ελλάδα"}
	labels.Checks[7].ID = config.CheckID("mx003/" + strings.Repeat("very-long-name-", 6))
	labels.Checks[8].ID = config.CheckID("邮件/" + strings.Repeat("服务器", 20))
	refuse(&labels.Checks[0])
	refuse(&labels.Checks[2])
	refuse(&labels.Checks[8])
	labels.Checks[2].Hint = "服务器拒绝了连接：" + strings.Repeat("没有程序在监听这个端口", 8)
	labels.Groups = []api.Group{{ID: "europe/germany", Label: "Deutschland"}, {ID: "ευρώπη/ελλάδα", Label: "Ελλάδα"}, {ID: "asia", Label: strings.Repeat("亚洲", 30)}}
	all["labels"] = labels

	care := fleet(15)
	for i := range 6 {
		refuse(&care.Checks[i])
	}
	for i := range 3 {
		care.Checks[i].Acknowledged = []api.Acknowledgement{{Incident: care.Checks[i].Incidents[0], At: *at(time.Minute), Until: at(-4 * time.Hour), By: "anna", Reason: "new disk, ticket 4711"}}
	}
	fails(&care.Checks[6], incident.CheckFailing, "greeting", "timeout", "No greeting within 10s.", time.Minute)
	fails(&care.Checks[7], incident.CheckRecovering, "", "", "", time.Minute)
	care.Checks[9].State, care.Checks[9].Maintenance = incident.CheckMaintenance, &api.Maintenance{Name: "racks", Until: at(-2 * time.Hour)}
	care.Checks[5].Silences, care.Checks[5].SilencedUntil = []string{"3f2a1b"}, at(-time.Hour)
	care.Silences = []api.ListedSilence{
		{Silence: outbox.Silence{ID: "3f2a1b", Scope: outbox.Scope{Check: "mx002/login"}, Reason: "password is being changed", From: *at(time.Hour), Until: *at(-time.Hour)}, Checks: 1},
		{Silence: outbox.Silence{ID: "c0ffee", Scope: outbox.Scope{Role: "boss"}, By: "bert", Reason: "holidays", From: *at(time.Hour), Until: *at(-72 * time.Hour)}},
		{Silence: outbox.Silence{ID: "0dd0dd", Scope: outbox.Scope{Group: "europe/spain"}, Reason: "move", From: *at(time.Hour), Until: *at(-72 * time.Hour)}},
	}
	care.Notifications = api.Notifications{Queued: 3, Retrying: 2, Dead: 1, Failing: []config.NotifierID{"email.mailroom", "slack.ops"}}
	care.Config = api.Config{State: api.Rejected, LoadedAt: *at(26 * time.Hour), Error: "/etc/imapvigil/mx.hcl:12:3: An imap_check has no attribute \"intervall\"."}
	care.Notes = []string{"This machine has no route for IPv6, so addresses of that family are left out."}
	all["care"] = care
	all["nodes"] = fromNodes()
	return all
}

// shownOn returns a status as people see it on a screen.
func shownOn(s api.Status, sc screen, f statusFilter) string {
	var out bytes.Buffer
	(&program{out: &out, screen: &sc, utc: true}).printStatus(s, f)
	return out.String()
}

var ansiCodes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkWidth fails the test when a line is wider than the screen.
func checkWidth(t rapid.TB, text string, width int) {
	t.Helper()
	for line := range strings.Lines(ansiCodes.ReplaceAllString(text, "")) {
		if line = strings.TrimSuffix(line, "\n"); config.Columns(line) > width {
			t.Errorf("%d columns on a screen of %d: %s", config.Columns(line), width, line)
		}
	}
}

// The status on narrow, usual and wide screens, with colours and without.
func TestStatusOnScreens(t *testing.T) {
	for name, s := range statuses() {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			for _, width := range []int{60, 80, 200} {
				for _, colour := range []bool{false, true} {
					shown := shownOn(s, screen{width: width, colour: colour}, statusFilter{})
					checkWidth(t, shown, width)
					fmt.Fprintf(&text, "----- %d columns, colours: %t\n%s", width, colour, strings.ReplaceAll(shown, "\x1b", "␛"))
				}
			}
			golden.Compare(t, filepath.Join("testdata", "status", name+".txt"), text.String())
		})
	}
}

// Whatever the checks are called, and however narrow the screen is, no line is wider.
func TestStatusFitsEveryScreen(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-z0-9äλ字\x{0627}-\x{064a}\x{0301} -]{1,90}`)
	rapid.Check(t, func(t *rapid.T) {
		s := fleet(rapid.IntRange(0, 60).Draw(t, "checks"))
		for i := range s.Checks {
			c := &s.Checks[i]
			if rapid.Bool().Draw(t, "fails") {
				state := rapid.SampledFrom(incident.CheckStates()).Draw(t, "state")
				fails(c, state, "tls", rapid.SampledFrom([]string{"timeout", "cert_expired", ""}).Draw(t, "cause"), word.Draw(t, "hint"), time.Duration(i)*time.Hour)
			}
			if rapid.IntRange(0, 9).Draw(t, "renamed") == 0 {
				c.Label, c.ID, c.Host = word.Draw(t, "label"), config.CheckID("mx9/"+word.Draw(t, "id")), word.Draw(t, "host")
			}
			if rapid.IntRange(0, 9).Draw(t, "acknowledged") == 0 && len(c.Incidents) > 0 {
				c.Acknowledged = []api.Acknowledgement{{Incident: c.Incidents[0], Reason: word.Draw(t, "reason")}}
			}
		}
		sc := screen{width: rapid.IntRange(30, 220).Draw(t, "width"), colour: rapid.Bool().Draw(t, "colour")}
		checkWidth(t, shownOn(s, sc, statusFilter{all: rapid.Bool().Draw(t, "all")}), sc.width)
	})
}

// inDetail gives a check what is known of it beyond a list.
func inDetail(c *api.Check) {
	c.File, c.Line, c.Security = "/etc/imapvigil/mx.hcl", 12, config.TLSFromStart
	address := api.AddressReport{
		Node: "vigil1", Address: "192.0.2.1", Port: c.Port, State: incident.OK, Capabilities: strings.Fields("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN"),
		TLS: &api.TLSReport{Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", Subject: "CN=" + c.Host, Issuer: "CN=Example CA", NotAfter: shownAt.AddDate(500, 0, 0)},
	}
	for i, phase := range []config.Phase{config.PhaseDNS, config.PhaseConnect, config.PhaseTLS, config.PhaseGreeting, config.PhaseCapability, config.PhaseLogout} {
		address.Timings[phase] = time.Duration(i+1) * 1500 * time.Microsecond
		address.Timings[config.WholeConversation] += address.Timings[phase]
	}
	second := address
	second.Address, second.State, second.Phase, second.Cause = "2001:db8::1", incident.Down, config.PhaseConnect, config.CauseRefused
	second.Timings, second.TLS, second.Capabilities = api.TimingsReport{config.PhaseDNS: time.Millisecond}, nil, nil
	c.CheckDetail = &api.CheckDetail{
		Description: "The university's own mail server.", Runbook: "https://wiki.example.org/mx", Roles: []config.RoleID{"it_team", "boss"},
		Evidence: opaque.Sanitise("* BYE \x1b[2Joverloaded, try later"), Last: []api.AddressReport{address, second},
	}
	for i := range 5 {
		c.History = append(c.History, api.Incident{
			ID: incident.ID(fmt.Sprintf("old%07d", i)), Check: c.ID, Condition: config.ConditionService, Severity: config.SeverityDown, State: incident.StatusClosed,
			Phase: config.PhaseConnect, Cause: config.CauseTimeout, ClosedAs: "recovered", StartedAt: *at(time.Duration(90-i) * time.Hour), ReportedAt: at(80 * time.Hour), EndedAt: at(time.Duration(88-i) * time.Hour),
		})
	}
	for _, id := range c.Incidents {
		c.History = append(c.History, api.Incident{
			ID: id, Check: c.ID, Condition: config.ConditionService, Severity: config.SeverityDown, State: incident.StatusOpen,
			Phase: config.PhaseConnect, Cause: config.CauseRefused, StartedAt: *c.Since, ReportedAt: c.Since,
			Deliveries: []api.Delivery{{Roles: []config.RoleID{"it_team"}, Notifier: "email.mailroom", Kind: "email", Target: "anna@example.org", Transition: "opened", State: outbox.Sent, Attempts: 1, At: *at(9 * time.Minute)}},
			Held:       []api.Held{{Notifier: "sms.twilio", Kind: "sms", Target: "+491701234567", Roles: []config.RoleID{"boss"}, Reason: outbox.HeldUntilAfter, Detail: "its escalation is not due", Until: at(-18 * time.Minute)}},
		})
	}
	c.Forecast = &api.Forecast{
		Check: c.ID, Condition: config.ConditionService, Severity: config.SeverityDown, FailsAt: shownAt, ReportedAt: shownAt.Add(3 * time.Minute), Remind: "4h",
		Notified: []api.ForecastMessage{{Roles: []config.RoleID{"it_team"}, Notifier: "email.mailroom", Kind: "email", Target: "anna@example.org", At: shownAt.Add(190 * time.Second)}},
		Held:     []api.Held{{Notifier: "sms.twilio", Kind: "sms", Target: "+491701234567", Roles: []config.RoleID{"boss"}, Detail: "outside schedule night"}},
	}
}

// What is known of one check, or of each of a server.
func TestStatusInDetail(t *testing.T) {
	care := statuses()["care"]
	care.Config, care.Notes, care.Notifications = api.Config{}, nil, api.Notifications{}
	well := fleet(1).Checks[0]
	well.CertificateNotAfter = nil
	paused := api.Check{ID: "partner", Label: "partner", State: incident.CheckPaused, Host: "2001:db8::25", Port: 143, Security: config.StartTLS, CheckDetail: &api.CheckDetail{}}
	care.Checks = append([]api.Check{well, care.Checks[0], care.Checks[5], care.Checks[7], care.Checks[9]}, paused)
	for i := range care.Checks[:5] {
		inDetail(&care.Checks[i])
	}
	care.Checks[0].Evidence, care.Checks[0].History = opaque.Words{}, nil
	var text strings.Builder
	for _, width := range []int{60, 80, 200} {
		for _, colour := range []bool{false, true} {
			shown := shownOn(care, screen{width: width, colour: colour}, statusFilter{})
			// How long the certificate is good depends on today.
			shown = regexp.MustCompile(`(expires\s+in\s+)\d+(\s+days)`).ReplaceAllString(shown, "${1}N$2")
			checkWidth(t, shown, width)
			fmt.Fprintf(&text, "----- %d columns, colours: %t\n%s", width, colour, strings.ReplaceAll(shown, "\x1b", "␛"))
		}
	}
	golden.Compare(t, filepath.Join("testdata", "status", "detail.txt"), text.String())
}

// fromNodes is a status of three nodes: a server is down from two of them, a check is degraded from one,
// one has just begun to fail, and one is known to nobody.
func fromNodes() api.Status {
	s := fleet(9)
	s.Node = &api.Node{Name: "fra1", Location: "frankfurt", Role: api.Following, Decider: "nyc1"}
	locations := func(states ...string) (list []api.Location) {
		for i, name := range []string{"fra1 frankfurt", "lon1 london", "nyc1 new-york"} {
			node, place, _ := strings.Cut(name, " ")
			took := 80.4 + float64(i)
			l := api.Location{Node: node, Location: place, State: incident.OK, Standing: states[i], At: at(time.Duration(i+1) * 7 * time.Second), TookMS: &took}
			switch states[i] {
			case "failing", "at fault":
				l.State, l.Phase, l.Cause, l.TookMS, l.Since = incident.Down, "connect", "timeout", nil, at(time.Duration(12-i)*time.Minute)
			case "silent":
				l.At, l.TookMS = at(9*time.Minute), nil
			case "unknown":
				l.Cause, l.TookMS = "local_fault", nil
			}
			if l.Remark() != "" && l.Standing != "asking" {
				l.State = incident.Unknown
			}
			list = append(list, l)
		}
		return list
	}
	for i := range s.Checks {
		s.Checks[i].Locations = locations("well", "well", "well")
	}
	for i := range 3 {
		c := &s.Checks[i]
		fails(c, incident.CheckDown, "connect", "timeout", "Nothing answers within 10s.", 12*time.Minute)
		c.From, c.Locations = "2 of 3 nodes: frankfurt, london; well from new-york", locations("failing", "failing", "well")
	}
	s.Checks[2].From, s.Checks[2].Locations = "new-york; only nyc1 reports; fra1 and lon1 are silent", locations("silent", "silent", "failing")
	fails(&s.Checks[3], incident.CheckDegraded, "connect", "timeout", "Times out from fra1; is well from lon1, nyc1.", time.Hour)
	s.Checks[3].From, s.Checks[3].Locations = "1 of 3 nodes: frankfurt; well from london, new-york", locations("failing", "well", "well")
	fails(&s.Checks[4], incident.CheckFailing, "greeting", "bye", "The server ends the session at once.", time.Minute)
	s.Checks[4].From, s.Checks[4].Locations = "2 of 3 nodes: frankfurt, london; new-york itself is at fault", locations("failing", "failing", "at fault")
	fails(&s.Checks[6], incident.CheckUnknown, "", "local_fault", "No node reports on this check: fra1 is silent, lon1 cannot judge, nyc1 runs other files.", time.Minute)
	s.Checks[6].Incidents, s.Checks[6].Locations = nil, locations("silent", "unknown", "settings")
	s.Checks[7].Locations = locations("failing", "asking", "well")
	fails(&s.Checks[8], incident.CheckRecovering, "connect", "timeout", "Nothing answers within 10s.", time.Minute)
	s.Checks[8].From = "2 of 3 nodes: frankfurt, london; well from new-york"
	return s
}

// What each of several nodes sees of a check has a line of its own.
func TestStatusOfNodesInDetail(t *testing.T) {
	s := fromNodes()
	s.Checks = slices.Concat(s.Checks[2:5], s.Checks[6:8])
	for i := range s.Checks {
		s.Checks[i].CheckDetail, s.Checks[i].Security = &api.CheckDetail{}, config.TLSFromStart
	}
	for _, node := range []string{"fra1", "nyc1"} {
		s.Checks[0].Last = append(s.Checks[0].Last, api.AddressReport{
			Node: node, Address: "192.0.2.1", Port: 993, State: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseTimeout,
		})
	}
	s.Checks[1].Locations[1].Location = "lon1" // a node without a location is its own
	var text strings.Builder
	for _, width := range []int{40, 60, 80} {
		shown := shownOn(s, screen{width: width}, statusFilter{})
		checkWidth(t, shown, width)
		fmt.Fprintf(&text, "----- %d columns\n%s", width, shown)
	}
	golden.Compare(t, filepath.Join("testdata", "status", "nodes-detail.txt"), text.String())
}

// On a node that follows, and reaches no node that decides, nobody knows what each node sees.
func TestStatusOfANodeThatReachesNobody(t *testing.T) {
	s := fromNodes()
	s.Node.Decider = ""
	s.Checks = s.Checks[5:6]
	s.Checks[0].CheckDetail, s.Checks[0].Locations = &api.CheckDetail{}, nil
	if shown := shownOn(s, screen{width: 80}, statusFilter{}); !strings.Contains(shown, `
Locations
  Not known: only the node that decides knows what each node sees, and none is
  reached.
`) {
		t.Errorf("it shows\n%s", shown)
	}
}

// It has probed them, but does not know how they are.
func TestStatusOfChecksThatANodeDoesNotKnow(t *testing.T) {
	s := fromNodes()
	s.Node.Decider, s.Silences = "", nil
	s.Checks = []api.Check{{ID: "mx1/imaps", State: incident.CheckUnknown}}
	shown := shownOn(s, screen{width: 80}, statusFilter{})
	if !strings.Contains(shown, "not known here: only the node that decides knows how it is") || strings.Contains(shown, "not probed yet") {
		t.Errorf("it shows\n%s", shown)
	}
}
