//go:build !quick

package bus_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

func one() bustest.Setup {
	setup := three()
	setup.Servers = 1
	return setup
}

// connected connects with options, and uses the connection.
func connected(t *testing.T, o bus.Options) bus.Bus {
	t.Helper()
	b, err := bus.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	bustest.AwaitConnected(t, b)
	return b
}

func TestAClientCertificate(t *testing.T) {
	t.Parallel()
	setup := one()
	setup.Verify, setup.Users = true, "# anybody with a certificate\n"
	s := bustest.Start(t, setup)
	o := s.Options(t, bustest.Decider)
	o.Key = opaque.Secret{}
	o.Log = nil
	expectDetail(t, o, "may want a certificate of this node")
	cert, key := s.Certificate(t)
	o.Cert, o.CertKey = cert, opaque.NewSecret(string(key))
	b := connected(t, o)
	if err := b.Stream().Create(limited(t), 1); err != nil {
		t.Error(err)
	}
}

func TestAWebsocket(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, one())
	o := s.Options(t, bustest.Decider)
	o.Servers = []string{s.WebsocketURL(0)}
	b := connected(t, o)
	if err := b.Stream().Create(limited(t), 1); err != nil {
		t.Error(err)
	}
	appendPatiently(t, b, 0)
	holds(t, b, 1)
}

// Servers may be run by somebody else, who gives out credentials.
func TestCredentials(t *testing.T) {
	t.Parallel()
	users, credentials := operator(t)
	setup := one()
	setup.Users = users
	s := bustest.Start(t, setup)
	o := s.Options(t, bustest.Decider)
	o.Key, o.Credentials = opaque.Secret{}, opaque.NewSecret(credentials)
	b := connected(t, o)
	if err := b.Stream().Create(limited(t), 1); err != nil {
		t.Error(err)
	}
	appendPatiently(t, b, 0)
	holds(t, b, 1)
}

// operator makes an operator of servers with one account and one user, and returns what the
// servers and what the user have to know.
func operator(t *testing.T) (users, credentials string) {
	t.Helper()
	pair := func(kind nkeys.PrefixByte) (nkeys.KeyPair, string) {
		p, err := nkeys.CreatePair(kind)
		if err != nil {
			t.Fatal(err)
		}
		public, err := p.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return p, public
	}
	operatorKey, operatorName := pair(nkeys.PrefixByteOperator)
	accountKey, accountName := pair(nkeys.PrefixByteAccount)
	userKey, userName := pair(nkeys.PrefixByteUser)
	without := map[string]any{"subs": -1, "data": -1, "payload": -1}
	accountLimits := map[string]any{
		"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
		"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
	}
	account := token(t, operatorKey, operatorName, accountName, map[string]any{"type": "account", "version": 2, "limits": accountLimits})
	_, systemName := pair(nkeys.PrefixByteAccount)
	system := token(t, operatorKey, operatorName, systemName, map[string]any{"type": "account", "version": 2, "limits": merge(accountLimits, map[string]any{"disk_storage": 0, "mem_storage": 0})})
	user := token(t, accountKey, accountName, userName, merge(without, map[string]any{"type": "user", "version": 2}))
	top := token(t, operatorKey, operatorName, operatorName, map[string]any{"type": "operator", "version": 2})
	users = fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n  %s: %s\n}\n",
		top, systemName, accountName, account, systemName, system)
	seed, err := userKey.Seed()
	if err != nil {
		t.Fatal(err)
	}
	credentials = fmt.Sprintf("-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"+
		"-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n", user, seed)
	return users, credentials
}

func merge(a, b map[string]any) map[string]any {
	merged := maps.Clone(a)
	maps.Copy(merged, b)
	return merged
}

// token signs claims as the servers want them.
func token(t *testing.T, by nkeys.KeyPair, issuer, subject string, claims map[string]any) string {
	t.Helper()
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := encode(map[string]string{"typ": "JWT", "alg": "ed25519-nkey"}) + "." + encode(map[string]any{
		"jti": "1", "iat": time.Now().Unix(), "iss": issuer, "sub": subject, "name": "test", "nats": claims,
	})
	signature, err := by.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// expectDetail connects in vain, and expects a reason.
func expectDetail(t *testing.T, o bus.Options, detail string) {
	t.Helper()
	b, err := bus.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for ctx := limited(t); ; {
		got := b.Status().Detail
		if strings.Contains(got, detail) {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("it says %q, not %q", got, detail)
		}
	}
}

func TestWhyTheBusCannotBeReached(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, one())
	plainSetup := one()
	plainSetup.Plain = true
	plain := bustest.Start(t, plainSetup)
	stranger, _, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for detail, change := range map[string]func(*bus.Options){
		"does not accept the key of this node":         func(o *bus.Options) { o.Key = stranger },
		"is not signed by an authority that this node": func(o *bus.Options) { o.CA = ca.New().PEM() },
		"is for another name":                          func(o *bus.Options) { o.Servers[0] = strings.Replace(o.Servers[0], "127.0.0.1", "localhost", 1) },
		"refuses connections":                          func(o *bus.Options) { o.Servers[0] = "tls://127.0.0.1:1" },
		"cannot be found":                              func(o *bus.Options) { o.Servers[0] = "tls://bus.invalid:4222" },
		"knows no keys of nodes":                       func(o *bus.Options) { o.Servers[0] = plain.URL(0) },
		"offers no TLS": func(o *bus.Options) {
			o.Key, o.Servers[0] = opaque.Secret{}, strings.Replace(plain.URL(0), "nats", "tls", 1)
		},
		"127.0.0.1:1 refuses connections; 127.0.0.1:2": func(o *bus.Options) { o.Servers = []string{"tls://127.0.0.1:1", "tls://127.0.0.1:2"} },
	} {
		t.Run(detail, func(t *testing.T) {
			t.Parallel()
			o := s.Options(t, bustest.Decider)
			change(&o)
			expectDetail(t, o, detail)
		})
	}
}

func TestASilentServerIsNamed(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, one())
	o, path := s.Through(t, bustest.Decider)
	path.BlackHole(true, true)
	expectDetail(t, o, "does not answer")
	path.Heal()
	connected(t, o)
}

func TestTheSystemsRootsAreUsedWithoutOthers(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, one())
	o := s.Options(t, bustest.Decider)
	o.CA = nil
	expectDetail(t, o, "is not signed by an authority that this node")
}

func TestWhoDoesNotDecideIsForbiddenToByTheServers(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, three())
	decider := withStream(t, s)
	var mu sync.Mutex
	var logged []string
	o := s.Options(t, bustest.Follower)
	o.Log = func(message string, err error) {
		mu.Lock()
		defer mu.Unlock()
		logged = append(logged, fmt.Sprint(message, ": ", err))
	}
	follower := connected(t, o)
	stream := follower.Stream()
	began := time.Now()
	if _, err := stream.Append(limited(t), 0, "id", nil); !errors.Is(err, bus.ErrForbidden) {
		t.Error("append:", err)
	}
	if err := stream.Purge(limited(t), 1); !errors.Is(err, bus.ErrForbidden) {
		t.Error("purge:", err)
	}
	if err := stream.Create(limited(t), 1); !errors.Is(err, bus.ErrForbidden) {
		t.Error("create:", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Error("that took", took)
	}
	if first, last, err := decider.Stream().Ends(limited(t)); first != 1 || last != 0 || err != nil {
		t.Error("the stream has now", first, last, err)
	}
	heard := make(chan bus.Message, 100)
	for _, topic := range []bus.Topic{bus.Heartbeats, bus.Beat} {
		if _, err := decider.Listen(topic, func(m bus.Message) { heard <- m }); err != nil {
			t.Fatal(err)
		}
	}
	for ctx := limited(t); len(heard) == 0; {
		if err := decider.Publish(bus.Heartbeat(bustest.Decider), nil); err != nil {
			t.Fatal(err)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("nothing was heard")
		}
	}
	for _, topic := range []bus.Topic{bus.Beat, bus.Heartbeat(bustest.Decider), bus.Heartbeat(bustest.Follower)} {
		if err := follower.Publish(topic, []byte("from the follower")); err != nil {
			t.Error(err)
		}
	}
	for m := range heard {
		if len(m.Data) > 0 {
			if m.Topic != bus.Heartbeat(bustest.Follower) {
				t.Error("it spoke about", m.Topic)
			}
			break
		}
	}
	expectLog(t, &mu, &logged, `forbid something to this node: it may not publish "iv.imapvigil.beat"`)
}

func expectLog(t *testing.T, mu *sync.Mutex, logged *[]string, want string) {
	t.Helper()
	for ctx := limited(t); ; {
		mu.Lock()
		all := strings.Join(*logged, "\n")
		mu.Unlock()
		if strings.Contains(all, want) {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%q was not logged:\n%s", want, all)
		}
	}
}

// Whatever fails, neither a key nor what is in credentials is said to anybody.
func TestSecretsAreNotSaid(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, one())
	stranger, _, err := bus.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	_, credentials := operator(t)
	_, certKey := s.Certificate(t)
	cert, _ := s.Certificate(t) // of another key
	var secrets []string
	for _, text := range []string{stranger.Reveal(), credentials, string(certKey), "canary"} {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
				secrets = append(secrets, line)
			}
		}
	}
	var mu sync.Mutex
	var said []string
	say := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, text)
	}
	for name, change := range map[string]func(*bus.Options){
		"a key that is not known": func(o *bus.Options) { o.Key = stranger },
		"a key that is damaged":   func(o *bus.Options) { o.Key = opaque.NewSecret(stranger.Reveal()[:50]) },
		"credentials in place of": func(o *bus.Options) { o.Key = opaque.NewSecret(credentials) },
		"credentials not known":   func(o *bus.Options) { o.Key, o.Credentials = opaque.Secret{}, opaque.NewSecret(credentials) },
		"credentials that are damaged": func(o *bus.Options) {
			o.Key, o.Credentials = opaque.Secret{}, opaque.NewSecret(credentials[:len(credentials)/2])
		},
		"a key of another certificate": func(o *bus.Options) { o.Cert, o.CertKey = cert, opaque.NewSecret(string(certKey)) },
		"a password in an address":     func(o *bus.Options) { o.Servers[0] = "tls://user:canary@127.0.0.1:1" },
		"an address that is none":      func(o *bus.Options) { o.Servers[0] = "tls://user:canary@%zz" },
	} {
		o := s.Options(t, bustest.Decider)
		change(&o)
		o.Log = func(message string, err error) { say(fmt.Sprintf("%s: %s %+v", name, message, err)) }
		b, err := bus.Connect(context.Background(), o)
		if err != nil {
			say(fmt.Sprintf("%s: %+v", name, err))
			continue
		}
		t.Cleanup(b.Close)
		for ctx := limited(t); !strings.Contains(b.Status().Detail, "127.0.0.1"); {
			select {
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
				t.Fatal(name, b.Status().Detail)
			}
		}
		say(fmt.Sprintf("%s: %+v", name, b.Status()))
	}
	mu.Lock()
	defer mu.Unlock()
	for _, text := range said {
		t.Log(text)
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("a secret was said: %s", text)
			}
		}
	}
}
