package probe

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

const childVariable = "IMAPVIGIL_PROBE_BENCH_SERVER"

// runChild is what the test binary does when it is started as a server: it
// serves a script until its standard input is closed.
func runChild(script string) {
	certs := imaptest.NewCertificates()
	server, err := imaptest.Start("127.0.0.1:0", imaptest.MustParse(script), certs)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.Addr())
	os.Stdout.Write(certs.Authority.PEM())
	os.Stdout.Close()
	_, _ = io.Copy(io.Discard, os.Stdin)
	server.Close()
}

// lastChildRoot is what the server started last is to be trusted by.
var lastChildRoot *x509.Certificate

// startChild starts a server in a process of its own.
func startChild(b *testing.B, script string) (address string, roots *x509.CertPool) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childVariable+"="+script)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = child.Wait()
	})
	said, err := io.ReadAll(stdout)
	if err != nil {
		b.Fatal(err)
	}
	address, rest, _ := strings.Cut(string(said), "\n")
	roots = x509.NewCertPool()
	block, _ := pem.Decode([]byte(rest))
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		b.Fatal(err)
	}
	roots.AddCert(root)
	lastChildRoot = root
	return address, roots
}
