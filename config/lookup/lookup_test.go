package lookup_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
)

func directory() *lookup.Directory {
	return lookup.New([]lookup.Member{
		{Check: "mx1/imaps", Server: "mx1", Group: "europe/germany"},
		{Check: "mx1/starttls", Server: "mx1", Group: "europe/germany"},
		{Check: "mx2/imaps", Server: "mx2", Group: "europe/germany/berlin"},
		{Check: "mx3/pop", Server: "mx3", Group: "asia/north"},
		{Check: "mx4/x.y", Server: "mx4", Group: "america/north"},
		{Check: "partner"},
	})
}

// Each row is a name and what it stands for, or the error.
func TestFind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, want string }{
		{"mx1/imaps", "mx1/imaps"},
		{"partner", "partner"},
		{"mx1", "mx1/imaps mx1/starttls"},
		{"europe", "mx1/imaps mx1/starttls mx2/imaps"},
		{"europe/germany", "mx1/imaps mx1/starttls mx2/imaps"},
		{"europe.germany.berlin", "mx2/imaps"},
		{"germany", "mx1/imaps mx1/starttls mx2/imaps"},
		{"germany/berlin", "mx2/imaps"},
		{"germany.berlin", "mx2/imaps"},
		{"starttls", "mx1/starttls"},
		{"x.y", "mx4/x.y"},

		{"imaps", `"imaps" can be mx1/imaps or mx2/imaps; write the whole name`},
		{"north", `"north" can be america/north or asia/north; write the whole name`},
		{"mx1/imap", `there is no check, server or group "mx1/imap"; did you mean mx1/imaps?`},
		{"germny", `there is no check, server or group "germny"; did you mean europe/germany?`},
		{"many", `there is no check, server or group "many"; imapvigil status --all lists what there is`},
		{"", `there is no check, server or group ""; imapvigil status --all lists what there is`},
	} {
		ids, err := directory().Checks(row.name)
		got := strings.Trim(fmt.Sprint(ids), "[]")
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%q is %s\nwant %s", row.name, got, row.want)
		}
	}
}

// Where only one kind is meant, a name of another kind is an error.
func TestKinds(t *testing.T) {
	t.Parallel()
	d := directory()
	group := func(name string) (string, error) { id, err := d.Group(name); return string(id), err }
	server := func(name string) (string, error) { id, err := d.Server(name); return string(id), err }
	check := func(name string) (string, error) { id, err := d.Check(name); return string(id), err }
	for _, row := range []struct {
		of         func(string) (string, error)
		name, want string
	}{
		{group, "germany", "europe/germany"},
		{group, "europe.germany", "europe/germany"},
		{group, "mx1", `there is no group "mx1"; there are america, america/north, asia, asia/north, europe, europe/germany and europe/germany/berlin`},
		{group, "nurth", `there is no group "nurth"; did you mean asia/north?`},
		{server, "mx1", "mx1"},
		{server, "mx11", `there is no server "mx11"; did you mean mx1?`},
		{server, "europe", `there is no server "europe"; there are mx1, mx2, mx3 and mx4`},
		{check, "pop", "mx3/pop"},
		{check, "imaps", `"imaps" can be mx1/imaps or mx2/imaps; write the whole name`},
		{check, "mx1", `there is no check "mx1"; there are mx1/imaps, mx1/starttls, mx2/imaps, mx3/pop, mx4/x.y and partner`},
	} {
		got, err := row.of(row.name)
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%q is %s\nwant %s", row.name, got, row.want)
		}
	}
}

// A long list is cut, so that an error stays readable.
func TestManyCandidates(t *testing.T) {
	t.Parallel()
	var members []lookup.Member
	for i := range 300 {
		members = append(members, lookup.Member{Check: config.CheckID(fmt.Sprintf("s%03d/imaps", i))})
	}
	_, err := lookup.New(members).Find("imaps")
	want := `"imaps" can be s000/imaps, s001/imaps, s002/imaps, s003/imaps, s004/imaps, s005/imaps, s006/imaps, s007/imaps, s008/imaps, s009/imaps or 290 more; write the whole name`
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// A configuration has servers and groups without checks, and roles.
func TestOfConfiguration(t *testing.T) {
	t.Parallel()
	d := lookup.Of(&config.Config{
		Checks:  map[config.CheckID]*config.Check{"mx1/imaps": {ID: "mx1/imaps", Server: "mx1", Path: []config.GroupID{"a", "a/b"}}},
		Servers: map[config.ServerID]*config.Server{"mx1": {}, "empty": {}},
		Groups:  map[config.GroupID]*config.Group{"a": {}, "a/b": {}, "c": {}},
		Roles:   map[config.RoleID]*config.Role{"it_team": {}},
	})
	for _, name := range []string{"mx1", "a", "b", "empty", "c"} {
		if _, err := d.Find(name); err != nil {
			t.Error(err)
		}
	}
	if ids := d.Below(config.Ref{Group: "a"}); len(ids) != 1 {
		t.Errorf("below a are %v", ids)
	}
	if id, err := d.Role("it_team"); id != "it_team" || err != nil {
		t.Error(id, err)
	}
	if _, err := d.Role("it-team"); err == nil || err.Error() != `there is no notification role "it-team"; did you mean it_team?` {
		t.Error(err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	allowed := []string{"down", "degraded", "ok"}
	for _, row := range []struct {
		given []string
		want  string
	}{
		{nil, "[]"},
		{[]string{"down,ok", "down"}, "[down ok]"},
		{[]string{"down, degraded"}, "[down degraded]"},
		{[]string{"dwon"}, `there is no state "dwon"; did you mean down? The states are down, degraded and ok`},
		{[]string{"ok,"}, `there is no state "". The states are down, degraded and ok`},
	} {
		list, err := lookup.Words("state", row.given, allowed)
		got := fmt.Sprint(list)
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%q is %s\nwant %s", row.given, got, row.want)
		}
	}
}
