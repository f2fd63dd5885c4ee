// Package demo is the world around the daemon that `imapvigil demo` shows: an IMAP
// server that fails when it is told to, receivers that show what is sent, and the
// configuration that names them all.
//
// It runs no daemon and prints nothing; everything is on loopback, and below one
// directory.
package demo

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// Rates send messages to people sooner than outside the demo, which has half a minute.
var Rates = outbox.Rates{First: time.Second, Every: 2 * time.Second, Digest: 2 * time.Second, Large: 20}

//go:embed demo.hcl
var oneMachine string

// A Stage is the world of one demo.
type Stage struct {
	// Config is the configuration, which stands in the file ConfigPath. Control is a
	// path for the socket of a daemon.
	Config, ConfigPath, Control string
	// PageURL is where the status page will be; empty: nowhere.
	PageURL string

	authority *ca.Authority
	server    *imaptest.Memory
	others    []*imaptest.Memory
	receivers *receivers
}

// Open starts the server and the receivers, and writes the configuration into an
// empty directory.
func Open(dir string) (*Stage, error) { return open(dir, oneMachine) }

// open opens a stage whose configuration is made of a template.
func open(dir, template string) (*Stage, error) {
	// The demo speaks verified TLS, as the daemon does outside: demo.hcl names this
	// authority.
	authority := ca.New()
	certificate := authority.Issue(ca.Leaf{})
	if err := authority.WriteFile(filepath.Join(dir, "ca.pem")); err != nil {
		return nil, err
	}
	s := &Stage{authority: authority, ConfigPath: filepath.Join(dir, "demo.hcl"), Control: filepath.Join(dir, "control.sock")}
	var err error
	if s.server, err = imaptest.StartMemory(imaptest.MemoryOptions{Certificate: certificate}); err != nil {
		return nil, fmt.Errorf("starting the IMAP server: %w", err)
	}
	if s.receivers, err = newReceivers(certificate); err != nil {
		s.server.Close()
		return nil, err
	}
	s.Config = strings.NewReplacer(
		"@IMAP_PORT@", fmt.Sprint(s.server.Addr().Port()),
		"@SMTP_PORT@", fmt.Sprint(s.receivers.mail.Port()),
		"@SMS_URL@", s.receivers.sms.URL(),
		"@WEBHOOK_URL@", s.receivers.hook.URL(),
		"@SLACK_URL@", s.receivers.slack.URL()+"/",
		"@DIR@", dir,
	).Replace(template)
	if err := os.WriteFile(s.ConfigPath, []byte(s.Config), 0o600); err != nil {
		s.Close()
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return s, nil
}

// Close ends the server and the receivers.
func (s *Stage) Close() {
	s.server.Close()
	for _, server := range s.others {
		server.Close()
	}
	s.receivers.close()
}

// StopServer has the IMAP server refuse connections: nothing listens any more.
func (s *Stage) StopServer() { s.server.Refuse() }

// StartServer has it listen again, at the same port.
func (s *Stage) StartServer() error { return s.server.Serve() }

// Messages waits until every receiver has n messages, or ctx ends, and gives the
// nth of each.
func (s *Stage) Messages(ctx context.Context, n int) []Message { return s.receivers.await(ctx, n) }
