//go:build !quick

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// A daemon runs as a node, with its key and then with credentials that the server refuses: neither of them is
// in its log, its files, its pages, what commands print, or what goes over the bus.
func TestNoSecretOfANodeComesOut(t *testing.T) {
	t.Parallel()
	for name, literally := range map[string]bool{"credentials": false, "literals": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newNodeCanaries(t, literally)
			server := c.startServer()
			c.writeNode(`key = secret("bus-key")`)
			c.start()
			c.nodeDecides()
			c.writeNode(`credentials = "-----BEGIN NATS USER JWT-----\n${secret("bus-jwt")}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${secret("bus-seed")}\n------END USER NKEY SEED------\n"`)
			c.asks("plan")
			c.asks("reload")
			c.stop()
			c.start()
			c.await("the server to refuse the node", patience, func() bool { return len(c.logged("the bus cannot be reached")) > 0 })
			c.lookAround()
			c.stop()
			if err := server.Process.Signal(syscall.SIGINT); err != nil {
				t.Error(err)
			}
			_ = server.Wait() // of a signal
			// The servers are shown the JWT at the login: it says who the node is, and the seed proves it.
			jwt := c.secrets["bus-jwt"]
			delete(c.secrets, "bus-jwt")
			c.searched("what went over the bus", c.busLog())
			c.secrets["bus-jwt"] = jwt
			shared, err := filepath.Glob(c.path("state/shared/*"))
			if err != nil || len(shared) == 0 || !strings.Contains(c.busLog(), "iv.imapvigil.journal") {
				t.Errorf("the node has kept %q, %v, or the log of the server has no messages", shared, err)
			}
			c.listens()
		})
	}
}

// newNodeCanaries makes those of a node.
func newNodeCanaries(t *testing.T, literally bool) *canaries {
	t.Helper()
	c := &canaries{template: canaryFile(t, "node.hcl"), literally: literally, secrets: map[string]string{"bus-jwt": "eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiJjYW5hcnkwMVdxN1p4In0.c2lnbmF0dXJl", "bus-seed": newSeed(t)}}
	c.daemonProcess = newDaemonProcess(t, map[string]string{"BUS": freePort(t), "PAGE": freePort(t)})
	c.args = []string{"--node", "fra1", "--listen=configured"}
	c.secrets["bus-key"] = newSeed(t)
	seed := c.path("key")
	if err := os.WriteFile(seed, []byte(c.secrets["bus-key"]), 0o600); err != nil {
		t.Fatal(err)
	}
	public := c.runs("nodes", "key", "--out", seed)
	c.env = append(c.env, "PUBLIC="+regexp.MustCompile(`(?m)^U[A-Z2-7]{55}$`).FindString(public))
	return c
}

// newSeed returns a key as the program makes it.
func newSeed(t *testing.T) string {
	t.Helper()
	seed, err := exec.Command("imapvigil", "nodes", "key", "--out", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(seed))
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// writeNode writes the files of the node with what it logs in by.
func (c *canaries) writeNode(login string) {
	c.t.Helper()
	text := strings.ReplaceAll(c.template, "  LOGIN\n", "  "+login+"\n")
	if !c.literally {
		// Within a string, too.
		text = canaryPlace.ReplaceAllStringFunc(text, func(place string) string {
			name := canaryPlace.FindStringSubmatch(place)[1]
			c.write("credentials/"+name, c.secrets[name])
			return fmt.Sprintf("credential(%q)", name)
		})
	}
	c.writeAll("main.hcl", text)
}

func (c *canaries) busLog() string {
	text, err := os.ReadFile(c.path("bus.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// startServer starts a NATS server that logs each message.
func (c *canaries) startServer() *exec.Cmd {
	c.t.Helper()
	c.writeNode(`key = secret("bus-key")`)
	said := c.runs("nodes", "bus-config", "--config", c.path("conf"), "--out", c.path("bus"))
	conf := c.path("bus/127.0.0.1/nats-server.conf")
	text, err := os.ReadFile(conf)
	if err == nil {
		err = os.WriteFile(conf, []byte(strings.ReplaceAll(string(text), "/var/lib/imapvigil-bus", c.path("store"))), 0o600)
	}
	if err != nil {
		c.t.Fatal(err, said)
	}
	server := exec.Command(bustest.Program(c.t), "-c", conf, "-DV", "-l", c.path("bus.log"))
	if err := server.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = server.Process.Kill() })
	return server
}

// nodeDecides waits until the node decides, and looks at it from all sides.
func (c *canaries) nodeDecides() {
	c.t.Helper()
	c.await("the journal to be made", patience, func() bool {
		_, code := c.command("nodes", "begin")
		return code == 0
	})
	c.await("the node to decide", patience, func() bool {
		out, _ := c.command("nodes")
		return strings.Contains(out, "It decides for all nodes")
	})
	c.await("an incident", patience, func() bool {
		out, _ := c.command("incidents")
		return strings.Contains(out, "mail")
	})
	c.lookAround()
	c.asks("nodes", "step-down")
}

// lookAround asks for all that a node shows.
func (c *canaries) lookAround() {
	c.t.Helper()
	for _, args := range [][]string{
		{"status"},
		{"status", "--json"},
		{"status", "mail"},
		{"nodes"},
		{"nodes", "--json"},
		{"incidents"},
		{"incidents", "--json"},
		{"recheck", "mail"},
		{"plan"},
		{"history", "mail"},
		{"show", "mail"},
		{"validate", c.path("conf")},
	} {
		switch args[0] {
		case "show":
			c.runs(append(args, "--config", c.path("conf"))...)
		case "validate":
			c.runs(args...)
		default:
			c.asks(args...)
		}
	}
	for _, path := range []string{"/", "/c/mail", "/monitor", "/metrics", "/coming", "/deliveries", "/certificates", "/reports", "/api/v1/status", "/api/v1/checks/mail", "/api/v1/checks/mail/history", "/api/v1/incidents"} {
		c.fetches(path)
	}
}

// fetches asks for a page.
func (c *canaries) fetches(path string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	port := ""
	for _, v := range c.env {
		if p, ok := strings.CutPrefix(v, "PAGE="); ok {
			port = p
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || len(text) == 0 {
		c.t.Errorf("%s: %d, %v", path, answer.StatusCode, err)
	}
	fmt.Fprintf(&c.printed, "\nGET %s\n%s\n%v\n", path, text, answer.Header)
}
