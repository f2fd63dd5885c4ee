package notifiers_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/notifiers"
	_ "github.com/imapvigil/imapvigil/notifiers/webhook"
)

// The journal may name a kind that this version does not have, or has no longer.
func TestUnknownKindIsForPeople(t *testing.T) {
	unknown, webhook := notifiers.Kind("pigeon").Traits(), notifiers.Kind("webhook").Traits()
	if !unknown.People || unknown.PlaceOf("#Ops @here") != "#Ops @here" {
		t.Errorf("the traits of an unknown kind are %+v", unknown)
	}
	if webhook.People || webhook.PlaceOf("") != "" {
		t.Errorf("the traits of webhook are %+v", webhook)
	}
}
