package takeover

import (
	"regexp"
	"strings"
	"time"
)

// readKuma takes over the JSON that Uptime Kuma 1 exports under Settings, Backup.
func (c *collector) readKuma(file node) {
	monitors := kumaMonitors(file.get("monitorList"))
	byID := map[string]node{}
	for _, m := range monitors {
		byID[m.get("id").text()] = m
	}
	for _, m := range monitors {
		c.readKumaMonitor(m, byID)
	}
	for _, n := range file.get("notificationList").list() {
		c.readKumaNotification(n)
	}
}

// kumaMonitors returns the monitors, which are a list in a backup, and an object by id
// where the API was asked.
func kumaMonitors(list node) (all []node) {
	for _, key := range list.keys() {
		all = append(all, list.get(key))
	}
	return append(all, list.list()...)
}

func (c *collector) readKumaMonitor(m node, byID map[string]node) {
	name, kind := m.get("name").text(), m.get("type").text()
	host, port := m.get("hostname").text(), m.get("port").integer()
	switch {
	case kind == "group": // its members name it
		return
	case kind != "port":
		c.noteSkipped("Monitors that are no IMAP services ("+identifier(kind)+")", name)
		return
	case !isIMAPPort(port) && !speaksIMAP(name, host):
		c.noteSkipped("Monitors that are no IMAP services", name)
		return
	}
	s := service{host: host, port: port, name: name, groups: kumaGroups(m, byID)}
	s.secure("")
	if !m.get("active").flag(true) || m.get("forceInactive").flag(false) {
		s.set("enabled", "false")
	}
	interval := seconds(m.get("interval"))
	s.setInterval(interval)
	s.timeLimit(seconds(m.get("timeout")), interval)
	// Kuma notifies after the first failure and so many more, at its own pace.
	if retries := m.get("maxretries").integer(); retries > 0 {
		s.tolerate("fault_tolerance", retries+1, seconds(m.get("retryInterval")))
	}
	if times := m.get("resendInterval").integer(); times > 0 && times < 100_000 {
		s.within("remind", time.Duration(times)*max(interval, time.Second), 10*time.Minute, 3650*day)
	}
	if text := toLabel(m.get("description").text()); text != "" {
		s.set("description", quote(text))
	}
	if m.get("upsideDown").flag(false) {
		s.note("Upside Down Mode: it was well when nothing listened.")
	}
	for _, tag := range m.get("tags").list() {
		s.note("tag %s", shorten(strings.TrimSuffix(tag.get("name").text()+": "+tag.get("value").text(), ": ")))
	}
	c.add(s)
}

// seconds returns a number of seconds.
func seconds(n node) time.Duration {
	const most = 10 * 365 * day
	return min(time.Duration(max(n.integer(), 0))*time.Second, most)
}

// kumaGroups returns the names of the groups that a monitor is in, outermost first.
func kumaGroups(m node, byID map[string]node) (path []string) {
	for range deepest {
		parent, ok := byID[m.get("parent").text()]
		if !ok || m.get("parent").text() == "" {
			break
		}
		path = append([]string{parent.get("name").text()}, path...)
		m = parent
	}
	return path
}

// readKumaNotification writes a notification by mail as a comment; its settings are JSON
// in a string. Kuma keeps passwords there, which are not written.
func (c *collector) readKumaNotification(n node) {
	name := n.get("name").text()
	documents, err := parseYAML(File{Name: name, Text: []byte(n.get("config").text())})
	if err != nil || len(documents) == 0 || documents[0].get("type").text() != "smtp" {
		c.noteLost("The notification %q. Write a notifier block and a notification_role.", shorten(name))
		return
	}
	s := documents[0]
	c.noteLost("The notification %q. The lines at the end of the output are a beginning: take away the \"# \", and write the password to the credential.", shorten(name))
	c.adviseEmail(relay{
		host: s.get("smtpHost").text(), port: s.get("smtpPort").integer(), from: s.get("smtpFrom").text(),
		username: s.get("smtpUsername").text(), hasPassword: s.get("smtpPassword").is(),
		to: emailAddress.FindAllString(s.get("smtpTo").text(), -1),
	}, name)
}

var emailAddress = regexp.MustCompile(`[^\s,;<>"]+@[^\s,;<>"]+`)
