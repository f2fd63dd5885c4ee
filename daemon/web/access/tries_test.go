package access

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// Of one address ten passwords can be tried at once, then one every six seconds, and the right
// one does not count before.
func TestGuessingIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, withAnna(t))
		for i := range triesAtOnce {
			if w := s.logIn(home, "anna", fmt.Sprint(i)); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), wrongPassword) {
				t.Fatalf("try %d: %d %s", i, w.Code, w.Body)
			}
		}
		w := s.logIn(home, "anna", "secret")
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "6" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("after that: %d %v", w.Code, w.Header())
		}
		if w := s.logIn("192.0.2.1:1024", "anna", "secret"); w.Code != http.StatusSeeOther {
			t.Errorf("from elsewhere: %d", w.Code)
		}
		time.Sleep(tryEvery)
		if w := s.logIn(home, "anna", "secret"); w.Code != http.StatusSeeOther {
			t.Errorf("six seconds later: %d", w.Code)
		}
		// How many guesses get through in ten minutes.
		through := 0
		for range 10 * 60 {
			if w := s.logIn(home, "anna", "x"); w.Code == http.StatusUnauthorized {
				through++
			}
			time.Sleep(time.Second)
		}
		if most := int(10*time.Minute/tryEvery) + triesAtOnce; through > most {
			t.Errorf("%d guesses in ten minutes, at most %d", through, most)
		}
	})
}

// Of all addresses together there is one try a second, and an address that is refused takes
// nothing from the others.
func TestGuessingFromManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, start := newTries(), time.Now()
		count := 0
		for i := range 100_000 {
			from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			if tries.take(from, start) == 0 {
				count++
			}
		}
		if count != allTriesAtOnce {
			t.Errorf("%d tries at once", count)
		}
		if n := len(tries.addresses); n > mostAddresses {
			t.Errorf("%d addresses are remembered", n)
		}
		later := start.Add(2 * time.Minute)
		one := netip.MustParseAddr("2001:db8::1")
		for i := range 20 {
			// One network of IPv6 is one client.
			tries.take(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(i)}), later)
		}
		if tries.take(one, later) == 0 {
			t.Error("every address of a network has tries of its own")
		}
		if wait := tries.take(netip.MustParseAddr("192.0.2.1"), later); wait > 0 {
			t.Errorf("an address that was refused keeps others out for %s", wait)
		}
	})
}

// The clients of a proxy on this machine, or of one that is trusted, are told apart; others cannot
// choose an address.
func TestClientBehindAProxy(t *testing.T) {
	cfg := &config.Config{Page: config.Page{TrustedProxy: config.TrustedProxy{From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}}}
	rules := newRules(cfg)
	for _, test := range []struct{ peer, forwarded, want string }{
		{"127.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"127.0.0.1:1", "198.51.100.1, 203.0.113.9", "203.0.113.9"}, // the first is what the client says
		{"[::1]:1", "2001:db8::7", "2001:db8::7"},
		{"127.0.0.1:1", "", "127.0.0.1"},
		{"127.0.0.1:1", "unknown", "127.0.0.1"},
		{"192.0.2.7:1", "203.0.113.9, 192.0.2.8", "203.0.113.9"},
		{"192.0.2.7:1", "192.0.2.8", "192.0.2.8"},
		{"198.51.100.5:1", "203.0.113.9", "198.51.100.5"},
		{"[::ffff:198.51.100.5]:1", "", "198.51.100.5"},
		{"@", "203.0.113.9", "invalid IP"},
	} {
		r := asks()
		r.RemoteAddr = test.peer
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := rules.clientOf(r).String(); got != test.want {
			t.Errorf("%s, forwarded for %q, is %s, want %s", test.peer, test.forwarded, got, test.want)
		}
	}
}

// A program that sends its password with each request costs one comparison in five minutes; a
// changed password counts at once.
func TestBasicIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, withAnna(t))
		ask := func(password string) (string, int) {
			r := asks()
			r.SetBasicAuth("anna", password)
			v, err := s.who(r)
			status := 0
			if refusal, ok := err.(*Refusal); ok { //nolint:errorlint // it is never wrapped
				status = refusal.Status
			}
			return v.Name, status
		}
		for range 200 {
			if name, status := ask("secret"); name != "anna" || status != 0 {
				t.Fatalf("%q %d", name, status)
			}
		}
		if n := len(s.gate.passwords.right); n != 1 {
			t.Errorf("%d are remembered", n)
		}
		s.gate.Use(&config.Config{Page: config.Page{Users: []config.PageUser{userOf(t, "anna", "other")}}})
		if name, status := ask("secret"); name != "" || status != http.StatusUnauthorized {
			t.Errorf("the password before: %q %d", name, status)
		}
		for range triesAtOnce {
			ask("wrong")
		}
		if _, status := ask("wrong"); status != http.StatusTooManyRequests {
			t.Errorf("many wrong ones: %d", status)
		}
	})
}

// Passwords are compared one at a time, whoever asks; a name that nobody has costs as much.
func TestOnePasswordAtATime(t *testing.T) {
	s := newStage(t, withAnna(t))
	rules, p := s.gate.rules.Load(), s.gate.passwords
	p.turn <- struct{}{} // somebody compares
	done := make(chan bool, 8)
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() { done <- p.isRight(t.Context(), rules, fmt.Sprint("anna", i), "secret") })
	}
	select {
	case <-done:
		t.Error("a second one is compared at the same time")
	default:
	}
	<-p.turn
	asking.Wait()
	for range 8 {
		if <-done {
			t.Error("an unknown name is let in")
		}
	}
	costly := config.PageUser{Name: "bert", Hash: withCost(t, 7)}
	if got := decoyFor([]config.PageUser{userOf(t, "anna", "x"), costly}); !strings.HasPrefix(got, "$2a$07$") {
		t.Errorf("the decoy is %q", got)
	}
	if p.isRight(t.Context(), rules, "", "") {
		t.Error("the decoy has a password")
	}
}
