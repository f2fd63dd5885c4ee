package takeover

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
)

// A plugin is a program of the Monitoring Plugins, or one that is called like them, that
// may look at IMAP.
type plugin struct {
	port   int  // by default
	tls    bool // from the first byte
	always bool // it looks at nothing but IMAP
	login  bool
	days   bool // -w and -c are days of the certificate, not seconds
}

// plugins are the programs by the names of their files, and of the commands that Debian's
// packages and Nagios' sample define for them.
var plugins = map[string]plugin{
	"check_imap":         {port: portIMAP, always: true},
	"check_imap4":        {port: portIMAP, always: true},
	"check_simap":        {port: portIMAPS, tls: true, always: true},
	"check_imaps":        {port: portIMAPS, tls: true, always: true},
	"check_imap_ssl":     {port: portIMAPS, tls: true, always: true},
	"check_imap_login":   {port: portIMAP, always: true, login: true},
	"check_imap_receive": {port: portIMAP, always: true, login: true},
	"check_imap_quota":   {port: portIMAP, always: true, login: true},
	"check_imap_mailbox": {port: portIMAPS, tls: true, always: true, login: true},
	"check_tcp":          {},
	"check_ssl":          {tls: true},
	"check_ssl_cert":     {tls: true, days: true},
	"check_tls":          {tls: true},
}

// pluginOf finds the plugin of a path or a name; Debian has variants that end in _4.
func pluginOf(name string) (plugin, bool) {
	name = strings.TrimSuffix(path.Base(name), ".pl")
	for _, ending := range []string{"", "_4", "_6"} {
		if p, ok := plugins[strings.TrimSuffix(name, ending)]; ok {
			return p, true
		}
	}
	return plugin{}, false
}

// Options with a value, by their letter, as check_tcp(8) has them; the words are the long
// forms of what is taken over.
const lettersWithValue = "HpwctesqdmMDCWnrPUuRfjkK"

var longOptions = map[string]string{
	"hostname": "H", "host": "H", "port": "p", "warning": "w", "critical": "c", "timeout": "t", "expect": "e", "send": "s", "quit": "q",
	"certificate": "D", "use-ipv4": "4", "use-ipv6": "6", "ssl": "S", "tls": "S", "sni": "sni", "protocol": "P", "warning-time": "w", "critical-time": "c",
	"delay": "d", "maxbytes": "m", "mismatch": "M", "refuse": "r",
}

// longWithoutValue are long options after which no value follows.
var longWithoutValue = []string{"use-ipv4", "use-ipv6", "ssl", "tls", "escape", "all", "jail", "verbose", "selfsigned", "ignore-exp"}

// options reads the arguments of a plugin into values by letter; of what is given twice
// the last counts. The rest are words without an option.
func options(args []string) (values map[string]string, rest []string) {
	values = map[string]string{}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		next := func() string {
			if i+1 < len(args) {
				i++
				return args[i]
			}
			return ""
		}
		switch {
		case strings.HasPrefix(arg, "--") && len(arg) > 2:
			name, value, given := strings.Cut(arg[2:], "=")
			letter := longOptions[name]
			if letter == "" {
				letter = "-" + name
			}
			if !given && !contains(longWithoutValue, name) && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				value = next()
			}
			values[letter] = value
		case len(arg) > 1 && arg[0] == '-':
			letter := arg[1:2]
			switch {
			case !strings.Contains(lettersWithValue, letter):
				for _, flag := range arg[1:] { // -4S
					values[string(flag)] = ""
				}
			case len(arg) > 2:
				values[letter] = strings.TrimPrefix(arg[2:], "=")
			default:
				values[letter] = next()
			}
		default:
			rest = append(rest, arg)
		}
	}
	return values, rest
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

// readsPlugin takes over what a plugin is asked to look at, and reports whether that is IMAP.
// The service has a host already; the plugin may be asked for another one.
func (s *service) readsPlugin(p plugin, args []string) bool {
	values, rest := options(args)
	if host := strings.TrimSpace(values["H"]); host != "" {
		s.host = host
	} else if len(rest) > 0 && !p.always {
		s.host = rest[0]
	}
	s.port = p.port
	if port, err := strconv.Atoi(values["p"]); err == nil {
		s.port = port
	}
	protocol := strings.ToLower(values["P"])
	if s.port == 0 && strings.HasPrefix(protocol, "imap") {
		s.port = map[string]int{"imap": portIMAP, "imaps": portIMAPS}[protocol]
	}
	if !p.always && !isIMAPPort(s.port) && !strings.HasPrefix(protocol, "imap") && !speaksIMAP(s.name) {
		return false
	}
	_, ssl := values["S"]
	_, days := values["D"]
	switch {
	case protocol == "imap":
		s.secure(config.StartTLS)
	case p.tls && s.port != portIMAP || ssl || days:
		s.secure(config.TLSFromStart)
	default:
		s.secure("")
	}
	s.readOptions(p, values)
	if p.login {
		s.note("the login. Add a login block: username, and password = credential(\"NAME\").")
	}
	return true
}

// readOptions takes over what a plugin is asked to find. Values of options that are not
// taken over may be passwords, and are not repeated.
func (s *service) readOptions(p plugin, values map[string]string) {
	warning, critical, _ := strings.Cut(values["D"], ",")
	if p.days {
		warning, critical = values["w"], values["c"]
	}
	s.warnBefore(number(warning, day))
	s.criticalBefore(number(critical, day))
	if number(critical, day) > number(warning, day) && number(warning, day) > 0 {
		s.tls = put(s.tls, "expiry_critical", quoteDuration(max(number(warning, day), time.Hour)))
	}
	if !p.days && !p.login {
		limit := number(values["w"], time.Second)
		if limit == 0 {
			limit = number(values["c"], time.Second)
		}
		s.slower(limit)
	}
	if d := number(values["t"], time.Second); d > 0 {
		s.timeLimit(d, 0)
	}
	if _, ok := values["4"]; ok {
		s.set("addresses", quote("ipv4"))
	}
	if _, ok := values["6"]; ok {
		s.set("addresses", quote("ipv6"))
	}
	_, sends := values["s"]
	if text := toLabel(values["e"]); text != "" && !sends {
		s.set("expect_greeting", quote(text))
	}
	if name := values["sni"] + values["n"]; name != "" {
		s.serverName(name)
	}
	for _, letter := range []string{"s", "M", "r", "m", "d", "W", "C", "-selfsigned", "-ignore-exp"} {
		if _, ok := values[letter]; ok && !p.login && !(p.days && letter == "s") {
			s.note("option -%s of the plugin", letter)
		}
	}
	if _, ok := values["s"]; ok && p.days { // check_ssl_cert -s: self-signed is allowed
		s.noteUnverified()
	}
}

// serverName sets the name that the certificate must be for.
func (s *service) serverName(name string) {
	if host, err := hclfile.Hostname(name); err == nil && dnsName.MatchString(host) && host != s.host {
		s.tls = put(s.tls, "server_name", quote(host))
	}
}

// dnsName is a name with a dot that does not end in a number, as IPv4 addresses do.
var dnsName = regexp.MustCompile(`^[A-Za-z0-9_.-]+\.[A-Za-z][A-Za-z0-9-]*$`)

// number returns a number of units; 0: it is none, or out of bounds.
func number(text string, unit time.Duration) time.Duration {
	f, err := strconv.ParseFloat(strings.TrimRight(strings.TrimSpace(text), "sd%"), 64)
	if err != nil || !(f > 0 && f < 1e6) {
		return 0
	}
	return min(time.Duration(f*float64(unit)), 3650*day)
}

// paces are how often and how long another monitor looks before it notifies.
type paces struct {
	interval, retry time.Duration
	attempts        int
	remind          string // in remindUnit; "0": never
	remindUnit      time.Duration
}

func (s *service) setPaces(p paces) {
	s.setInterval(p.interval)
	interval := p.interval
	if interval == 0 {
		interval = config.DefaultInterval
	}
	for i := range s.settings { // a probe is over before the next begins
		if limit, err := config.ParseDuration(strings.Trim(s.settings[i].value, `"`)); s.settings[i].name == "timeout" && err == nil && limit > interval {
			s.settings[i].value = quoteDuration(max(interval, time.Second))
		}
	}
	if p.attempts > 0 && p.retry > 0 {
		s.tolerate("fault_tolerance", p.attempts, p.retry)
	}
	if p.retry > 0 {
		s.within("retry_interval", min(p.retry, interval), time.Second, day)
	}
	if p.remind == "0" {
		s.set("remind", quoteDuration(0))
	} else {
		s.within("remind", number(p.remind, p.remindUnit), 10*time.Minute, 3650*day)
	}
}

// runbook sets where to read what to do, if that is a plain URL.
func (s *service) runbook(text string) {
	u, err := url.Parse(text)
	if err == nil && plainURL.MatchString(text) {
		if _, err := hclfile.Hostname(u.Hostname()); err == nil {
			s.set("runbook", quote(text))
		}
	}
}

var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(/[A-Za-z0-9./_-]*)?$`)
