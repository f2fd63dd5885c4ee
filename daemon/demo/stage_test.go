package demo

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The configuration of the demo with a page is a valid one, and listens where the stage says.
func TestPageStage(t *testing.T) {
	s, err := OpenPage(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	files, err := source.Read(s.ConfigPath, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(files)
	if config.HasErrors(diags) || len(cfg.Checks) != 3 || s.PageURL != "http://"+cfg.Daemon.Listen+"/" {
		t.Errorf("the page is at %s, and the configuration gives %v", s.PageURL, diags)
	}
}

func TestStage(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	files, err := source.Read(s.ConfigPath, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(files)
	if config.HasErrors(diags) || len(cfg.Checks) == 0 {
		t.Errorf("the configuration gives %v", diags)
	}
	address := s.server.Addr().String()
	for _, step := range []struct {
		do      func() error
		listens bool
	}{
		{func() error { return nil }, true},
		{func() error { s.StopServer(); return nil }, false},
		{s.StartServer, true},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if listens := err == nil; listens != step.listens {
			t.Errorf("listening: %v, want %v (%v)", listens, step.listens, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if got := s.Messages(ctx, 1); len(got) != 0 {
		t.Errorf("nothing was sent, and %d messages arrived", len(got))
	}
}

func TestMessagesAsPeopleSeeThem(t *testing.T) {
	mail := "Subject: DOWN\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nmx1 =\r\nis down=2E\r\n"
	for _, test := range []struct{ got, want string }{
		{smtpsink.Envelope{Data: []byte(mail)}.Text(), "Subject: DOWN\n\nmx1 is down.\n"},
		{smtpsink.Envelope{Data: []byte("no letter")}.Text(), "no letter"},
		{slackText(httpsink.Request{Body: []byte("channel=C1&text=mx1+is+down")}), "mx1 is down"},
		{slackText(httpsink.Request{Body: []byte("{}")}), "{}"},
		{httpsink.Request{Body: []byte("To=%2B1555&Body=down")}.Field("Body"), "down"},
		{indentedJSON([]byte(`{"a":1}`)), "{\n  \"a\": 1\n}"},
		{indentedJSON([]byte("broken")), "broken"},
	} {
		if strings.TrimSpace(test.got) != strings.TrimSpace(test.want) {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

// The configuration of the demo of several nodes is a valid one, and the way of one node can fail
// while that of the others is well.
func TestNodesStage(t *testing.T) {
	for n := FewestNodes; n <= MostNodes; n++ {
		s, err := OpenNodes(t.Context(), t.TempDir(), n)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		files, err := source.Read(s.ConfigPath, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cfg, diags := hclfile.Load(files)
		if config.HasErrors(diags) || len(cfg.Checks) != 1 || len(cfg.Cluster.Nodes) != n || len(s.Nodes) != n {
			t.Errorf("the configuration of %d nodes gives %v", n, diags)
		}
		dial := func(node string) error {
			conn, err := s.Dialer(node)(t.Context(), "tcp", s.server.Addr().String())
			if err == nil {
				_ = conn.Close()
			}
			return err
		}
		s.Block(s.Nodes[0])
		if err := dial(s.Nodes[0]); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("connecting from %s gives %v", s.Nodes[0], err)
		}
		if err := dial(s.Nodes[1]); err != nil {
			t.Errorf("connecting from %s gives %v", s.Nodes[1], err)
		}
		s.Unblock()
		if err := dial(s.Nodes[0]); err != nil {
			t.Errorf("connecting from %s again gives %v", s.Nodes[0], err)
		}
	}
}
