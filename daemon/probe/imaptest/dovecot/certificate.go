package dovecot

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// UseCertificate issues a certificate from leaf and shows it on every connection from now
// on, without a pause in service. A leaf without names and addresses gets those of the
// server, so the common cases are short:
//
//	s.UseCertificate(ca.Leaf{}) // renewed, with a new key
//	s.UseCertificate(ca.Leaf{PrivateKey: s.Certificate().PrivateKey}) // renewed, with the old key
//	s.UseCertificate(ca.Expired(ca.Leaf{}))
//	s.UseCertificate(ca.NotYetValid(ca.Leaf{}))
//	s.UseCertificate(ca.Leaf{SelfSigned: true})
//	s.UseCertificate(ca.Leaf{Intermediate: ca.Withheld})
//	s.UseCertificate(ca.Leaf{Names: []string{"elsewhere.example"}}) // wrong name
//
// Debian's OpenSSL refuses to show a key or a signature that is too weak.
func (s *Server) UseCertificate(leaf ca.Leaf) {
	s.t.Helper()
	process.Must(s.t, s.issue(leaf))
	// A stopped server reads the new files when it starts.
	if s.process == nil {
		return
	}
	s.reload()
	s.await("both ports to show the new certificate", s.bothShowCertificate)
}

// Certificate returns the certificate in use, with its chain and Leaf.
func (s *Server) Certificate() tls.Certificate { return s.certificate }

func (s *Server) issue(leaf ca.Leaf) error {
	if len(leaf.Names) == 0 && len(leaf.IPs) == 0 {
		leaf.Names = append([]string{"localhost"}, s.options.Names...)
		for _, address := range s.options.Addresses {
			leaf.IPs = append(leaf.IPs, net.ParseIP(address))
		}
	}
	s.certificate = s.options.Authority.Issue(leaf)
	return ca.WriteFiles(s.certificate, filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"))
}

func (s *Server) bothShowCertificate(ctx context.Context) error {
	return errors.Join(s.showsCertificate(ctx, s.IMAP(), process.StartTLS), s.showsCertificate(ctx, s.IMAPS(), process.ImplicitTLS))
}

func (s *Server) showsCertificate(ctx context.Context, address string, security process.Security) error {
	shown, err := process.Greet(ctx, address, security)
	if err != nil {
		return err
	}
	if !bytes.Equal(shown.Raw, s.certificate.Leaf.Raw) {
		return fmt.Errorf("certificate %x is shown, not %x", shown.SerialNumber, s.certificate.Leaf.SerialNumber)
	}
	return nil
}
