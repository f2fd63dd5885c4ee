package web

import (
	"net"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

func (s *stage) isOK(what, address string) {
	s.t.Helper()
	if a, err := s.try("GET", "http://"+address+"/healthz", ""); err != nil || a.status != 200 || a.body != "ok\n" {
		s.t.Errorf("%s: %+v, %v", what, a, err)
	}
}

func (s *stage) isClosed(what, address string) {
	s.t.Helper()
	if a, err := s.try("GET", "http://"+address+"/healthz", ""); err == nil {
		s.t.Errorf("%s: %+v", what, a)
	}
}

func listenAt(address string) *config.Config {
	return &config.Config{
		Daemon: config.Daemon{Listen: address, ListenPos: config.Pos{File: "main.hcl", Line: 2, Column: 12}},
		Page:   config.Page{PublicGroups: []config.GroupID{"europe"}}, // so that it may be served everywhere
	}
}

// The server listens where the configuration in force says, from the moment it is in force.
func TestListenerFollowsTheConfiguration(t *testing.T) {
	s := newStage(t, Options{})
	first, second := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	s.use(listenAt(first))
	s.isOK("the first address", first)
	s.use(listenAt(first))
	s.isOK("the same address again", first)
	s.use(listenAt(second))
	s.isOK("another address", second)
	s.isClosed("the address before", first)
	s.use(listenAt(""))
	s.isClosed("switched off", second)
	s.use(listenAt(second))
	s.isOK("switched on again", second)
	// The same port with every host cannot be bound beside the one that is open.
	s.use(listenAt(":" + portOf(second)))
	s.isOK("the same port, every address", second)
	s.use(listenAt(second))
	s.isOK("the same port, one address again", second)
	if note := s.server.Note(); note != "" {
		t.Error(note)
	}
}

// What a reload that is rejected has bound is free again, and what runs goes on.
func TestRejectedReloadLeavesTheListener(t *testing.T) {
	s := newStage(t, Options{})
	first, second := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	s.use(listenAt(first))
	_, discard, diags := s.server.Prepare(listenAt(second))
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	discard()
	s.isClosed("discarded", second)
	s.isOK("what runs", first)
}

// An address that is taken refuses the reload that brings it, with the place and what to do.
func TestTakenAddressRefusesTheReload(t *testing.T) {
	s := newStage(t, Options{})
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	first := "127.0.0.1:" + freePort(t)
	s.use(listenAt(first))
	err = s.reload(listenAt(other.Addr().String()))
	if err == nil || !strings.Contains(err.Error(), "main.hcl:2:12") || !strings.Contains(err.Error(), "Another process listens at "+other.Addr().String()) {
		t.Errorf("refused with: %v", err)
	}
	s.isOK("what runs", first)
	if err := s.reload(listenAt("192.0.2.1:80")); err == nil || !strings.Contains(err.Error(), "does not have the address") {
		t.Errorf("refused with: %v", err)
	}
}

// At the start, and where nobody has chosen the address, the daemon goes on without a page, says
// so, and takes the address once it is free.
func TestTakenAddressDoesNotStopTheDaemon(t *testing.T) {
	for name, written := range map[string]bool{"by default": false, "written": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, Options{})
			other, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			cfg := listenAt(other.Addr().String())
			if !written {
				cfg.Daemon.ListenPos = config.Pos{}
			}
			s.use(cfg)
			if note := s.server.Note(); !strings.Contains(note, "Another process listens at") {
				t.Errorf("the status says %q", note)
			}
			if !strings.Contains(s.logged(), "there is no status page") {
				t.Errorf("the log says %q", s.logged())
			}
			// A reload of something else is not refused for it.
			s.use(cfg)
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
			s.server.bindAgain()
			s.isOK("free again", cfg.Daemon.Listen)
			if note := s.server.Note(); note != "" {
				t.Error(note)
			}
		})
	}
}

// The command line wins over the configuration. Where something of the configuration cannot be
// used, which may be who may log in, there is no page.
func TestCommandLineNamesTheAddress(t *testing.T) {
	named := "127.0.0.1:" + freePort(t)
	s := newStage(t, Options{Listen: &named})
	s.use(listenAt("127.0.0.1:1"))
	s.isOK("named", named)
	broken := listenAt("")
	broken.Incomplete = true
	s.use(broken)
	s.isClosed("a configuration in parts", named)
	everywhere := ":" + freePort(t)
	open := newStage(t, Options{Listen: &everywhere})
	nothing := listenAt("127.0.0.1:1")
	nothing.Page.PublicGroups = nil
	open.use(nothing)
	open.isClosed("everywhere, without users", "127.0.0.1"+everywhere)
	if note := open.server.Note(); !strings.Contains(note, "nothing says who may see the page") {
		t.Errorf("the status says %q", note)
	}
	open.use(listenAt("127.0.0.1:1"))
	open.isOK("everywhere, what is public", "127.0.0.1"+everywhere)
	if err := open.reload(nothing); err == nil || !strings.Contains(err.Error(), "nothing says who may see the page") {
		t.Errorf("what would open the page to everybody is refused with %v", err)
	}
	off := ""
	none := newStage(t, Options{Listen: &off})
	none.use(listenAt(named))
	none.isClosed("switched off", named)
}
