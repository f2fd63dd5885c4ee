package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

//go:embed page.hcl
var pageTemplate string

// soon is when the certificate of the demo's third server ends.
const soon = 5 * 24 * time.Hour

// OpenPage opens a stage whose daemon serves the status page, on loopback at a free port, and
// watches two more servers: one that is well, and one whose certificate ends soon.
func OpenPage(ctx context.Context, dir string) (*Stage, error) {
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	if err := s.addPage(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stage) addPage(ctx context.Context) error {
	ports := map[string]string{}
	for name, leaf := range map[string]ca.Leaf{"@STEADY_PORT@": {}, "@EXPIRING_PORT@": {NotBefore: time.Now().Add(soon - 90*24*time.Hour), NotAfter: time.Now().Add(soon)}} {
		server, err := imaptest.StartMemory(imaptest.MemoryOptions{Certificate: s.authority.Issue(leaf)})
		if err != nil {
			return fmt.Errorf("starting an IMAP server: %w", err)
		}
		s.others = append(s.others, server)
		ports[name] = fmt.Sprint(server.Addr().Port())
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	ports["@PAGE_PORT@"] = port
	s.PageURL = "http://127.0.0.1:" + port + "/"
	more := pageTemplate
	for name, value := range ports {
		more = strings.ReplaceAll(more, name, value)
	}
	s.Config += more
	if err := os.WriteFile(s.ConfigPath, []byte(s.Config), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	return nil
}

// freePort returns a port of loopback at which nobody listens.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
