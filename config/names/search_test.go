package names_test

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/config/names"
)

const inside = "IMAPVIGIL_TEST_INSIDE"

// TestSearchList runs TestInside in a network of its own, with an /etc/resolv.conf
// and an /etc/hosts of its own. As an ordinary user it takes user namespaces
// (user_namespaces(7)).
func TestSearchList(t *testing.T) {
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestInside$", "-test.v")
	c.Env = append(os.Environ(), inside+"="+t.TempDir())
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInside") {
		t.Errorf("%v\n%s", err, out)
	}
}

const resolvConf = `nameserver 127.0.0.1
search corp.example lab.example
options ndots:5 timeout:1
`

const hosts = `127.0.0.1 localhost
127.0.0.3 In.Hosts.Test inhosts
`

func TestInside(t *testing.T) {
	dir := os.Getenv(inside)
	if dir == "" {
		return // TestSearchList has not sent us
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	putInPlace(t, dir, "/etc/resolv.conf", resolvConf)
	putInPlace(t, dir, "/etc/hosts", hosts)
	raiseLoopback(t)
	answerNames(t, map[string]string{
		"mail.here.test.": "127.0.0.1", "corp.example.": "127.0.0.9", "mx1.lab.example.": "127.0.0.4", "xn--bcher-kva.test.": "127.0.0.5",
	})
	for host, want := range map[string]string{
		"mail.here.test": "127.0.0.1", "mail.here.test.": "127.0.0.1", "MAIL.Here.Test": "127.0.0.1", "xn--bcher-kva.test": "127.0.0.5",
		"mail.gone.test": "", "mail.gone.test.": "", "mx1.": "",
		"in.hosts.test": "127.0.0.3", "in.hosts.test.": "127.0.0.3", "inhosts": "127.0.0.3", "localhost": "127.0.0.1",
		"mx1": "127.0.0.9", // whose search domain has a wildcard: why such a name earns a warning
	} {
		found, err := names.Resolver{}.LookupNetIP(t.Context(), "ip4", host)
		got := ""
		if len(found) > 0 {
			got = found[0].Unmap().String()
		}
		if got != want {
			t.Errorf("%s is %q, want %q (%v)", host, got, want, err)
		}
	}
	if conn, err := names.DialContext(t.Context(), "tcp", "mail.gone.test:25"); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("dialling a name that is gone: %v, %v", conn, err)
	}
}

func putInPlace(t *testing.T, dir, path, text string) {
	t.Helper()
	own := filepath.Join(dir, filepath.Base(path))
	if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(own, path, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}

// raiseLoopback brings the interface lo up, netdevice(7): a new network has it
// down.
func raiseLoopback(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
}

// answerNames is a name server at 127.0.0.1:53. corp.example has a wildcard.
func answerNames(t *testing.T, zone map[string]string) {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		answer.RecursionAvailable = true
		name := strings.ToLower(q.Question[0].Name)
		if strings.HasSuffix(name, ".corp.example.") {
			name = "corp.example."
		}
		ip, known := zone[name]
		switch {
		case !known:
			answer.Rcode = dns.RcodeNameError
		case q.Question[0].Qtype == dns.TypeA:
			header := dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}
			answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: slices.Clone(netip.MustParseAddr(ip).AsSlice())})
		}
		_ = w.WriteMsg(answer)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
}
