//go:build systemd

package packaging_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// TestFirstDay does what an administrator does on the first day, on a Debian with Postfix and
// Dovecot, with the values that the package comes with: install it, edit the starter file, be
// alarmed, and be told of the end. Most of it is waiting, so all tests that boot a machine share
// its time.
func TestFirstDay(t *testing.T) {
	t.Parallel()
	for release, configure := range map[string]func(*machine){"bookworm": takesTheStarterIntoUse, "trixie": answersInit} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			m := boot(t, release, "dovecot", "postfix")
			for _, part := range []struct {
				name string
				do   func(*machine)
			}{
				{"Dovecot", trustsDovecot},
				{"installed", installsAndSeesWhatToDo},
				{"configured", configure},
				{"reached", reachesRoot},
				{"failure", fails},
				// What does not depend on the failure fills the time until its message.
				{"files only root can read", saysHowTheDaemonReadsAFile},
				{"an ordinary user", saysHowToJoinTheGroup},
				{"plan", comparesFilesFromAnywhere},
				{"manual and completion", findsTheManual},
				{"alarm", alarms},
				{"acknowledgement", recordsWhoAcknowledges},
				{"recovery", recovers},
			} {
				begun := time.Now()
				ok := t.Run(part.name, func(t *testing.T) { part.do(m.in(t)) })
				t.Logf("%s took %v", part.name, time.Since(begun).Round(time.Second))
				if !ok {
					return
				}
			}
		})
	}
}

// trustsDovecot gives Dovecot a certificate for localhost, of an authority that the machine
// trusts.
func trustsDovecot(m *machine) { m.trusts(certifiesDovecot(m, "localhost")) }

// trusts has a machine trust an authority.
func (m *machine) trusts(authority *ca.Authority) {
	m.t.Helper()
	m.write("/usr/local/share/ca-certificates/company.crt", string(authority.PEM()))
	m.run("update-ca-certificates")
}

// certifiesDovecot gives Dovecot a certificate for a name, of the authority that it returns.
// Debian's files are links, which the machine itself has to follow.
func certifiesDovecot(m *machine, name string) *ca.Authority {
	m.t.Helper()
	authority, dir := ca.New(), m.t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	if err := ca.WriteFiles(authority.Issue(ca.Leaf{Names: []string{name}}), cert, key); err != nil {
		m.t.Fatal(err)
	}
	for file, link := range map[string]string{cert: "dovecot.pem", key: "dovecot.key"} {
		text, err := os.ReadFile(file)
		if err != nil {
			m.t.Fatal(err)
		}
		m.write("/root/"+link, string(text))
		m.run("mv", "/root/"+link, "/etc/dovecot/private/"+link)
	}
	m.run("systemctl", "restart", "dovecot")
	return authority
}

func installsAndSeesWhatToDo(m *machine) {
	said := m.install(built(m.t))
	for _, command := range []string{"imapvigil init", "imapvigil validate", "imapvigil notify-test postmaster", "imapvigil status"} {
		if !strings.Contains(said, "sudo "+command) {
			m.t.Errorf("the package does not speak of %s: %s", command, said)
		}
	}
}

// takesTheStarterIntoUse: the starter file is uncommented as it says, with the names of this
// machine in it.
func takesTheStarterIntoUse(m *machine) {
	m.run("sed", "-i", "-e", "s/^# //", "-e", "s/imap.example.org/localhost/", "-e", "s/imapvigil@example.org/imapvigil@localhost/",
		"-e", "s/postmaster@example.org/root@localhost/", installedFile)
}

// answersInit: init finds Dovecot and Postfix, and writes a file that the daemon can read in the
// place of the starter file.
func answersInit(m *machine) {
	said := m.run("imapvigil", "init", "--host", "localhost", "--relay", "localhost", "--to", "root@localhost")
	if !strings.Contains(said, "Written: "+installedFile) {
		m.t.Errorf("init says: %s", said)
	}
	m.run("sed", "-i", "s/^server \"localhost\"/server \"mx1\"/", installedFile)
}

// reachesRoot: what is configured watches Dovecot, and notifies root by Postfix.
func reachesRoot(m *machine) {
	m.modes(map[string]string{installedFile: "640 root:imapvigil"})
	if said := m.run("imapvigil", "validate"); !strings.Contains(said, "/etc/imapvigil is valid: 2 checks") {
		m.t.Errorf("validate says: %s", said)
	}
	m.run("systemctl", "reload", "imapvigil")
	if status := m.property("StatusText"); !strings.HasPrefix(status, "watching 2 checks") {
		m.t.Errorf("the status is %q", status)
	}
	if said := m.run("imapvigil", "notify-test", "postmaster"); !strings.Contains(said, "sent: 250 ") {
		m.t.Errorf("notify-test does not show what Postfix answered: %s", said)
	}
	m.awaitMail("TEST message for postmaster")
	m.run("imapvigil", "recheck", "mx1")
	m.run("imapvigil", "status") // ends with 0: all is well
}

// awaitMail waits until root has a mail with a subject, and returns how long that took.
func (m *machine) awaitMail(subject string) time.Duration {
	m.t.Helper()
	begun := time.Now()
	await(m.t, 4*patience, "a mail to root: "+subject, func() bool {
		mail, err := os.ReadFile(m.path("/var/mail/root"))
		return err == nil && regexp.MustCompile(`(?m)^Subject: \[imapvigil\] .*`+regexp.QuoteMeta(subject)).Match(mail)
	})
	return time.Since(begun)
}

func fails(m *machine) {
	m.run("systemctl", "stop", "dovecot")
	m.try("imapvigil", "recheck", "mx1")
	if said, code := m.try("imapvigil", "status"); code != 1 || !strings.Contains(said, "reported in ") {
		m.t.Errorf("status ended with %d: %s", code, said)
	}
}

// saysHowTheDaemonReadsAFile: for a secret and a file that root alone can read, validate as root
// says what to type, and once that is typed the reload succeeds.
func saysHowTheDaemonReadsAFile(m *machine) {
	const file, secret = "/etc/imapvigil/login.hcl", "/etc/imapvigil/credentials/probe"
	m.write(file, "imap_check \"login\" {\n  hostname = \"localhost\"\n  login {\n    username = \"probe\"\n    password = credential(\"probe\")\n  }\n}\n")
	said, code := m.try("imapvigil", "validate")
	// The command that is printed reads the secret from standard input.
	if code != 1 || !strings.Contains(said, "install -m 640 -g imapvigil /dev/stdin "+secret) {
		m.t.Errorf("about a secret that is missing validate ends with %d and says: %s", code, said)
	}
	m.run("install", "-m", "600", "-o", "root", "-g", "root", "/etc/hostname", secret)
	m.run("chown", "root:root", file)
	m.run("chmod", "600", file)
	said, code = m.try("imapvigil", "validate")
	remedies := regexp.MustCompile(`(?m)^ +(chgrp .*)$`).FindAllStringSubmatch(said, -1)
	if code != 1 || len(remedies) != 2 {
		m.t.Fatalf("about files that the daemon cannot read validate ends with %d and says: %s", code, said)
	}
	if said, code := m.try("systemctl", "reload", "imapvigil"); code == 0 {
		m.t.Errorf("the reload succeeded: %s", said)
	}
	for _, remedy := range remedies {
		m.run("sh", "-c", remedy[1])
	}
	m.run("imapvigil", "validate")
	m.run("systemctl", "reload", "imapvigil")
	m.modes(map[string]string{file: "640 root:imapvigil", secret: "640 root:imapvigil"})
	m.run("rm", file, secret)
	m.run("systemctl", "reload", "imapvigil")
}

// saysHowToJoinTheGroup: a user who is turned away is told what to type, and afterwards sees
// status, journal and files.
func saysHowToJoinTheGroup(m *machine) {
	m.run("useradd", "--create-home", "anna")
	anna := func(args ...string) (string, int) {
		return m.try(append([]string{"runuser", "--user", "anna", "--", "imapvigil"}, args...)...)
	}
	for _, command := range []string{"status", "plan", "journal", "incidents"} {
		if said, code := anna(command); code != 3 || !strings.Contains(said, "use sudo, or join the group imapvigil: adduser anna imapvigil") {
			m.t.Errorf("%s ends with %d and says: %s", command, code, said)
		}
	}
	m.run("adduser", "anna", "imapvigil")
	for command, want := range map[string]int{"status": 1, "plan": 0, "journal": 0, "incidents": 0, "validate": 0} {
		if said, code := anna(command); code != want {
			m.t.Errorf("for a member of the group %s ends with %d and says: %s", command, code, said)
		}
	}
}

// comparesFilesFromAnywhere: also those in directories that the daemon does not see, and those
// that it may not read.
func comparesFilesFromAnywhere(m *machine) {
	for dir, user := range map[string]string{"/tmp/new": "root", "/root/new": "root", "/home/anna/new": "anna"} {
		m.run("cp", "-r", "/etc/imapvigil", dir)
		m.run("sed", "-i", "s/port = 143/port = 143\\ninterval = \"2m\"/", dir+"/imapvigil.hcl")
		m.run("chown", "-R", user+":", dir)
		said, code := m.try("runuser", "--user", user, "--", "imapvigil", "plan", dir)
		if code != 2 || !strings.Contains(said, "~ mx1/starttls\n    interval: 1m -> 2m") {
			m.t.Errorf("plan %s ends with %d and says: %s", dir, code, said)
		}
	}
}

// findsTheManual: man(1) shows each page without a complaint, and Bash completes the checks of
// the daemon.
func findsTheManual(m *machine) {
	for _, page := range []string{"imapvigil.8", "imapvigil.hcl.5", "imapvigil-howto.7", "imapvigil-states.7", "imapvigil-migrate.7", "imapvigil-page.7", "imapvigil-notifiers.7"} {
		name, section := page[:len(page)-2], page[len(page)-1:]
		said := m.run("env", "MANWIDTH=80", "man", "--warnings", section, name)
		// The title in the first line may be shortened, the name is not.
		if !regexp.MustCompile(`(?m)^ +` + regexp.QuoteMeta(name) + ` +[-–—]`).MatchString(said) {
			m.t.Errorf("man %s %s begins with %.200s", section, name, said)
		}
	}
	said := m.run("bash", "-c", `
		. /usr/share/bash-completion/bash_completion
		_completion_loader imapvigil || true
		COMP_WORDS=(imapvigil status "") COMP_CWORD=2 COMP_LINE="imapvigil status " COMP_POINT=17
		compopt() { :; } # bash has it while it completes only
		__start_imapvigil
		echo "${COMPREPLY[@]}"`)
	if !strings.Contains(said, "mx1/imaps mx1/starttls") {
		m.t.Errorf("Bash offers %q", said)
	}
}

// alarms: both checks in one mail, which says how to acknowledge them.
func alarms(m *machine) {
	m.t.Logf("the mail came after %v more", m.awaitMail("2 down: ").Round(time.Second))
	mail, err := os.ReadFile(m.path("/var/mail/root"))
	if err != nil || !strings.Contains(string(mail), "imapvigil ack ") {
		m.t.Errorf("the mail does not say how to acknowledge (%v)", err)
	}
	if _, code := m.try("imapvigil", "status"); code != 2 {
		m.t.Errorf("status ended with %d", code)
	}
}

// recordsWhoAcknowledges: the unit hides the users of the socket from the daemon.
func recordsWhoAcknowledges(m *machine) {
	said := m.run("runuser", "--user", "anna", "--", "imapvigil", "ack", "mx1", "--reason", "it is me")
	if strings.Count(said, "acknowledged by anna") != 2 {
		m.t.Errorf("ack says: %s", said)
	}
	if said, _ := m.try("imapvigil", "status"); !strings.Contains(said, "acknowledged by anna") {
		m.t.Errorf("status says: %s", said)
	}
}

// recovers: both checks in one mail. They are probed at the same time, however slow the machine is.
func recovers(m *machine) {
	m.run("systemctl", "start", "dovecot")
	m.run("imapvigil", "recheck", "mx1")
	m.t.Logf("the mail came after %v", m.awaitMail("2 recovered: ").Round(time.Second))
	m.run("imapvigil", "status")
}
