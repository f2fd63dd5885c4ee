package probe

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// A ClientHello that offers everything is one that crypto/tls can read, and its own
// choice is one that it can verify.
func TestEverythingIsAClientHello(t *testing.T) {
	for version13, version := range map[bool]uint16{false: tls.VersionTLS12, true: tls.VersionTLS13} {
		certificate := ca.New().Issue(ca.Leaf{})
		near, far := net.Pipe()
		offered := make(chan *tls.ClientHelloInfo, 1)
		server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{certificate}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			offered <- hello
			return nil, nil //nolint:nilnil // the configuration stays as it is
		}})
		ended := make(chan error, 1)
		go func() { ended <- errors.Join(server.Handshake(), far.Close()) }()
		if _, err := near.Write(everything("mail.example.org", version13)); err != nil {
			t.Fatal(err)
		}
		choice, err := readChoice(near)
		if err != nil || choice.version != version || choice.insistsOn() != "" || choice.group == 0 {
			t.Errorf("%s: %+v, %v, %q", tls.VersionName(version), choice, err, choice.insistsOn())
		}
		if hello := <-offered; hello.ServerName != "mail.example.org" {
			t.Errorf("SNI %q", hello.ServerName)
		}
		_ = near.Close()
		if err := <-ended; err == nil {
			t.Error("a handshake without keys came to an end")
		}
	}
}

// Whatever a server answers, it is read without harm and to an end.
func FuzzServerChoice(f *testing.F) {
	f.Add([]byte{recordAlert, 3, 3, 0, 2, 2, 40})
	f.Add(joined([]byte{recordHandshake, 3, 3, 0, 8, messageHello, 0, 0, 4, 3, 3, 0, 0}, []byte{recordHandshake, 3, 3, 0, 4, messageDone, 0, 0, 0}))
	f.Add(joined([]byte{recordHandshake, 3, 3, 0, 9, messageCert, 0, 0, 5, 0, 0, 9, 0x30, 0x80}))
	f.Fuzz(func(t *testing.T, answer []byte) {
		in := bytes.NewReader(answer)
		choice, err := readChoice(in)
		_ = choice.insistsOn()
		if err == nil && choice.alert == 0 && choice.version == 0 && choice.cert == nil && in.Len() == len(answer) {
			t.Error("something was read from nothing")
		}
		if errors.Is(err, io.EOF) && in.Len() > 0 {
			t.Error("the end came before the end")
		}
	})
}
