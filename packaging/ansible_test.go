//go:build systemd

package packaging_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAnsible plays the role of examples/ansible, with Debian's Ansible, against
// a machine: once, again, and with variables that are wrong.
func TestAnsible(t *testing.T) {
	t.Parallel()
	mail := map[string]any{"host": "smtp.example.net", "from": "imapvigil@example.org", "username": "alerts"}
	common := map[string]any{
		"imapvigil_mail": mail, "imapvigil_credentials": map[string]string{"smtp-password": "hunter2"},
		"imapvigil_notify_test": false, // that relay does not exist
	}
	one := map[string]any{"imapvigil_servers": []any{map[string]any{"name": "mx1", "hostname": "127.0.0.1"}}}

	t.Run("example", func(t *testing.T) {
		const dir = "../examples/ansible/"
		for _, file := range []string{"site.yml", "nodes.yml"} {
			output(t, "ansible-playbook", "--syntax-check", "--inventory="+dir+"inventory.ini", dir+file)
		}
	})
	t.Run("defaults", func(t *testing.T) {
		t.Parallel()
		p := newPlay(t, boot(t, "trixie", "postfix"), nil)
		p.changes(one)
		p.watches(2)
		p.awaitMail("TEST message for team")
		tests := func() int { return p.count("/var/mail/root", "Subject: [imapvigil] TEST") }
		p.changesNothing(one)
		if n := tests(); n != 1 {
			t.Errorf("%d test messages were sent", n)
		}

		// The play fails until a test message is taken.
		p.run("systemctl", "stop", "postfix")
		other := maps.Clone(one)
		other["imapvigil_team"] = []string{"root@localhost", "postmaster@localhost"}
		for range 2 {
			if said := p.fails(other); !strings.Contains(said, "was not delivered by localhost") || !strings.Contains(said, "connection refused") {
				t.Errorf("the play does not say what is missing: %s", said)
			}
			p.watches(2)
		}
		p.run("systemctl", "start", "postfix")
		p.changes(other)
		p.changesNothing(other)

		authority, err := os.ReadFile("../examples/files/ca.pem")
		if err != nil {
			t.Fatal(err)
		}
		relay := maps.Clone(common)
		maps.Copy(relay, one)
		relay["imapvigil_certificates"] = map[string]string{"company.pem": string(authority)}
		relay["imapvigil_mail"] = map[string]any{
			"host": "smtp.example.net", "from": "imapvigil@example.org", "username": "alerts",
			"port": "465", "security": "tls", "ca_file": "/etc/imapvigil/certificates/company.pem", "tls_server_name": "relay.example.net",
		}
		p.changes(relay)
		p.changesNothing(relay)
		for _, line := range []string{"port     = 465", `security = "tls"`, `ca_file = "/etc/imapvigil/certificates/company.pem"`, `tls_server_name = "relay.example.net"`} {
			if p.count("/etc/imapvigil/people.hcl", line) != 1 {
				t.Errorf("the relay has no line %s: %s", line, p.run("cat", "/etc/imapvigil/people.hcl"))
			}
		}
		p.modes(map[string]string{
			"/etc/imapvigil/certificates":              "2750 root:imapvigil",
			"/etc/imapvigil/certificates/company.pem":  "640 root:imapvigil",
			"/etc/imapvigil/credentials/smtp-password": "640 root:imapvigil",
		})
	})
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		p := newPlay(t, boot(t, "bookworm"), common)
		good := map[string]any{"imapvigil_servers": []any{
			map[string]any{"name": "mx1", "hostname": "127.0.0.1"},
			map[string]any{"name": "mx2", "hostname": "127.0.0.1", "ports": []int{993}},
		}}
		p.changes(good)
		p.watches(3)
		p.changesNothing(good)
		pid := p.property("MainPID")
		said := p.fails(map[string]any{"imapvigil_servers": []any{
			map[string]any{"name": "mx 1", "hostname": "127.0.0.1"},
		}})
		if !strings.Contains(said, `/etc/imapvigil/servers.hcl:3`) {
			t.Errorf("the play does not say where it is wrong: %s", said)
		}
		p.watches(3)

		page := maps.Clone(good)
		page["imapvigil_public_url"], page["imapvigil_operators"] = "https://status.example.net", []string{"anna"}
		page["imapvigil_users"] = map[string]string{"anna": "$2y$10$abcdefghijklmnopqrstuu5W0X0p8QZzQ0m3vqj8jYw9n6s6XlI9e"}
		page["imapvigil_tokens"] = []any{map[string]string{"name": "prometheus", "right": "metrics", "sha256": strings.Repeat("0a", 32)}}
		p.changes(page)
		p.changesNothing(page)
		p.modes(map[string]string{"/etc/imapvigil/users.htpasswd": "640 root:imapvigil", "/etc/imapvigil/tokens": "640 root:imapvigil"})
		if now := p.property("MainPID"); now != pid {
			t.Errorf("process %s became %s", pid, now)
		}
	})

	t.Run("tree", func(t *testing.T) {
		t.Parallel()
		p := newPlay(t, boot(t, "bookworm"), common)
		all := customers(400)
		p.changes(all)
		p.watches(800)
		p.changesNothing(all)

		pid := p.property("MainPID")
		wrong := customers(400)
		wrong["imapvigil_customers"].([]any)[200].(map[string]any)["contact"] = "nobody"
		for _, mode := range [][]string{{"--check"}, nil} {
			if said := p.fails(wrong, mode...); !strings.Contains(said, "/etc/imapvigil/.next/customers/c201.hcl:8") {
				t.Errorf("the play does not say where it is wrong: %s", said)
			}
			p.watches(800)
		}
		p.changesNothing(all, "--check")

		// What validates may still be refused, by the daemon, and again at the next run.
		few := customers(10)
		for range 2 {
			if said := p.fails(few); !strings.Contains(said, "--allow-shrink") {
				t.Errorf("the play does not say what is wrong: %s", said)
			}
			p.watches(800)
		}
		if now := p.property("MainPID"); now != pid {
			t.Errorf("process %s became %s", pid, now)
		}
		few["imapvigil_allow_shrink"] = true
		p.changes(few)
		p.watches(20)
	})
}

func customers(n int) map[string]any {
	var list []any
	for i := range n {
		name := fmt.Sprintf("c%03d", i+1)
		list = append(list, map[string]any{"name": name, "label": fmt.Sprint("Customer ", i+1), "contact": "it@" + name + ".example"})
	}
	return map[string]any{"imapvigil_customers": list}
}

// A play runs the role on a machine, or on several.
type play struct {
	*machine
	dir  string
	vars map[string]any // that are the same each time
}

// in returns the same play for a part of the test.
func (p *play) in(t *testing.T) *play { return &play{p.machine.in(t), p.dir, p.vars} }

// newPlay makes a play for one machine.
func newPlay(t *testing.T, m *machine, vars map[string]any) *play {
	return newPlayOn(t, map[string]*machine{"monitor": m}, "monitor\n", vars)
}

// newPlayOn makes a play for the machines of an inventory. It takes the place of ssh: Ansible
// reaches them without a network.
func newPlayOn(t *testing.T, machines map[string]*machine, inventory string, vars map[string]any) *play {
	p := &play{dir: t.TempDir(), vars: vars}
	var cases strings.Builder
	for host, m := range machines {
		p.machine = m
		fmt.Fprintf(&cases, "\t%s) leader=%s ;;\n", host, m.leader)
	}
	// The last argument is the command.
	write(t, filepath.Join(p.dir, "ssh"), "#!/bin/sh\nfor command; do\n\tcase $command in\n"+cases.String()+"\tesac\ndone\n"+
		"exec nsenter --target=$leader --mount --uts --ipc --net --pid --cgroup -- sh -c \"$command\"\n", 0o755)
	write(t, filepath.Join(p.dir, "inventory.ini"), inventory, 0o644)
	write(t, filepath.Join(p.dir, "site.yml"), "- {hosts: all, gather_facts: false, roles: [imapvigil]}\n", 0o644)
	return p
}

// play gives what Ansible said, and whether it succeeded.
func (p *play) play(vars map[string]any, flags ...string) (string, bool) {
	p.t.Helper()
	deb, err := filepath.Abs(built(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	all := map[string]any{"imapvigil_deb": deb, "ansible_python_interpreter": "/usr/bin/python3"}
	maps.Copy(all, p.vars)
	maps.Copy(all, vars)
	text, err := json.Marshal(all)
	if err != nil {
		p.t.Fatal(err)
	}
	write(p.t, filepath.Join(p.dir, "vars.json"), string(text), 0o600)
	roles, err := filepath.Abs("../examples/ansible/roles")
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	c := exec.CommandContext(ctx, "ansible-playbook", append(flags, "--inventory=inventory.ini", "--extra-vars=@vars.json", "site.yml")...)
	c.Dir, c.WaitDelay = p.dir, 10*time.Second
	c.Env = append(os.Environ(), "ANSIBLE_ROLES_PATH="+roles, "ANSIBLE_SSH_EXECUTABLE="+filepath.Join(p.dir, "ssh"),
		"ANSIBLE_SSH_TRANSFER_METHOD=piped", "ANSIBLE_PIPELINING=true", "ANSIBLE_NOCOLOR=true", "ANSIBLE_LOCAL_TEMP="+p.dir, "ANSIBLE_HOME="+p.dir,
		"LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	said, err := c.CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		p.t.Fatalf("%v; on Debian, ansible-core has it", err)
	}
	return string(said), err == nil
}

func (p *play) changes(vars map[string]any) {
	p.t.Helper()
	if said, ok := p.play(vars); !ok || strings.Contains(said, "changed=0 ") {
		p.t.Fatalf("the play did not succeed, or changed nothing: %s", said)
	}
}

func (p *play) changesNothing(vars map[string]any, flags ...string) {
	p.t.Helper()
	if said, ok := p.play(vars, flags...); !ok || !strings.Contains(said, "changed=0 ") {
		p.t.Fatalf("the play did not succeed, or changed something: %s", said)
	}
}

func (p *play) fails(vars map[string]any, flags ...string) string {
	p.t.Helper()
	said, ok := p.play(vars, flags...)
	if ok {
		p.t.Fatalf("the play succeeded: %s", said)
	}
	return said
}

// count counts how often a text is in a file of the machine.
func (p *play) count(file, text string) int {
	p.t.Helper()
	content, err := os.ReadFile(p.path(file))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Count(string(content), text)
}

// watches: the daemon runs that many checks.
func (p *play) watches(checks int) {
	p.t.Helper()
	if status := p.property("StatusText"); !strings.HasPrefix(status, fmt.Sprintf("watching %d checks", checks)) {
		p.t.Errorf("the status is %q", status)
	}
}
