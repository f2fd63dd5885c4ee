package takeover

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// targetList begins a list of targets, as file_sd_configs read it.
var targetList = regexp.MustCompile(`(?m)^(- *|\[\s*\{\s*")targets"?:`)

// readPrometheus takes over scrape configurations that probe with modules of the
// blackbox exporter for TCP, and the modules where they are given, too.
func (c *collector) readPrometheus(files []File) error {
	modules := map[string]node{}
	var scrapes, lists []node
	var pace time.Duration
	for _, f := range files {
		documents, err := parseYAML(f)
		if err != nil {
			return err
		}
		for _, d := range documents {
			for _, name := range d.get("modules").keys() {
				modules[name] = d.get("modules").get(name)
			}
			scrapes = append(scrapes, d.get("scrape_configs").list()...)
			lists = append(lists, d.list()...)
			if global := d.get("global").get("scrape_interval").duration(); global > 0 {
				pace = global
			}
		}
	}
	if pace == 0 {
		pace = time.Minute // Prometheus has the same
	}
	for _, job := range scrapes {
		c.readJob(job, modules, lists, pace)
	}
	if len(scrapes)+len(lists) == 0 && len(modules) > 0 {
		c.noteLost("%s: modules, and no targets. Give the file with scrape_configs, too.", files[0].Name)
	}
	if len(scrapes) == 0 {
		// Targets alone: the port says what they are.
		for _, list := range lists {
			c.readTargets(list, job{name: "", modules: modules, pace: pace})
		}
	}
	return nil
}

// A job is one scrape configuration.
type job struct {
	name    string
	module  string
	modules map[string]node
	relabel []node
	pace    time.Duration
}

func (c *collector) readJob(from node, modules map[string]node, lists []node, pace time.Duration) {
	j := job{name: from.get("job_name").text(), modules: modules, relabel: from.get("relabel_configs").list(), pace: pace}
	if all := from.get("params").get("module").texts(); len(all) > 0 {
		j.module = all[0]
	}
	if d := from.get("scrape_interval").duration(); d > 0 {
		j.pace = d
	}
	static := from.get("static_configs").list()
	blackbox := j.module != "" || slices.ContainsFunc(j.relabel, func(r node) bool {
		return strings.HasPrefix(r.get("target_label").text(), "__param_")
	})
	if !blackbox {
		c.noteSkipped("Jobs that do not probe with the blackbox exporter", j.name)
		return
	}
	before := len(c.services)
	for _, list := range static {
		c.readTargets(list, j)
	}
	for _, key := range from.keys() {
		switch {
		case key == "file_sd_configs" && len(lists) > 0:
			for _, list := range lists {
				c.readTargets(list, j)
			}
		case key == "file_sd_configs":
			c.noteLost("The job %q: its targets are in %s. Give that file, too.", shorten(j.name), shorten(strings.Join(sdFiles(from.get(key)), ", ")))
		case strings.HasSuffix(key, "_sd_configs"):
			c.noteLost("The job %q: its targets come from %s, which is only known where Prometheus runs.", shorten(j.name), shorten(key))
		}
	}
	if len(c.services) == before && len(static) > 0 {
		c.noteSkipped("Jobs that probe no IMAP services", j.name)
	}
}

func sdFiles(list node) (files []string) {
	for _, one := range list.list() {
		files = append(files, one.get("files").texts()...)
	}
	return files
}

// readTargets takes over the targets of a job, with their labels as relabelling leaves
// them.
func (c *collector) readTargets(list node, j job) {
	for _, target := range list.get("targets").texts() {
		labels := map[string]string{"__address__": target, "job": j.name, "__param_module": j.module}
		order := []string{}
		for _, name := range list.get("labels").keys() {
			labels[name] = list.get("labels").get(name).text()
			order = append(order, name)
		}
		if !relabel(labels, j.relabel) {
			continue
		}
		address := labels["__param_target"]
		if address == "" {
			address = target
		}
		c.readTarget(address, labels, order, j)
	}
}

// groupLabels are labels by which machines are commonly put in groups.
var groupLabels = []string{"group", "customer", "tenant", "team", "env", "environment", "region", "site", "location", "datacenter", "dc", "cluster"}

func (c *collector) readTarget(address string, labels map[string]string, order []string, j job) {
	if _, rest, isURL := strings.Cut(address, "://"); isURL {
		address = strings.TrimRight(rest, "/")
	}
	host, port := splitPort(address)
	name := labels["__param_module"]
	module, given := j.modules[name]
	s := service{host: host, port: port, name: labels["name"]}
	if given && module.get("prober").text() != "tcp" {
		return
	}
	if s.port == 0 && speaksIMAP(name) {
		s.port = portIMAPS
	}
	if !isIMAPPort(s.port) && !speaksIMAP(name, j.name) {
		return
	}
	s.groups = []string{labels["job"]}
	for _, label := range order {
		value := labels[label]
		switch {
		case value == "" || strings.HasPrefix(label, "__"):
		case slices.Contains(groupLabels, label):
			s.groups = append(s.groups, value)
		case label != "name" && label != "instance":
			s.note("label %s", shorten(label+" = "+value))
		}
	}
	s.groups = slices.DeleteFunc(s.groups, isEmpty)
	s.readModule(module, name)
	s.setInterval(j.pace)
	c.add(s)
}

// readModule takes over a module of the blackbox exporter (its CONFIGURATION.md).
func (s *service) readModule(module node, name string) {
	tcp := module.get("tcp")
	steps := tcp.get("query_response").list()
	starts := slices.ContainsFunc(steps, func(step node) bool { return step.get("starttls").flag(false) })
	switch {
	case starts, module.Node == nil && strings.Contains(strings.ToLower(name), "starttls"):
		s.secure(config.StartTLS)
	case tcp.get("tls").flag(false), module.Node == nil && strings.Contains(strings.ToLower(name), "tls"):
		s.secure(config.TLSFromStart)
	default:
		s.secure("")
	}
	if d := module.get("timeout").duration(); d > 0 {
		s.timeLimit(d, 0)
	}
	security := tcp.get("tls_config")
	if security.get("insecure_skip_verify").flag(false) {
		s.noteUnverified()
	}
	if name := security.get("server_name").text(); name != "" {
		s.serverName(name)
	}
	for _, key := range []string{"ca_file", "ca", "cert_file", "key_file", "cert", "key"} {
		if security.get(key).is() {
			s.note("tls_config.%s of the module. Copy the file, and write it in a tls block.", key)
		}
	}
	switch tcp.get("preferred_ip_protocol").text() {
	case "ip4":
		s.onlyFamily(tcp, "ipv4")
	case "ip6":
		s.onlyFamily(tcp, "ipv6")
	}
	if slices.ContainsFunc(steps, func(step node) bool { return logsIn(step.get("send").text()) }) {
		s.note("the login in the module's query_response. Add a login block: username, and password = credential(\"NAME\").")
	}
	if tcp.get("source_ip_address").is() {
		s.note("source_ip_address of the module")
	}
}

// onlyFamily sets the addresses to probe where the other family is no fallback. Otherwise
// imapvigil probes both.
func (s *service) onlyFamily(tcp node, family string) {
	if !tcp.get("ip_protocol_fallback").flag(true) {
		s.set("addresses", quote(family))
	}
}

func logsIn(line string) bool {
	line = strings.ToUpper(line)
	return strings.Contains(line, " LOGIN ") || strings.Contains(line, "AUTHENTICATE")
}

// relabel changes labels as Prometheus does (relabel_config in its manual), and reports
// whether the target is kept.
func relabel(labels map[string]string, rules []node) bool {
	for _, rule := range rules {
		separator, replacement, pattern := ";", "$1", "(.*)"
		if v := rule.get("separator"); v.Node != nil {
			separator = v.text()
		}
		if v := rule.get("replacement"); v.Node != nil {
			replacement = v.text()
		}
		if v := rule.get("regex"); v.Node != nil {
			pattern = v.text()
		}
		if len(pattern) > 1000 {
			continue
		}
		re, err := regexp.Compile(`^(?s:` + pattern + `)$`)
		if err != nil {
			continue
		}
		var sources []string
		for _, name := range rule.get("source_labels").texts() {
			sources = append(sources, labels[name])
		}
		value := strings.Join(sources, separator)
		target := rule.get("target_label").text()
		switch action := strings.ToLower(rule.get("action").text()); action {
		case "", "replace":
			at := re.FindStringSubmatchIndex(value)
			if at == nil || target == "" {
				continue
			}
			labels[target] = string(re.ExpandString(nil, replacement, value, at))
		case "keep", "drop":
			if re.MatchString(value) != (action == "keep") {
				return false
			}
		case "labeldrop", "labelkeep":
			for name := range labels {
				if !strings.HasPrefix(name, "__") && re.MatchString(name) == (action == "labeldrop") {
					delete(labels, name)
				}
			}
		case "lowercase":
			labels[target] = strings.ToLower(value)
		case "uppercase":
			labels[target] = strings.ToUpper(value)
		}
	}
	return true
}
