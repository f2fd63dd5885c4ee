package takeover

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// A Format is whose files are read.
type Format string

// The formats.
const (
	Gatus      Format = "gatus"      // YAML with endpoints
	Kuma       Format = "kuma"       // the JSON of Uptime Kuma's backup
	Nagios     Format = "nagios"     // objects of Nagios, Icinga 1 and 2, Naemon, Shinken
	Prometheus Format = "prometheus" // YAML with scrape_configs, and modules of the blackbox exporter
	Hosts      Format = "hosts"      // a host a line, or CSV with a header
)

// Formats lists the formats.
func Formats() []Format { return []Format{Gatus, Kuma, Nagios, Prometheus, Hosts} }

// A File is one file of another monitor.
type File struct {
	Name string // for messages
	Text []byte
}

// A Result is what was made of some files.
type Result struct {
	HCL    []byte
	Format Format
	Checks int
	// Left says, a line each, what was not taken over. The output has it as comments.
	Left []string
}

// maxBytes is how much is read: as much as a configuration file may have.
const maxBytes = 4 << 20

// ErrNothing says that files can be read and have no IMAP service in them.
var ErrNothing = errors.New("no IMAP service was found")

// Read makes a configuration of the files of another monitor; an empty format is
// recognised by what is in them. An error names what cannot be read, or is [ErrNothing];
// then the Result still lists what was left out.
func Read(format Format, files []File) (Result, error) {
	for i := range files {
		if len(files[i].Text) > maxBytes {
			return Result{}, fmt.Errorf("%s has more than 4 MiB", files[i].Name)
		}
		// Editors on Windows begin files with a mark, and end lines with CR LF.
		text := strings.ReplaceAll(string(source.WithoutMark(files[i].Text)), "\r\n", "\n")
		files[i].Text = []byte(strings.ToValidUTF8(text, "\uFFFD"))
	}
	if format == "" {
		format = Recognise(files)
	}
	c := &collector{format: format}
	if err := c.read(files); err != nil {
		return Result{}, err
	}
	written := c.write() // which may find more that is left
	result := Result{Format: format, Checks: len(c.services), Left: c.left()}
	if len(c.services) == 0 {
		return result, ErrNothing
	}
	text, diags := hclfile.Format("the output", written)
	if len(diags) > 0 {
		return Result{}, fmt.Errorf("this is a fault of imapvigil: what it wrote does not parse: %w", diags[0])
	}
	result.HCL = text
	return result, nil
}

func (c *collector) read(files []File) error {
	switch c.format {
	case Gatus:
		return c.eachYAML(files, c.readGatus)
	case Kuma:
		return c.eachYAML(files, c.readKuma) // JSON is YAML, and has line numbers there
	case Nagios:
		return c.readNagios(files)
	case Prometheus:
		return c.readPrometheus(files)
	case Hosts:
		return c.readHosts(files)
	}
	return fmt.Errorf("the format is gatus, kuma, nagios, prometheus or hosts, not %q", c.format)
}

// Recognise returns the format that files look like: by their top-level words, else a
// list of hosts.
func Recognise(files []File) Format {
	for _, f := range files {
		text := string(f.Text)
		switch {
		case nagiosObject.MatchString(text), icingaObject.MatchString(text):
			return Nagios
		case strings.Contains(text, `"monitorList"`):
			return Kuma
		case topKey(text, "endpoints") || topKey(text, "alerting") && topKey(text, "storage"):
			return Gatus
		case topKey(text, "scrape_configs"), topKey(text, "modules") && strings.Contains(text, "prober"), targetList.MatchString(text):
			return Prometheus
		}
	}
	return Hosts
}

// topKey reports whether a text in YAML has a key at its left edge; in a ConfigMap of
// Kubernetes a file is indented.
func topKey(text, key string) bool {
	if strings.Contains(text, "kind: ConfigMap") {
		return strings.Contains(text, "  "+key+":")
	}
	return strings.HasPrefix(text, key+":") || strings.Contains(text, "\n"+key+":")
}
