//go:build servers

package email_test

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
	"github.com/imapvigil/imapvigil/notifiers/email"
)

// A postfix is Debian's Postfix with a configuration and a queue of its own. It delivers
// all mail of example.net by LMTP.
type postfix struct {
	t    *testing.T
	dir  string
	port int
}

//go:embed testdata/postfix/main.cf.tmpl
var postfixMain string

//go:embed testdata/postfix/master.cf.tmpl
var postfixMaster string

// postfixPrograms is where Debian has the daemons of Postfix.
const postfixPrograms = "/usr/lib/postfix/sbin"

// startPostfix returns a Postfix that greets. It must be started as root.
func startPostfix(t *testing.T, authority *ca.Authority, lmtpPort int) *postfix {
	t.Helper()
	program, err := exec.LookPath("/usr/sbin/postfix")
	if err != nil {
		t.Fatal("postfix not found: apt-get install postfix")
	}
	p := &postfix{t: t}
	// Not the test's own directory, into which Postfix's users cannot get.
	p.dir, err = os.MkdirTemp("/tmp", "postfix-")
	process.Must(t, err)
	t.Cleanup(func() { process.Must(t, os.RemoveAll(p.dir)) })
	process.Must(t, os.Chmod(p.dir, 0o755))
	p.port, err = process.ClaimPort(t, []string{"127.0.0.1"})
	process.Must(t, err)
	p.configure(authority, lmtpPort)
	// It makes the directories of the queue.
	if out, err := exec.Command(program, "-c", p.dir, "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %s", out)
	}
	// What "postfix start-fg" starts, which would outlive it.
	server, err := process.Launch(p.file("output"), postfixPrograms+"/master", "-c", p.dir, "-s")
	process.Must(t, err)
	t.Cleanup(func() {
		process.Must(t, server.End())
		if t.Failed() {
			t.Logf("log of Postfix:\n%s\n%s", process.ReadLog(p.file("output")), process.ReadLog(p.file("log")))
		}
	})
	process.Await(t, server, "Postfix's greeting", 20*time.Millisecond, p.greets)
	return p
}

func (p *postfix) greets(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "220 ") {
		err = fmt.Errorf("the greeting is %q", line)
	}
	return err
}

func (p *postfix) file(name string) string { return filepath.Join(p.dir, name) }

// configure writes what Postfix reads at its start.
func (p *postfix) configure(authority *ca.Authority, lmtpPort int) {
	p.t.Helper()
	values := map[string]any{"Dir": p.dir, "Port": p.port, "LMTPPort": lmtpPort}
	for name, text := range map[string]string{"main.cf": postfixMain, "master.cf": postfixMaster} {
		var file bytes.Buffer
		process.Must(p.t, template.Must(template.New(name).Parse(text)).Execute(&file, values))
		process.Must(p.t, os.WriteFile(p.file(name), file.Bytes(), 0o644))
	}
	process.Must(p.t, os.Mkdir(p.file("data"), 0o700))
	out, err := exec.Command("chown", "postfix", p.file("data")).CombinedOutput()
	if err != nil {
		p.t.Fatalf("chown: %s", out)
	}
	process.Must(p.t, os.Mkdir(p.file("queue"), 0o755))
	certificate := authority.Issue(ca.Leaf{Names: []string{"localhost"}})
	process.Must(p.t, ca.WriteFiles(certificate, p.file("cert.pem"), p.file("key.pem")))
}

// settings lead to the Postfix.
func (p *postfix) settings(authority *ca.Authority) email.Settings {
	return email.Settings{
		Host: "127.0.0.1", Port: p.port, Security: "starttls", TLSServerName: "localhost",
		From: "imapvigil <alerts@example.net>", CA: string(authority.PEM()),
	}
}
