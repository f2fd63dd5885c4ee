package control_test

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// An acknowledging is a daemon that takes acknowledgements.
type acknowledging struct{ api.Daemon }

func (acknowledging) Acknowledge(_ context.Context, id incident.ID, _ tracker.Acknowledgement) (incident.Incident, error) {
	return incident.Incident{ID: id}, nil
}

// TestTheKernelKnowsWhoAsks has the author of what is done be the user of the connection,
// whoever the client says it is; only root is asked for whom it acts.
func TestTheKernelKnowsWhoAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	serve(t, path, acknowledging{})
	client := api.NewClient(path)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	asRoot := os.Geteuid() == 0
	for _, test := range []struct {
		says         api.Signature
		user, ofSudo string
	}{
		{api.Signature{}, me.Username, "root"},
		{api.Signature{User: "anna"}, me.Username, "anna"},
		{api.Signature{By: "bert", User: "anna"}, "bert", "bert"},
	} {
		client.Signature = test.says
		want := test.user
		if asRoot {
			want = test.ofSudo
		}
		a, err := client.Acknowledge(t.Context(), "abc", "x", time.Time{})
		if err != nil || a.By != want {
			t.Errorf("%+v acts as %q, want %q (%v)", test.says, a.By, want, err)
		}
	}
}

// TestUsersThatAreNotKnown: whom the kernel does not show to the daemon (PrivateUsers=yes), or no
// file of this machine lists, is called what the client says.
func TestUsersThatAreNotKnown(t *testing.T) {
	for _, test := range []struct {
		uid          uint32
		claims, want string
	}{
		{65534, "anna", "anna"},
		{4_000_000_000, "anna", "anna"},
		{4_000_000_000, "", "uid 4000000000"},
		{1, "anna", "daemon"}, // on every Unix
	} {
		if got := control.NameOf(test.uid, test.claims); got != test.want {
			t.Errorf("%d, who claims to be %q, is called %q, not %q", test.uid, test.claims, got, test.want)
		}
	}
}
