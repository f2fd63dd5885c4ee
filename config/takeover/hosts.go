package takeover

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
)

// readHosts takes over lists of hosts: a host a line, or CSV whose header names the
// columns.
func (c *collector) readHosts(files []File) error {
	for _, f := range files {
		text := string(f.Text)
		read := c.readLines
		if separator := csvSeparator(text); separator != 0 {
			read = func(f File) error { return c.readCSV(f, separator) }
		}
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("%s is not UTF-8 text", f.Name)
		}
		if err := read(f); err != nil {
			return err
		}
	}
	return nil
}

// readLines reads "host", "host:port", "host port" or a URL a line. What follows # is a
// comment, which becomes the description. [name] begins a group, as in an inventory of
// Ansible.
func (c *collector) readLines(f File) error {
	group, number := "", 0
	for line := range strings.Lines(string(f.Text)) {
		number++
		line, comment, _ := strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if name, ok := groupHeader(line); ok {
			group = name
			continue
		}
		if line == "" || strings.HasPrefix(line, ";") || strings.HasPrefix(line, "//") {
			continue
		}
		s, err := hostLine(line)
		if err != nil {
			c.noteSkipped("Lines of "+f.Name+" that are no host", fmt.Sprintf("%d (%q: %s)", number, shorten(line), err))
			continue
		}
		if group != "" {
			s.groups = []string{group}
		}
		if text := toLabel(comment); text != "" {
			s.set("description", quote(text))
		}
		c.add(s)
	}
	return nil
}

// groupHeader returns the name in [name]; an IPv6 address in brackets is none.
func groupHeader(line string) (string, bool) {
	name, ok := strings.CutSuffix(strings.TrimPrefix(line, "["), "]")
	if !ok || !strings.HasPrefix(line, "[") || strings.Contains(name, "::") || strings.Count(name, ":") > 1 {
		return "", false
	}
	name, _, _ = strings.Cut(name, ":") // [mail:children]
	return name, true
}

var errNoHost = errors.New("not a host, perhaps with its port")

func hostLine(line string) (s service, err error) {
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' })
	if len(fields) == 0 {
		return s, fmt.Errorf("there is no host")
	}
	address, how := fields[0], config.Security("")
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		switch u.Scheme {
		case "imaps", "tls":
			how = config.TLSFromStart
		case "imap", "starttls":
			how = config.StartTLS
		default:
			return s, fmt.Errorf("not IMAP, but %s", shorten(u.Scheme))
		}
		address = u.Host
	}
	s.host, s.port = splitPort(address)
	if len(fields) > 1 && !strings.ContainsAny(s.host, ".:") {
		return s, errNoHost
	}
	if _, err := hclfile.Hostname(s.host); err != nil {
		return s, errNoHost
	}
	if s.port == 0 && how == config.StartTLS {
		s.port = portIMAP
	}
	for _, field := range fields[1:] {
		port, err := strconv.Atoi(field)
		if err != nil {
			s.note("%s", shorten(field))
			continue
		}
		s.port = port
	}
	if s.port == 0 {
		s.port = portIMAPS
	}
	s.secureListed(how)
	return s, nil
}

// secureListed is secure for a list, which says nothing of what was tried before.
func (s *service) secureListed(how config.Security) {
	if how != "" || config.DefaultSecurity(uint16(s.port)) == "" {
		s.secure(how)
	}
}

// The words that a header has for what we need.
var columns = map[string][]string{
	"host":     {"host", "hostname", "fqdn", "server", "address", "ip", "ipaddress", "dns", "imaphost", "imapserver", "mailserver"},
	"port":     {"port", "imapport", "tcpport"},
	"security": {"security", "tls", "ssl", "encryption", "starttls", "protocol"},
	"group":    {"group", "groups", "site", "location", "region", "customer", "kunde", "country", "datacenter", "standort", "gruppe"},
	"label":    {"label", "name", "title", "servername", "bezeichnung"},
	"describe": {"description", "comment", "note", "notes", "remark", "kommentar", "beschreibung", "bemerkung"},
	"interval": {"interval"},
}

// csvSeparator returns what separates the columns of a text whose first line is a header;
// 0: it has none.
func csvSeparator(text string) rune {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, separator := range []rune{',', ';', '\t'} {
			if strings.ContainsRune(line, separator) && slices.ContainsFunc(strings.Split(line, string(separator)), func(field string) bool {
				return slices.Contains(columns["host"], columnWord(field))
			}) {
				return separator
			}
		}
		return 0
	}
	return 0
}

// columnWord returns the word of a header without case, quotes, spaces, _ and -.
func columnWord(field string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "", `"`, "").Replace(strings.ToLower(strings.TrimSpace(field)))
}

func (c *collector) readCSV(f File, separator rune) error {
	r := csv.NewReader(strings.NewReader(string(f.Text)))
	r.Comma, r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace, r.LazyQuotes = separator, '#', -1, true, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return fmt.Errorf("%s cannot be read as CSV: %w", f.Name, err)
	}
	place := map[string]int{}
	var unknown []string
	for i, field := range rows[0] {
		known := false
		for what, words := range columns {
			if _, taken := place[what]; !taken && slices.Contains(words, columnWord(field)) {
				place[what], known = i, true
			}
		}
		if !known {
			unknown = append(unknown, shorten(field))
		}
	}
	if len(unknown) > 0 {
		c.noteLost("%s, the columns: %s.", f.Name, strings.Join(unknown, ", "))
	}
	for _, row := range rows[1:] {
		c.readRow(row, place)
	}
	return nil
}

func (c *collector) readRow(row []string, place map[string]int) {
	value := func(what string) string {
		if i, ok := place[what]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	var s service
	s.host, s.port = splitPort(value("host"))
	if s.host == "" {
		return
	}
	s.server, s.label = value("label"), value("label")
	if value("group") != "" {
		s.groups = strings.Split(value("group"), "/")
	}
	how, known := map[string]config.Security{
		"tls": config.TLSFromStart, "ssl": config.TLSFromStart, "imaps": config.TLSFromStart, "starttls": config.StartTLS, "none": config.Plain,
		"plain": config.Plain, "imap": "", "": "",
	}[strings.ToLower(value("security"))]
	if !known {
		s.note("security %s", shorten(value("security")))
	}
	if text := value("port"); text != "" {
		port, err := strconv.Atoi(text)
		if err != nil {
			c.noteLost("%s: %q is no port.", shorten(s.host), shorten(text))
			return
		}
		s.port = port
	}
	if s.port == 0 {
		s.port = portIMAPS
		if how == config.StartTLS || strings.EqualFold(value("security"), "imap") {
			s.port = portIMAP
		}
	}
	s.secureListed(how)
	if text := value("interval"); text != "" {
		d, err := config.ParseDuration(text)
		if err != nil {
			s.note("interval %s", shorten(text))
		}
		s.setInterval(d)
	}
	if text := toLabel(value("describe")); text != "" {
		s.set("description", quote(text))
	}
	c.add(s)
}
