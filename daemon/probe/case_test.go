package probe

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// A hostileCase is one file of testdata/hostile:
//
//	what the case is about
//	-- check --
//	security tls|starttls|none     (tls)
//	timeout 300ms                  (10s); more on a machine that is too busy
//	addresses all|any|ipv4|ipv6    (all)
//	expect_greeting, proxy_protocol, require, server_name, min_version, mailbox, slow PHASE TIME,
//	pin CERTIFICATE...             the keys of these certificates of imaptest
//	ca_file own|strange            the authority of those certificates, or another
//	login USER [MECHANISM]         with the canary as its password or token
//	password TEXT                  another password than the canary
//	token USER                     with the canary as a token, without a mechanism
//	want STATE [PHASE/CAUSE [CONDITION]]
//	hint TEXT                      part of the hint
//	evidence TEXT                  all of the evidence
//	note CAUSE                     a note is expected
//	commands A, B                  what the server was sent after decryption
//	-- server [ADDRESS] --         a script of imaptest; 127.0.0.1 without an address
//	-- dial ADDRESS --             a network that answers with this: refused, timeout, unreachable, emfile, ...
//	-- transcript --               all that --transcript would show; -update writes it
type hostileCase struct {
	certs    *imaptest.Certificates
	probe    config.Probe
	want     string
	hints    []string
	evidence *string
	notes    []string
	commands *string
	network  *testNetwork
}

func TestHostile(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	certs := imaptest.NewCertificates()
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			said := runHostile(t, archive, certs)
			compareTranscript(t, file, archive, said)
		})
	}
}

// runHostile probes the servers of a case. On a machine that is busy with other
// things the time may be over before a server has come to what the case is about.
// Then nothing was seen, and it is tried with twice the time. A probe that is
// wrong is wrong with any.
func runHostile(t *testing.T, archive *txtar.Archive, certs *imaptest.Certificates) (said string) {
	others := goleak.IgnoreCurrent()
	before := descriptors(t)
	const patience = 64
	for times := 1; ; times *= 2 {
		c := newHostileCase(t, archive, certs)
		c.probe.Timeout = time.Duration(times * int(c.probe.Timeout))
		result, took, said := c.run(t)
		if !c.fits(result) && took >= c.probe.Timeout && times < patience {
			t.Logf("not enough: %v", c.probe.Timeout)
			continue
		}
		c.compare(t, result)
		c.searchSecret(t, result, said)
		awaitNoLeak(t, others) // first: a goroutine closes what it holds
		if after := descriptors(t); after > before {
			t.Errorf("%d descriptors before, %d after:\n%s", before, after, descriptorNames())
		}
		return said
	}
}

// run is one probe, with what must be true of any.
func (c *hostileCase) run(t *testing.T) (result incident.Result, took time.Duration, said string) {
	var transcript strings.Builder
	prober := New(Options{
		Node: "here", Resolver: c.network, Dial: c.network.dial,
		Roots: c.certs.Authority.Pool(), Version: "1", Transcript: writeTo(&transcript),
	})
	prober.tag = "V" // the same in every transcript
	prober.routes.exists = func(target netip.AddrPort) bool { return c.network.answers[target.Addr()] != "no-route" }
	began := time.Now()
	result = prober.judged(t.Context(), "case", c.probe)
	took = time.Since(began)
	c.network.close()

	// TestNoDialogueFoolsAProbe holds a probe to its 250 ms, in virtual time; a busy
	// machine may take longer, and a probe that hangs takes longer still.
	if limit := c.probe.Timeout + time.Minute; took > limit {
		t.Errorf("it took %v, more than %v", took, limit)
	}
	if n := c.network.most.Load(); n > maxConversation {
		t.Errorf("%d bytes were read from one connection", n)
	}
	if n := c.network.open.Load(); n != 0 {
		t.Errorf("%d connections stayed open", n)
	}
	return result, took, transcript.String()
}

// fits reports whether a result is what the case wants, as far as it is told in
// words of ours.
func (c *hostileCase) fits(result incident.Result) bool {
	worst, _ := result.Worst()
	lacks := func(hint string) bool { return !strings.Contains(worst.Hint, hint) }
	return inWords(result, strings.Count(c.want, " ") > 1) == c.want && !slices.ContainsFunc(c.hints, lacks)
}

// compareTranscript compares the transcript, where the case holds one.
func compareTranscript(t *testing.T, file string, archive *txtar.Archive, said string) {
	for i := range archive.Files {
		if section := &archive.Files[i]; section.Name == "transcript" {
			section.Data = []byte(said)
			golden.Compare(t, file, string(txtar.Format(archive)))
		}
	}
}

func (c *hostileCase) compare(t *testing.T, result incident.Result) {
	t.Helper()
	worst, _ := result.Worst()
	if got := inWords(result, strings.Count(c.want, " ") > 1); got != c.want {
		t.Errorf("got %q, want %q\nhint: %s\nevidence: %s", got, c.want, worst.Hint, worst.Evidence)
	}
	for _, hint := range c.hints {
		if !strings.Contains(worst.Hint, hint) {
			t.Errorf("the hint %q does not hold %q", worst.Hint, hint)
		}
	}
	if worst.Cause != "" && len(c.hints) == 0 {
		t.Errorf("the case says nothing of the hint %q", worst.Hint)
	}
	if c.evidence != nil && worst.Evidence.String() != *c.evidence {
		t.Errorf("evidence %q, want %q", worst.Evidence, *c.evidence)
	}
	for _, want := range c.notes {
		if !hasNote(result, want) {
			t.Errorf("no note %q among %v", want, result.Notes)
		}
	}
	if c.commands != nil {
		if got := strings.Join(c.network.commands(), ", "); got != *c.commands {
			t.Errorf("the server was sent %q, want %q", got, *c.commands)
		}
	}
	for _, surprise := range c.network.surprises() {
		t.Error("the script:", surprise)
	}
	checkWords(t, result)
}

// secret is the password of every case.
const secret = "canary-9vQ3"

// searchSecret makes sure that the password went nowhere but through TLS, and
// that whatever a server said was sanitised.
func (c *hostileCase) searchSecret(t *testing.T, result incident.Result, transcript string) {
	t.Helper()
	encoded := base64.StdEncoding.EncodeToString([]byte(secret))
	clear := ""
	for _, s := range c.network.servers {
		clear += string(s.Received())
	}
	printed := fmt.Sprintf("%+v", result)
	for where, text := range map[string]string{"clear text": clear, "the result": printed, "the transcript": transcript} {
		if strings.Contains(text, secret) || strings.Contains(text, encoded) {
			t.Errorf("the password is in %s", where)
		}
	}
	for _, text := range append(wordsOf(result), transcript) {
		for _, r := range strings.ReplaceAll(text, "\n", "") {
			if !unicode.IsPrint(r) {
				t.Errorf("%U in %q", r, text)
			}
		}
	}
}

func wordsOf(r incident.Result) (words []string) {
	for _, f := range r.Findings {
		words = append(words, f.Hint, f.Evidence.String())
	}
	for _, n := range r.Notes {
		words = append(words, n.Text, n.Evidence.String())
	}
	for _, a := range r.Addresses {
		words = append(append(words, a.Hint, a.Evidence.String()), a.Capabilities...)
	}
	return words
}

// writeTo makes a transcript sink of a builder.
func writeTo(b *strings.Builder) func(Line) {
	var mu sync.Mutex
	return func(l Line) {
		mu.Lock()
		defer mu.Unlock()
		if l.From != string(remark) || !strings.HasPrefix(l.Text.String(), "connected to") { // ports differ
			fmt.Fprintf(b, "%s: %s\n", l.From, l.Text)
		}
	}
}

// verdict is a result in one line, as the cases write it.
func inWords(r incident.Result, condition bool) string {
	worst, bad := r.Worst()
	if !bad {
		return string(incident.OK)
	}
	line := fmt.Sprintf("%s %s/%s", worst.Health, worst.Phase, worst.Cause)
	if condition {
		line += " " + string(worst.Condition)
	}
	return line
}

func hasNote(r incident.Result, cause string) bool {
	for _, note := range r.Notes {
		if string(note.Cause) == cause {
			return true
		}
	}
	return false
}

func newHostileCase(t *testing.T, archive *txtar.Archive, certs *imaptest.Certificates) *hostileCase {
	c := &hostileCase{certs: certs, network: newTestNetwork(t)}
	c.probe = config.Probe{
		Hostname: "localhost", Security: config.TLSFromStart, Addresses: config.AllAddresses,
		Interval: time.Minute, Timeout: 10 * time.Second,
	}
	for _, file := range archive.Files {
		kind, address, _ := strings.Cut(file.Name, " ")
		switch kind {
		case "check":
			for line := range strings.Lines(string(file.Data)) {
				c.attribute(t, strings.TrimRight(line, "\n"))
			}
		case "server":
			c.network.serve(address, string(file.Data), certs)
		case "dial":
			c.network.answer(address, strings.TrimSpace(string(file.Data)))
		case "transcript":
		default:
			t.Fatalf("a section %q", file.Name)
		}
	}
	c.probe.Port = c.network.port
	return c
}

func (c *hostileCase) attribute(t *testing.T, line string) {
	name, value, _ := strings.Cut(line, " ")
	words := strings.Fields(value)
	switch name {
	case "":
	case "want":
		c.want = value
	case "hint":
		c.hints = append(c.hints, value)
	case "evidence":
		c.evidence = &value
	case "note":
		c.notes = append(c.notes, value)
	case "commands":
		c.commands = &value
	case "host":
		c.probe.Hostname = value
	case "security":
		c.probe.Security = config.Security(value)
	case "addresses":
		c.probe.Addresses = config.AddressPolicy(value)
	case "timeout":
		c.probe.Timeout = duration(t, value)
	case "expect_greeting":
		c.probe.ExpectGreeting = value
	case "proxy_protocol":
		c.probe.ProxyProtocol = config.ProxyProtocol(value)
	case "require":
		c.probe.RequireCapabilities = value
	case "server_name":
		c.probe.TLS.ServerName = value
	case "mailbox":
		c.probe.Login.Mailbox = value
	case "slow":
		setThreshold(t, &c.probe.Thresholds, words[0], duration(t, words[1]))
	case "login":
		c.probe.Login.Username, c.probe.Login.Mechanism = words[0], strings.Join(words[1:], "")
		if strings.HasSuffix(c.probe.Login.Mechanism, "2") || c.probe.Login.Mechanism == "OAUTHBEARER" {
			c.probe.Login.Token = opaque.NewSecret(secret)
		} else {
			c.probe.Login.Password = opaque.NewSecret(secret)
		}
	case "password":
		c.probe.Login.Password = opaque.NewSecret(value)
	case "token":
		c.probe.Login = config.Login{Username: words[0], Token: opaque.NewSecret(secret)}
	case "min_version":
		c.probe.TLS.MinVersion = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[value]
	case "pin":
		for _, certificate := range words {
			c.probe.TLS.PinSHA256 += pinOf(t, c.certs, certificate) + " "
		}
	case "ca_file":
		c.probe.TLS.CA = config.NewBlob(string(map[string]*ca.Authority{"own": c.certs.Authority, "strange": ca.New()}[value].PEM()))
	default:
		t.Fatalf("an attribute %q", name)
	}
}

func duration(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func setThreshold(t *testing.T, to *config.PhaseTimes, key string, d time.Duration) {
	for p := range config.LimitedPhases() {
		if p.TimeKey() == key {
			to[p] = d
			return
		}
	}
	t.Fatalf("a threshold %q", key)
}

// A testNetwork is name service and dialling for one case.
type testNetwork struct {
	t       *testing.T
	port    uint16
	servers []*imaptest.Server
	answers map[netip.Addr]string
	order   []netip.Addr
	lookup  error

	open atomic.Int64
	most atomic.Int64
}

func newTestNetwork(t *testing.T) *testNetwork {
	return &testNetwork{t: t, port: 1, answers: map[netip.Addr]string{}}
}

func (n *testNetwork) serve(address, script string, certs *imaptest.Certificates) {
	if address == "" {
		address = "127.0.0.1"
	}
	parsed, err := imaptest.Parse(script)
	if err != nil {
		n.t.Fatal(err)
	}
	port := uint16(0)
	if len(n.servers) > 0 {
		port = n.port
	}
	server, err := imaptest.Start(net.JoinHostPort(address, strconv.Itoa(int(port))), parsed, certs)
	if err != nil {
		n.t.Fatal(err)
	}
	n.servers = append(n.servers, server)
	n.port = server.Addr().Port()
	n.order = append(n.order, server.Addr().Addr())
}

func (n *testNetwork) answer(address, what string) {
	ip := netip.MustParseAddr(address)
	n.answers[ip] = what
	n.order = append(n.order, ip)
}

func (n *testNetwork) close() {
	for _, s := range n.servers {
		s.Close()
	}
}

func (n *testNetwork) commands() (all []string) {
	for _, s := range n.servers {
		all = append(all, s.Commands()...)
	}
	return all
}

func (n *testNetwork) surprises() (all []string) {
	for _, s := range n.servers {
		all = append(all, s.Surprises()...)
	}
	return all
}

// LookupNetIP knows one name, with the addresses of the case.
func (n *testNetwork) LookupNetIP(_ context.Context, family, _ string) ([]netip.Addr, error) {
	if n.lookup != nil {
		return nil, n.lookup
	}
	var found []netip.Addr
	for _, ip := range n.order {
		if family == "ip" || (family == "ip4") == ip.Is4() {
			found = append(found, ip)
		}
	}
	return found, nil
}

var errnos = map[string]syscall.Errno{
	"refused": syscall.ECONNREFUSED, "unreachable": syscall.EHOSTUNREACH, "reset": syscall.ECONNRESET,
	"emfile": syscall.EMFILE, "enfile": syscall.ENFILE, "netdown": syscall.ENETDOWN,
	"nomem": syscall.ENOMEM, "no-ports": syscall.EADDRNOTAVAIL, "no-family": syscall.EAFNOSUPPORT,
	"no-route": syscall.ENETUNREACH, "invalid": syscall.EINVAL, "odd": syscall.EPROTO,
}

func (n *testNetwork) dial(ctx context.Context, network, address string) (net.Conn, error) {
	what, special := n.answers[netip.MustParseAddrPort(address).Addr()]
	switch {
	case what == "timeout":
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	case special:
		errno, known := errnos[what]
		if !known {
			n.t.Errorf("no network answers %q", what)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", errno)}
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	n.open.Add(1)
	return &meter{Conn: conn, network: n}, nil
}

// meter counts what is read, and whether the connection is closed.
type meter struct {
	net.Conn
	network *testNetwork
	read    int64
	once    sync.Once
}

func (m *meter) Read(p []byte) (int, error) {
	got, err := m.Conn.Read(p)
	m.read += int64(got)
	for {
		most := m.network.most.Load()
		if m.read <= most || m.network.most.CompareAndSwap(most, m.read) {
			return got, err
		}
	}
}

func (m *meter) Close() error {
	m.once.Do(func() { m.network.open.Add(-1) })
	return m.Conn.Close()
}

// awaitNoLeak waits until no goroutine is left of a probe. goleak itself waits for less
// than a second, which may be too little where the machine has other things to do.
func awaitNoLeak(t *testing.T, others goleak.Option) {
	t.Helper()
	const enough = 8000 // bytes of stacks, about 100 lines
	deadline := time.Now().Add(time.Minute)
	for {
		err := goleak.Find(others)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			left := err.Error()
			t.Errorf("goroutines are left after a minute:\n%s", left[:min(len(left), enough)])
			return
		}
	}
}

func descriptorNames() (names string) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		name, _ := os.Readlink(link)
		names += filepath.Base(link) + " " + name + "\n"
	}
	return names
}

func descriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
