//go:build systemd

package packaging_test

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestRPM takes the rpm through its life. Its scripts need rpm and systemd, no
// Fedora; what it depends on goes by other names here.
func TestRPM(t *testing.T) {
	t.Parallel()
	m := boot(t, "bookworm")
	content, err := os.ReadFile(made(t, kinds[1].file[runtime.GOARCH]))
	if err != nil {
		t.Fatal(err)
	}
	m.write("/root/imapvigil.rpm", string(content))
	if said := m.run("rpm", "--install", "--nodeps", "--force-debian", "/root/imapvigil.rpm"); strings.Contains(said, "ailed") {
		t.Errorf("its scripts say: %s", said)
	}
	if state := m.property("ActiveState"); state != "inactive" {
		t.Errorf("an rpm starts nothing, but the service is %s", state)
	}
	m.run("systemctl", "start", "imapvigil")
	if status := m.property("StatusText"); status != "watching 0 checks on 0 servers" {
		t.Errorf("the status is %q", status)
	}
	m.modes(map[string]string{
		"/etc/imapvigil":             "2750 root:imapvigil",
		"/etc/imapvigil/credentials": "2750 root:imapvigil",
		"/var/lib/imapvigil":         "750 imapvigil:imapvigil",
	})
	if said, _ := m.try("rpm", "--verify", "--nodeps", "imapvigil"); said != "" {
		t.Errorf("what is installed is not what was packed: %s", said)
	}

	const mine = "# mine\n"
	m.write(installedFile, mine)
	pid := m.property("MainPID")
	m.run("rpm", "--upgrade", "--replacepkgs", "--nodeps", "--force-debian", "/root/imapvigil.rpm")
	if now := m.property("MainPID"); now == pid || now == "0" {
		t.Errorf("after an upgrade process %s became %s", pid, now)
	}
	if text, err := os.ReadFile(m.path(installedFile)); err != nil || string(text) != mine {
		t.Errorf("the file of the administrator is %q (%v)", text, err)
	}

	m.run("rpm", "--erase", "imapvigil")
	if m.property("ActiveState") != "inactive" || m.exists("/usr/bin/imapvigil") {
		t.Error("the service was not stopped, or not removed")
	}
	if !m.exists("/var/lib/imapvigil/journal") || !m.exists(installedFile+".rpmsave") {
		t.Error("removing did not keep state and files")
	}
}

// What Alpine's adduser and addgroup do with the flags that they are given.
const alpine = `#!/bin/sh
case $0 in
*/addgroup) exec groupadd --system "$2" ;;
esac
while getopts SDHh:s:G:g: flag; do
	case $flag in
	h) home=$OPTARG ;;
	s) shell=$OPTARG ;;
	G) group=$OPTARG ;;
	g) name=$OPTARG ;;
	esac
done
shift $((OPTIND - 1))
exec useradd --system --no-create-home --home-dir "$home" --shell "$shell" --gid "$group" --comment "$name" "$1"
`

// TestAPKScript runs the script of the apk, which makes user and directories as
// sysusers.d and tmpfiles.d do elsewhere, and may run again.
func TestAPKScript(t *testing.T) {
	t.Parallel()
	m := boot(t, "bookworm")
	script, err := os.ReadFile("scripts/apk/post-install")
	if err != nil {
		t.Fatal(err)
	}
	m.write("/root/post-install", string(script))
	for _, name := range []string{"addgroup", "adduser"} {
		m.write("/usr/local/bin/"+name, alpine)
		m.run("chmod", "755", "/usr/local/bin/"+name)
	}
	for range 2 {
		m.run("env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "sh", "/root/post-install")
	}
	m.modes(map[string]string{
		"/etc/imapvigil":             "2750 root:imapvigil",
		"/etc/imapvigil/credentials": "2750 root:imapvigil",
	})
	if user := m.run("getent", "passwd", "imapvigil"); !strings.HasSuffix(user, ":IMAP monitor:/var/lib/imapvigil:/sbin/nologin") {
		t.Errorf("the user is %s", user)
	}
}
