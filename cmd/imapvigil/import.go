package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/takeover"
)

func (p *program) importCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Convert the files of another monitor",
		Long: "Print the IMAP services in the files of another monitor as a configuration.\n" +
			"FILE is one of these, recognised by what is in it; - is standard input:\n\n" +
			"  gatus       gatus' YAML: endpoints with tcp://, tls:// and starttls://\n" +
			"  kuma        the JSON of Uptime Kuma's backup: monitors of the type port\n" +
			"  nagios      objects of Nagios, Icinga 1 and 2, Naemon: check_imap, check_tcp,\n" +
			"              check_ssl_cert and their like; give the files of hosts, services,\n" +
			"              templates and commands together\n" +
			"  prometheus  scrape_configs, modules of the blackbox exporter and files of\n" +
			"              targets; give them together\n" +
			"  hosts       a host or host:port a line, [NAME] for a group; or CSV whose first\n" +
			"              line names the columns (host, port, security, group, label, ...)\n\n" +
			"What cannot be taken over is a comment in the output, and a line on standard\n" +
			"error. Passwords are never printed. The output is a valid configuration; who is\n" +
			"notified is for you to add.",
		Example: examples(
			"A list of hosts", "imapvigil import hosts.txt >servers.hcl",
			"All objects of Nagios, with the templates and commands", "imapvigil import /etc/nagios4/objects/*.cfg >servers.hcl",
			"Prometheus, with the modules it probes with", "imapvigil import prometheus.yml blackbox.yml",
			"What another program prints", "cat hosts.txt | imapvigil import -",
		),
		GroupID:     groupSetUp,
		Annotations: exitCodes("printed, with a warning for each thing that was not taken over", "", "", "a file cannot be read, or has no IMAP service in it"),
		Args:        takes(1, anyNumber, "the file of another monitor, or - for standard input"),
		RunE:        func(_ *cobra.Command, args []string) error { return p.takeOver(takeover.Format(format), args) },
	}
	c.Flags().StringVar(&format, "format", "", "gatus, kuma, nagios, prometheus or hosts (default: recognised by the content)")
	return c
}

// takeOver prints what is in the files of another monitor.
func (p *program) takeOver(format takeover.Format, paths []string) error {
	if format != "" && !slices.Contains(takeover.Formats(), format) {
		return fmt.Errorf("--format must be gatus, kuma, nagios, prometheus or hosts, not %q", format)
	}
	var files []takeover.File
	for _, path := range paths {
		more, err := p.readForeign(path)
		if err != nil {
			return err
		}
		files = append(files, more...)
	}
	result, err := takeover.Read(format, files)
	for _, line := range result.Left {
		_, _ = fmt.Fprintf(p.err, "%s\n", foldHanging("imapvigil: ", strings.Repeat(" ", len("imapvigil: ")), line))
	}
	if errors.Is(err, takeover.ErrNothing) {
		return fmt.Errorf("no IMAP service was found in %s (format %s); name another format with --format", strings.Join(paths, ", "), result.Format)
	}
	if err != nil {
		return err
	}
	p.printf("%s", result.HCL)
	_, _ = fmt.Fprintf(p.err, "imapvigil: %s, format %s\n", plural(result.Checks, "check"), result.Format)
	return nil
}

// readForeign reads a file of another monitor, those in a directory, or standard input.
func (p *program) readForeign(path string) (files []takeover.File, err error) {
	if path == "-" {
		text, err := readAtMost(p.in)
		return []takeover.File{{Name: "<standard input>", Text: text}}, err
	}
	names := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if names, err = filesBelow(path); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		text, err := readAtMost(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, err
		}
		files = append(files, takeover.File{Name: name, Text: text})
	}
	return files, nil
}

// foreignEndings are the files of a directory that other monitors read.
var foreignEndings = []string{".cfg", ".conf", ".yml", ".yaml", ".json"}

func filesBelow(directory string) (names []string, err error) {
	err = filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && slices.Contains(foreignEndings, filepath.Ext(path)) {
			names = append(names, path)
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s has no file that ends in %s", directory, strings.Join(foreignEndings, ", "))
	}
	return names, err
}

// readAtMost reads a little more than what is taken, so that more is noticed.
func readAtMost(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, 5<<20)) }
