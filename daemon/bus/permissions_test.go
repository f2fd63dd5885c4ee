package bus

import (
	"slices"
	"strings"
	"testing"
)

func TestWhoDoesNotDecideCannotSpeakForTheCluster(t *testing.T) {
	t.Parallel()
	publish, _ := Permissions("imapvigil", "lon1.example.net", false)
	for _, subject := range []string{
		"iv.imapvigil.journal", "iv.imapvigil.beat", "iv.imapvigil.wake", "iv.imapvigil.hb.fra1",
		"$JS.API.STREAM.PURGE.iv_imapvigil_journal", "$JS.API.STREAM.CREATE.iv_imapvigil_journal",
		"$JS.API.STREAM.CREATE.other", "$JS.API.STREAM.DELETE.iv_imapvigil_journal", "iv.imapvigil.log", "iv.other.seat",
		"$JS.API.STREAM.LEADER.STEPDOWN.iv_imapvigil_journal",
	} {
		if allows(publish, subject) {
			t.Errorf("may publish %s", subject)
		}
	}
	for _, subject := range []string{
		"iv.imapvigil.hb.lon1/example/net", "iv.imapvigil.res.lon1/example/net", "iv.imapvigil.seat",
		"iv.imapvigil.ask.fra1", "_INBOX.iv.imapvigil.fra1.x",
	} {
		if !allows(publish, subject) {
			t.Errorf("may not publish %s", subject)
		}
	}
	// Nothing that a server answers: it would answer into the journal.
	for _, subject := range publish {
		if strings.HasPrefix(subject, "$") || strings.HasPrefix(subject, "*") || strings.HasPrefix(subject, ">") {
			t.Errorf("may publish %s", subject)
		}
	}
}

func TestWhoDecidesMakesNothingButTheJournal(t *testing.T) {
	t.Parallel()
	publish, subscribe := Permissions("imapvigil", "fra1", true)
	for _, subject := range []string{
		"$JS.API.STREAM.CREATE.other", "$JS.API.STREAM.DELETE.iv_imapvigil_journal", "iv.imapvigil.log",
		"$JS.API.STREAM.LEADER.STEPDOWN.other", "$JS.API.META.LEADER.STEPDOWN",
		"$JS.API.STREAM.UPDATE.iv_imapvigil_journal", "$JS.API.CONSUMER.CREATE.iv_imapvigil_journal",
	} {
		if allows(publish, subject) {
			t.Errorf("may publish %s", subject)
		}
	}
	if !allows(publish, "iv.imapvigil.journal") || !allows(subscribe, "iv.imapvigil.res.lon1") {
		t.Error("cannot decide")
	}
	if allows(subscribe, "_INBOX.iv.imapvigil.lon1.x") {
		t.Error("hears the answers to others")
	}
}

// allows reports whether a subject falls under one of the patterns, as the servers see it.
func allows(patterns []string, subject string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
		for i, token := range p {
			if token == ">" {
				return i < len(s)
			}
			if i >= len(s) || token != "*" && token != s[i] {
				return false
			}
		}
		return len(p) == len(s)
	})
}
