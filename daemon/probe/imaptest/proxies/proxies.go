// Package proxies runs real proxies for tests, as they stand in front of mail servers:
// nginx, haproxy and stunnel, each with a configuration, ports, certificate and log of its own in
// a temporary directory.
//
// It owns those processes. It never touches a configuration of the system, or any address
// that is not loopback.
//
// A caller may rely on this: when a proxy was started, all of its ports take connections;
// when the test ends, it is gone, and if the test failed, its log has been printed.
// Without the program the test fails and says what to install; it is never skipped. The
// test binary may run as root or not.
package proxies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"text/template"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// A program is a proxy of Debian.
type program struct {
	name     string
	packages string
	args     func(config string) []string
	before   string // what comes before the test's own configuration
}

var haproxy = program{
	name: "haproxy", packages: "haproxy",
	args: func(config string) []string { return []string{"-db", "-f", config} },
	before: `
global
	log stdout format raw local0
	maxconn 100
defaults
	mode tcp
	log global
	timeout connect 10s
	timeout client 1m
	timeout server 1m
`,
}

var nginx = program{
	name: "nginx", packages: "nginx libnginx-mod-mail libnginx-mod-stream",
	args: func(config string) []string {
		return []string{"-e", "stderr", "-p", filepath.Dir(config), "-c", config}
	},
	// Debian puts the modules there whatever the architecture.
	before: `
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
pid {{.Dir}}/nginx.pid;
error_log stderr info;
events { worker_connections 100; }
`,
}

var stunnel = program{
	name: "stunnel4", packages: "stunnel4",
	args: func(config string) []string { return []string{config} },
	before: `
foreground = yes
pid =
syslog = no
cert = {{.Dir}}/cert.pem
key = {{.Dir}}/key.pem
`,
}

// Options are what a proxy is started with.
type Options struct {
	// Config is the configuration, in the program's language and as a text/template:
	// {{port 0}} is the first of the proxy's ports, {{.Dir}} its directory, in which
	// cert.pem and key.pem are, and both.pem, which holds both.
	Config string
	// Ports is how many ports the configuration has, all on 127.0.0.1.
	Ports int
	// Authority issues the certificate; nil makes a new one.
	Authority *ca.Authority
	// Certificate is shown; a good one for localhost and 127.0.0.1 when zero.
	Certificate ca.Leaf
}

// A Proxy is one of them, running or stopped.
type Proxy struct {
	t       testing.TB
	program program
	options Options
	binary  string
	ports   []int
	running *process.Process // nil while stopped

	// Dir is its directory.
	Dir string
}

// HAProxy starts a haproxy in the foreground, with one process.
func HAProxy(t testing.TB, o Options) *Proxy {
	t.Helper()
	return start(t, haproxy, o)
}

// Nginx starts an nginx with the modules mail and stream.
func Nginx(t testing.TB, o Options) *Proxy {
	t.Helper()
	return start(t, nginx, o)
}

// Stunnel starts a stunnel with the proxy's certificate.
func Stunnel(t testing.TB, o Options) *Proxy {
	t.Helper()
	return start(t, stunnel, o)
}

func start(t testing.TB, what program, o Options) *Proxy {
	t.Helper()
	if o.Authority == nil {
		o.Authority = ca.New()
	}
	p := &Proxy{t: t, program: what, options: o}
	process.Must(p.t, p.prepare())
	// Cleanups run last first: discard, then this, then the removal of the directory with the log.
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", what.name, p.Log())
		}
	})
	t.Cleanup(p.discard)
	p.Start()
	return p
}

// find looks for the program in the PATH and in /usr/sbin, which is not in the PATH of Debian's
// ordinary users.
func (p *Proxy) find() (err error) {
	if p.binary, err = exec.LookPath(p.program.name); err != nil {
		p.binary, err = exec.LookPath("/usr/sbin/" + p.program.name)
	}
	if err != nil {
		return fmt.Errorf("%s not found: apt-get install %s", p.program.name, p.program.packages)
	}
	return nil
}

func (p *Proxy) prepare() error {
	if err := p.find(); err != nil {
		return err
	}
	for range p.options.Ports {
		port, err := process.ClaimPort(p.t, []string{"127.0.0.1"})
		if err != nil {
			return err
		}
		p.ports = append(p.ports, port)
	}
	dir, err := os.MkdirTemp("/tmp", p.program.name+"-") // the test's TempDir may be where nginx' workers may not go
	if err != nil {
		return err
	}
	p.Dir = dir
	p.t.Cleanup(func() { process.Must(p.t, os.RemoveAll(dir)) })
	// MkdirTemp lets only its owner in; nginx' workers are other users.
	return errors.Join(os.Chmod(dir, 0o755), p.writeCertificate(), p.writeConfig())
}

func (p *Proxy) writeCertificate() error {
	leaf := p.options.Certificate
	if len(leaf.Names) == 0 && len(leaf.IPs) == 0 {
		leaf.Names, leaf.IPs = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	cert, key := filepath.Join(p.Dir, "cert.pem"), filepath.Join(p.Dir, "key.pem")
	if err := ca.WriteFiles(p.options.Authority.Issue(leaf), cert, key); err != nil {
		return err
	}
	// haproxy reads certificate and key from one file.
	var both bytes.Buffer
	for _, file := range []string{cert, key} {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		both.Write(text)
	}
	return os.WriteFile(filepath.Join(p.Dir, "both.pem"), both.Bytes(), 0o600)
}

func (p *Proxy) configFile() string { return filepath.Join(p.Dir, p.program.name+".conf") }

func (p *Proxy) writeConfig() error {
	layout, err := template.New("").Funcs(template.FuncMap{"port": p.Port}).Parse(p.program.before + p.options.Config)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := layout.Execute(&text, p); err != nil {
		return err
	}
	return os.WriteFile(p.configFile(), text.Bytes(), 0o600)
}

// Start starts a stopped proxy again, on the same ports. A running one is left alone.
func (p *Proxy) Start() {
	p.t.Helper()
	if p.running != nil {
		return
	}
	running, err := process.Launch(p.logFile(), append([]string{p.binary}, p.program.args(p.configFile())...)...)
	if err != nil {
		p.t.Fatalf("starting %s: %v", p.program.name, err)
	}
	p.running = running
	for i := range p.ports {
		p.await("a connection to "+p.Address(i), func(ctx context.Context) error {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Address(i))
			if err == nil {
				_ = conn.Close()
			}
			return err
		})
	}
}

// Stop ends the proxy and returns when its ports refuse connections.
func (p *Proxy) Stop() {
	p.t.Helper()
	if p.running == nil {
		return
	}
	process.Must(p.t, p.running.End())
	p.running = nil
	for i := range p.ports {
		p.await("connections to be refused", func(ctx context.Context) error { return process.Refuses(ctx, p.Address(i)) })
	}
}

// discard kills the proxy at the end of the test, which need not be polite.
func (p *Proxy) discard() {
	if p.running != nil {
		process.Must(p.t, p.running.Kill())
	}
}

func (p *Proxy) await(what string, condition func(context.Context) error) {
	p.t.Helper()
	process.Await(p.t, p.running, what, 10*time.Millisecond, condition)
}

// Port returns one of the proxy's ports, counted from 0.
func (p *Proxy) Port(i int) int { return p.ports[i] }

// Address returns host:port of one of the proxy's ports, counted from 0.
func (p *Proxy) Address(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.ports[i])) }

// Log returns what the proxy has written to its outputs.
func (p *Proxy) Log() string { return process.ReadLog(p.logFile()) }

func (p *Proxy) logFile() string { return filepath.Join(p.Dir, "log") }
