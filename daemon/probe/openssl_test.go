//go:build !quick

package probe

import (
	"bufio"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// openssl runs a command of openssl in a directory.
func openssl(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s (Debian package: openssl): %v\n%s", strings.Join(args, " "), err, said)
	}
}

// acceptsAt is how openssl s_server tells where it listens.
var acceptsAt = regexp.MustCompile(`^ACCEPT 127\.0\.0\.1:([0-9]+)$`)

// serveOpenSSL starts a server of openssl in a directory and returns where it listens. It
// speaks HTTP once the handshake is done.
func serveOpenSSL(t *testing.T, dir string, args ...string) netip.AddrPort {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", append([]string{"s_server", "-accept", "127.0.0.1:0", "-www"}, args...)...)
	cmd.Dir = dir
	said, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("openssl s_server (Debian package: openssl): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if at := acceptsAt.FindStringSubmatch(lines.Text()); at != nil {
			return netip.MustParseAddrPort("127.0.0.1:" + at[1])
		}
	}
	t.Fatalf("openssl s_server %s does not listen", strings.Join(args, " "))
	return netip.AddrPort{}
}

// opensslKeys are certificates of kinds of keys, each once.
type opensslKeys map[string]string

// make returns a directory with a key and a certificate for it.
func (k opensslKeys) make(t *testing.T, kind []string) string {
	t.Helper()
	name := strings.Join(kind, " ")
	if dir := k[name]; dir != "" {
		return dir
	}
	dir, err := os.MkdirTemp(k["dir"], "")
	if err != nil {
		t.Fatal(err)
	}
	if name == "DSA" {
		openssl(t, dir, "genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", "params.pem")
		kind = []string{"-paramfile", "params.pem"}
	}
	openssl(t, dir, append([]string{"genpkey", "-out", "key.pem"}, kind...)...)
	openssl(t, dir, "req", "-x509", "-key", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "90")
	k[name] = dir
	return dir
}

// Servers that share nothing with crypto/tls, or nothing that is safe. The real
// openssl is one, since crypto/tls cannot play what it does not know.
func TestServersWithNothingInCommon(t *testing.T) {
	const failed, old = "down tls/handshake_failed", "down tls/protocol_too_old"
	ec, rsa := []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"}, []string{"-algorithm", "RSA"}
	curve := func(name string) []string {
		return []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + name}
	}
	keys := opensslKeys{"dir": t.TempDir()}
	for name, test := range map[string]struct {
		key        []string // for openssl genpkey; DSA has a way of its own
		server     string   // arguments of s_server
		want, hint string
	}{
		"RSA key exchange":                    {rsa, "-tls1_2 -cipher AES256-GCM-SHA384", failed, "from all that can be offered: the key exchange is by RSA"},
		"RSA key exchange with Camellia":      {rsa, "-tls1_2 -cipher CAMELLIA128-SHA", failed, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA from all that can be offered: the key exchange is by RSA"},
		"RSA key exchange from TLS 1.0 on":    {rsa, "-no_tls1_3 -cipher AES128-SHA:@SECLEVEL=0", failed, "speaks TLS 1.2 and chooses TLS_RSA_WITH_AES_128_CBC_SHA"},
		"DHE":                                 {rsa, "-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384", failed, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384 from all that can be offered: the key exchange is finite-field Diffie-Hellman (DHE)"},
		"DHE with CBC":                        {rsa, "-tls1_2 -cipher DHE-RSA-AES128-SHA", failed, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"},
		"ECDHE with a suite that is not used": {rsa, "-tls1_2 -cipher ECDHE-RSA-AES256-SHA384", failed, "chooses TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384 from all that can be offered: the cipher suite is one"},
		"ARIA":                                {rsa, "-tls1_2 -cipher ECDHE-ARIA256-GCM-SHA384", failed, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"},
		"CCM of TLS 1.3":                      {rsa, "-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256", failed, "speaks TLS 1.3 and chooses TLS_AES_128_CCM_SHA256"},
		"anonymous":                           {rsa, "-tls1_2 -cipher ADH-AES256-GCM-SHA384:@SECLEVEL=0", failed, "TLS_DH_anon_WITH_AES_256_GCM_SHA384 from all that can be offered: without a certificate"},
		"Ed448":                               {[]string{"-algorithm", "ED448"}, "", failed, "does not know: Ed448."},
		"Ed448 and only TLS 1.3":              {[]string{"-algorithm", "ED448"}, "-tls1_3", failed, "speaks only TLS 1.3 and accepts none of the signatures"},
		"DSA":                                 {[]string{"DSA"}, "-tls1_2 -cipher ALL:@SECLEVEL=0", failed, "does not know: DSA."},
		"RSA-PSS":                             {[]string{"-algorithm", "RSA-PSS"}, "", failed, "does not know: RSA-PSS."},
		"secp256k1":                           {curve("secp256k1"), "-tls1_2", failed, "does not know: ECDSA with secp256k1."},
		"Brainpool":                           {curve("brainpoolP384r1"), "-tls1_2", failed, "does not know: ECDSA with Brainpool P-384."},
		"P-224":                               {curve("P-224"), "-tls1_2 -cipher DEFAULT:@SECLEVEL=0", failed, "does not know: ECDSA with P-224."},
		"X448":                                {ec, "-groups X448", failed, "chooses the group X448 for the key exchange"},
		"X448 and only TLS 1.3":               {ec, "-tls1_3 -groups X448", failed, "speaks TLS 1.3 and chooses the group X448"},
		"Brainpool groups":                    {ec, "-tls1_2 -groups brainpoolP256r1:P-256 -cipher ECDHE-ECDSA-AES256-GCM-SHA384 -named_curve brainpoolP256r1", failed, "Brainpool P-256"},
		"SHA-1 signs the handshake":           {rsa, "-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0 -sigalgs RSA+SHA1", failed, "signs the handshake with SHA-1"},
		"TLS 1.1":                             {rsa, "-tls1_1 -cipher DEFAULT:@SECLEVEL=0", old, "does not speak TLS 1.2 or newer"},
		"TLS 1.0":                             {rsa, "-tls1 -cipher DEFAULT:@SECLEVEL=0", old, "does not speak TLS 1.2 or newer"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := keys.make(t, test.key)
			at := serveOpenSSL(t, dir, append([]string{"-cert", "cert.pem", "-key", "key.pem"}, strings.Fields(test.server)...)...)
			prober := New(Options{Resolver: &testNetwork{order: []netip.Addr{at.Addr()}}})
			result := prober.judged(t.Context(), "case", config.Probe{
				Hostname: "localhost", Port: at.Port(), Security: config.TLSFromStart, Addresses: config.AllAddresses,
				Interval: time.Hour, Timeout: time.Hour, TLS: config.TLS{CA: config.NewBlob(string(ca.New().PEM()))},
			})
			worst, _ := result.Worst()
			if got := inWords(result, false); got != test.want || !strings.Contains(worst.Hint, test.hint) {
				t.Errorf("got %q, want %q\nhint %q, want %q", got, test.want, worst.Hint, test.hint)
			}
		})
	}
}
