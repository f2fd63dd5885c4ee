package dovecot

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/debian"
)

//go:embed *.tmpl
var files embed.FS

var templates = template.Must(template.ParseFS(files, "*.tmpl"))

var errNotInstalled = errors.New("dovecot not found: apt-get install dovecot-imapd")

// find returns the path of Dovecot and the template that suits its version. /usr/sbin is
// looked into as well, since it is not in the PATH of Debian's ordinary users.
func find(image debian.Image) (binary, version string, err error) {
	var out []byte
	if image != "" {
		binary = "/usr/sbin/dovecot"
		said, failed := image.Run(nil, "", binary, "--version")
		out, err = []byte(said), failed
	} else {
		if binary, err = exec.LookPath("dovecot"); err != nil {
			binary, err = exec.LookPath("/usr/sbin/dovecot")
		}
		if err != nil {
			return "", "", errNotInstalled
		}
		out, err = exec.Command(binary, "--version").Output()
	}
	if err != nil {
		return "", "", fmt.Errorf("asking %s for its version: %w", binary, err)
	}
	// Dovecot 2.4 does not understand a configuration of 2.3, nor 2.3 one of 2.4.
	for _, version := range []string{"2.3", "2.4"} {
		if strings.HasPrefix(string(out), version+".") {
			return binary, version, nil
		}
	}
	return "", "", fmt.Errorf("%s is version %s, neither 2.3 nor 2.4: add a template beside dovecot-2.4.conf.tmpl", binary, bytes.TrimSpace(out))
}

// settings is what the templates see.
type settings struct {
	Options
	Dir, Listen         string
	Mechanisms          string
	IMAPPort, IMAPSPort int
	MailUser, MailGroup string
	Unprivileged        bool
	AuthDown            bool
}

func (s *Server) configFile() string { return filepath.Join(s.dir, "dovecot.conf") }

// writeConfig replaces the configuration file; Start and reload read it.
func (s *Server) writeConfig() error {
	values := settings{
		Options:    s.options,
		Dir:        s.dir,
		Listen:     strings.Join(s.options.Addresses, ", "),
		Mechanisms: strings.ToLower(strings.Join(s.options.Mechanisms, " ")),
		IMAPPort:   s.imap,
		IMAPSPort:  s.imaps,
		MailUser:   "nobody",
		MailGroup:  "nogroup",
		AuthDown:   s.authDown,
	}
	// Only root may start processes of other users.
	if os.Geteuid() != 0 {
		if err := values.runAsMyself(); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, "dovecot-"+s.version+".conf.tmpl", values); err != nil {
		return fmt.Errorf("writing the server's configuration: %w", err)
	}
	return os.WriteFile(s.configFile(), text.Bytes(), 0o644)
}

// runAsMyself gives every process of the server to the user who runs the test, as in
// https://doc.dovecot.org, "Rootless Installation".
func (v *settings) runAsMyself() error {
	me, err := user.Current()
	if err != nil {
		return fmt.Errorf("finding out who runs the test: %w", err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		return fmt.Errorf("finding out who runs the test: %w", err)
	}
	v.MailUser, v.MailGroup, v.Unprivileged = me.Username, group.Name, true
	return nil
}

// passwd returns the contents of a passwd-file. Passwords are in base64, so that they may hold any
// byte, the colon that separates fields included.
func passwd(o Options) []byte {
	var file bytes.Buffer
	for name, password := range o.Users {
		scheme, kept := "PLAIN.b64", []byte(password)
		if o.HashedPasswords {
			// SSHA256 is the hash of the password with the salt behind it, and then the salt.
			const salt = "a test's salt"
			sum := sha256.Sum256([]byte(password + salt))
			scheme, kept = "SSHA256.b64", append(sum[:], salt...)
		}
		fmt.Fprintf(&file, "%s:{%s}%s\n", name, scheme, base64.StdEncoding.EncodeToString(kept))
	}
	return file.Bytes()
}
