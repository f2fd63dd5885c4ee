//go:build systemd

package packaging_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestProgramsOfTheService runs programs as notifiers of the kind exec do, in the service as it is
// installed, and with the drop-ins of imapvigil-notifiers(7) for those that fail in it.
func TestProgramsOfTheService(t *testing.T) {
	t.Parallel()
	m := boot(t, "bookworm")
	m.install(built(t))
	m.write("/usr/local/bin/plain", "#!/bin/sh\nread -r line; echo \"of ${#line} characters\" | tr -d '0-9'\n")
	// A file below /var/lib/imapvigil is a home that works.
	m.write("/usr/local/bin/home", "#!/bin/sh\nmkdir -p \"$HOME/.config\" && echo kept >\"$HOME/.config/x\" && cat \"$HOME/.config/x\"\n")
	// As Java and Node do: memory that is written, and then run.
	m.write("/usr/local/bin/machine-code", "#!/usr/bin/python3\nimport mmap\nmmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\nprint('runs')\n")
	m.write("/usr/local/bin/interfaces", "#!/usr/bin/python3\nimport socket\nprint(socket.if_nameindex()[0][1])\n")
	m.run("chmod", "755", "/usr/local/bin/interfaces", "/usr/local/bin/plain", "/usr/local/bin/home", "/usr/local/bin/machine-code")
	for _, test := range []struct {
		name, block string
		without     string // part of the receipt or of the error
		dropIn      string // of the manual; empty: none is needed
		with        string
	}{
		{"plain", `command = ["/usr/local/bin/plain", "{subject}"]`, "of characters", "", ""},
		{"home", `command = ["/usr/local/bin/home"]
  env     = { HOME = "/var/lib/imapvigil" }`, "kept", "", ""},
		{"nohome", `command = ["/usr/local/bin/home"]`, "exit status 1", "", ""},
		{"code", `command = ["/usr/local/bin/machine-code"]`, "exit status 1: PermissionError", "MemoryDenyWriteExecute=no", "runs"},
		{"interfaces", `command = ["/usr/local/bin/interfaces"]`, "exit status 1: OSError", "RestrictAddressFamilies=AF_NETLINK", "sent: lo"},
		// Nothing in the service can get the rights of a group that postdrop has.
		{"sendmail", `command = ["/usr/sbin/sendmail", "-i", "root@localhost"]
  input   = "text"
  timeout = "5s"`, "Address family not supported", "RestrictAddressFamilies=AF_NETLINK\nNoNewPrivileges=no\nRestrictSUIDSGID=no\nPrivateUsers=no", "Permission denied"},
	} {
		m.write("/etc/imapvigil/programs.hcl", fmt.Sprintf(`notifier "exec" "it" {
  %s
}
notification_role "programs" {
  notify {
    via = notifier.exec.it
  }
}
`, test.block))
		tried := func(dropIn, want string) {
			m.write("/etc/systemd/system/imapvigil.service.d/programs.conf", "[Service]\n"+dropIn+"\n")
			m.run("systemctl", "daemon-reload")
			m.run("systemctl", "restart", "imapvigil")
			if said, _ := m.try("imapvigil", "notify-test", "programs"); !strings.Contains(said, want) {
				t.Errorf("%s with %q: %s, want %q", test.name, dropIn, said, want)
			}
		}
		tried("", test.without)
		if test.dropIn != "" {
			tried(test.dropIn, test.with)
		}
	}
}
