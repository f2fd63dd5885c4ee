package takeover

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// readGatus takes over a file of gatus (github.com/TwiN/gatus, README, Endpoints).
func (c *collector) readGatus(file node) {
	alerting := file.get("alerting")
	for _, e := range file.get("endpoints").list() {
		c.readGatusEndpoint(e, alerting)
	}
	for _, e := range file.get("external-endpoints").list() {
		c.noteSkipped("Endpoints that report by themselves", gatusName(e))
	}
	for _, s := range file.get("suites").list() {
		c.noteSkipped("Suites", s.get("name").text())
	}
	if m := file.get("maintenance"); m.is() && m.get("enabled").flag(true) {
		c.noteLost("The maintenance window from %s for %s. Write a maintenance block.", m.get("start").text(), m.get("duration").text())
	}
	for _, channel := range alerting.keys() {
		c.adviseOnGatus(channel, alerting.get(channel))
	}
}

func gatusName(e node) string {
	return strings.TrimPrefix(e.get("group").text()+"/"+e.get("name").text(), "/")
}

func (c *collector) readGatusEndpoint(e, alerting node) {
	name := gatusName(e)
	u, err := url.Parse(e.get("url").text())
	if err != nil || u.Host == "" {
		c.noteLost("%s: its url cannot be read: %q.", name, shorten(e.get("url").text()))
		return
	}
	port, _ := strconv.Atoi(u.Port())
	how, known := map[string]config.Security{"tls": config.TLSFromStart, "starttls": config.StartTLS, "tcp": ""}[u.Scheme]
	switch {
	case !known:
		c.noteSkipped("Endpoints that are no IMAP services ("+identifier(u.Scheme)+")", name)
		return
	case !isIMAPPort(port) && !speaksIMAP(e.get("name").text(), e.get("group").text(), u.Hostname()):
		c.noteSkipped("Endpoints that are no IMAP services", name)
		return
	}
	s := service{host: u.Hostname(), port: port, name: e.get("name").text()}
	if group := e.get("group").text(); group != "" {
		s.groups = []string{group}
	}
	s.secure(how)
	if !e.get("enabled").flag(true) {
		s.set("enabled", "false")
	}
	interval := e.get("interval").duration()
	s.setInterval(interval)
	if interval == 0 {
		interval = config.DefaultInterval // gatus has the same
	}
	s.readGatusConditions(e.get("conditions").texts())
	s.readGatusClient(e.get("client"), interval)
	s.readGatusAlerts(e.get("alerts").list(), alerting, interval)
	if windows := e.get("maintenance-windows").list(); len(windows) > 0 {
		s.note("maintenance-windows. Write a maintenance block.")
	}
	if e.get("body").is() {
		s.note("body: what is sent to the server, and what it answers.")
	}
	c.add(s)
}

var (
	gatusCertificate = regexp.MustCompile(`^\[CERTIFICATE_EXPIRATION\]\s*>=?\s*([0-9a-z.]+)$`)
	gatusTime        = regexp.MustCompile(`^\[RESPONSE_TIME\]\s*<=?\s*([0-9]+)$`)
	gatusConnected   = regexp.MustCompile(`^\[CONNECTED\]\s*==\s*true$`)
)

func (s *service) readGatusConditions(conditions []string) {
	for _, condition := range conditions {
		text := strings.TrimSpace(condition)
		switch m, t := gatusCertificate.FindStringSubmatch(text), gatusTime.FindStringSubmatch(text); {
		case m != nil:
			if d, err := config.ParseDuration(m[1]); err == nil {
				s.warnBefore(d)
			}
		case t != nil:
			if ms, err := strconv.Atoi(t[1]); err == nil && ms < int(day.Milliseconds()) {
				s.slower(time.Duration(ms) * time.Millisecond)
			}
		case gatusConnected.MatchString(text): // what every check is about
		default:
			s.note("condition %s", shorten(text))
		}
	}
}

func (s *service) readGatusClient(client node, interval time.Duration) {
	s.timeLimit(client.get("timeout").duration(), interval)
	if client.get("insecure").flag(false) {
		s.noteUnverified()
	}
	for _, key := range client.keys() {
		switch key {
		case "timeout", "insecure", "ignore-redirect":
		default:
			s.note("client.%s", shorten(key))
		}
	}
}

// noteUnverified says what to do where a certificate was not verified.
func (s *service) noteUnverified() {
	s.check("The certificate was not verified, and is now. If it is self-signed or private, add tls { pin_sha256 = ... }, which imapvigil test prints, or tls { ca_file = ... }.")
}

// readGatusAlerts takes over when somebody is notified: of several alerts the first.
func (s *service) readGatusAlerts(alerts []node, alerting node, interval time.Duration) {
	for i, alert := range alerts {
		channel := alert.get("type").text()
		standard := alerting.get(channel).get("default-alert")
		value := func(key string) node {
			if v := alert.get(key); v.is() {
				return v
			}
			return standard.get(key)
		}
		s.note("an alert by %s", shorten(channel))
		if i > 0 {
			continue
		}
		failures, successes := value("failure-threshold").integer(), value("success-threshold").integer()
		if failures > 0 {
			s.tolerate("fault_tolerance", failures, interval)
		}
		if successes > 0 {
			s.tolerate("recovery_tolerance", successes, interval)
		}
		if d := value("minimum-reminder-interval").duration(); d > 0 {
			s.within("remind", d, 10*time.Minute, 3650*day)
		}
		if text := toLabel(value("description").text()); text != "" {
			s.set("description", quote(text))
		}
	}
}

// adviseOnGatus writes a channel of gatus as a comment that needs little to be used.
func (c *collector) adviseOnGatus(channel string, settings node) {
	if channel != "email" || !settings.is() {
		c.noteLost("alerting.%s. Write a notifier block and a notification_role.", channel)
		return
	}
	c.noteLost("alerting.email. The lines at the end of the output are a beginning: take away the \"# \", and write the password to the credential.")
	to := strings.FieldsFunc(settings.get("to").text(), func(r rune) bool { return r == ',' || r == ' ' })
	c.adviseEmail(relay{
		host: settings.get("host").text(), port: settings.get("port").integer(), from: settings.get("from").text(),
		username: settings.get("username").text(), hasPassword: settings.get("password").is(), to: to,
	}, "gatus")
}
