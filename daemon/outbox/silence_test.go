package outbox_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// What a silence is about is named as people wrote it.
func TestScopesHaveNames(t *testing.T) {
	for want, scope := range map[string]outbox.Scope{
		"group europe/germany": {Group: "europe/germany"},
		"server mx1":           {Server: "mx1"},
		"check mx1/imaps":      {Check: "mx1/imaps"},
		"role it_team":         {Role: "it_team"},
	} {
		if got := scope.String(); got != want {
			t.Errorf("%+v is called %q, want %q", scope, got, want)
		}
	}
}
