package bus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// Options say where the bus is and who connects to it. At most one of Key, Credentials, and Cert
// with CertKey is set.
type Options struct {
	Cluster string   // the name of the cluster: letters, digits, "-" and "_"
	Node    string   // the name of this node
	Servers []string // URLs: tls://, wss://, or nats:// to this machine itself
	CA      []byte   // PEM, instead of the system's roots

	Key         opaque.Secret // the seed of an nkey
	Credentials opaque.Secret // a JWT and its seed, in the form of a .creds file
	Cert        []byte        // PEM of a client certificate
	CertKey     opaque.Secret // PEM of its key

	// Ping is how often a server is asked whether it lives; 0: twice a second. A connection is given up when two of these
	// questions have no answer, or when nothing can be written for as long as two of them.
	Ping time.Duration

	// Log is told what happens to the connection. It must return soon. err is nil when all is well.
	Log func(message string, err error)
}

// A server is one of the bus.
type server struct {
	url  string
	host string // with the port, as people know it
	tls  bool
}

// access is what Options say, read and found to be in order.
type access struct {
	servers []server
	tls     *tls.Config
	login   []nats.Option
}

// read returns an error in words of ours, which quotes no secret.
func (o *Options) read() (a access, err error) {
	if o.Cluster == "" || strings.ContainsFunc(o.Cluster, func(r rune) bool { return r > 0x7f || !isPlain(byte(r)) }) {
		return a, fmt.Errorf("the name of the cluster, %q, has to be of letters, digits, - and _", o.Cluster)
	}
	if o.Node == "" {
		return a, errors.New("this node has no name")
	}
	if a.servers, err = readServers(o.Servers); err != nil {
		return a, err
	}
	if a.tls, err = o.readTLS(); err != nil {
		return a, err
	}
	a.login, err = o.readLogin()
	return a, err
}

func readServers(urls []string) (servers []server, err error) {
	for _, text := range urls {
		s, err := readServer(text)
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	if len(servers) == 0 {
		return nil, errors.New("no server of the bus is named")
	}
	return servers, nil
}

// readServer quotes the URL only where it holds no password.
func readServer(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return server{}, errors.New("the address of a server of the bus is not a URL")
	}
	if u.User != nil {
		return server{}, fmt.Errorf("%s: a server's address holds no user name and no password", u.Host)
	}
	ports := map[string]string{"tls": "4222", "wss": "443", "nats": "4222", "ws": "80"}
	port, known := ports[u.Scheme]
	if !known || u.Hostname() == "" || strings.Contains(u.Host, ",") {
		return server{}, fmt.Errorf("the address of a server of the bus, %q, is not tls://HOST:PORT or wss://HOST:PORT", text)
	}
	if p := u.Port(); p != "" {
		port = p
	}
	u.Host = net.JoinHostPort(u.Hostname(), port)
	return server{url: u.String(), host: u.Host, tls: u.Scheme == "tls" || u.Scheme == "wss"}, nil
}

func (o *Options) readTLS() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.CA) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("there is no certificate in what should be the authority of the bus")
		}
	}
	if len(o.Cert) > 0 {
		cert, err := tls.X509KeyPair(o.Cert, []byte(o.CertKey.Reveal()))
		if err != nil {
			return nil, errors.New("the certificate of this node and its key cannot be read, or do not belong together")
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}

func (o *Options) readLogin() ([]nats.Option, error) {
	switch {
	case !o.Key.IsZero():
		public, err := PublicOf(o.Key)
		if err != nil {
			return nil, err
		}
		return []nats.Option{nats.Nkey(public, signWith(o.Key))}, nil
	case !o.Credentials.IsZero():
		return o.readCredentials()
	}
	return nil, nil
}

func (o *Options) readCredentials() ([]nats.Option, error) {
	text := []byte(o.Credentials.Reveal())
	jwt, err := nkeys.ParseDecoratedJWT(text)
	if err != nil || jwt == "" {
		return nil, errors.New("there is no JWT in the credentials of the bus")
	}
	pair, err := nkeys.ParseDecoratedNKey(text)
	if err != nil {
		return nil, errors.New("there is no seed in the credentials of the bus")
	}
	defer pair.Wipe()
	seed, err := pair.Seed()
	if err != nil {
		return nil, errors.New("the seed in the credentials of the bus cannot be read")
	}
	sign := signWith(opaque.NewSecret(string(seed)))
	return []nats.Option{nats.UserJWT(func() (string, error) { return jwt, nil }, sign)}, nil
}

// signWith returns a function that proves to a server who this node is.
func signWith(seed opaque.Secret) nats.SignatureHandler {
	return func(nonce []byte) ([]byte, error) {
		pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed.Reveal())))
		if err != nil {
			return nil, errors.New("the seed of this node's key cannot be read")
		}
		defer pair.Wipe()
		return pair.Sign(nonce)
	}
}
