package config_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

func checks(list ...*config.Check) *config.Config {
	c := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	for _, check := range list {
		c.Checks[check.ID] = check
	}
	return c
}

func check(id config.CheckID, edit ...func(*config.Check)) *config.Check {
	c := &config.Check{ID: id, Label: string(id), Probe: config.Probe{Hostname: "mx.example.org", Port: 993, Security: config.TLSFromStart, Interval: time.Minute}}
	for _, e := range edit {
		e(c)
	}
	return c
}

func TestCompare(t *testing.T) {
	old := checks(check("gone"), check("same"), check("was"), check("also-was"), check("changed", func(c *config.Check) {
		c.Probe.Login.Password = opaque.NewSecret("old-canary")
		c.Probe.TLS.CA = config.NewBlob("old roots")
		c.Roles = []config.RoleID{"it"}
	}))
	is := checks(check("new"), check("same"), check("now"), check("also-now", func(c *config.Check) { c.Probe.Port = 143 }), check("changed", func(c *config.Check) {
		c.Probe.Interval = 90 * time.Second
		c.Probe.Login.Password = opaque.NewSecret("new-canary")
		c.Probe.TLS.CA = config.NewBlob("new roots")
		c.Roles = []config.RoleID{"it", "1and1"}
		c.Path = []config.GroupID{"europe", "europe/germany"}
	}))
	is.Moved = []config.Move{{From: "was", To: "now"}, {From: "also-was", To: "also-now"}, {From: "long-ago", To: "same"}}
	got := config.Compare(old, is)
	want := config.Diff{
		Added:   []config.CheckID{"new"},
		Removed: []config.CheckID{"gone"},
		Moved:   []config.Move{{From: "also-was", To: "also-now"}, {From: "was", To: "now"}},
		Changed: []config.Change{
			{ID: "also-now", Attributes: []config.AttributeChange{{Name: "label", Old: "also-was", New: "also-now"}, {Name: "port", Old: "993", New: "143"}}},
			{ID: "changed", Attributes: []config.AttributeChange{
				{Name: "interval", Old: "1m", New: "1m30s"},
				{Name: "notification_roles", Old: "[notification_role.it]", New: `[notification_role.it, notification_role["1and1"]]`},
				{Name: "group", Old: "", New: "group.europe.germany"},
				{Name: "tls.ca_file", Old: "sha256:c9bd48389ab4d1f4", New: "sha256:4a8f8b5a9ef2d0a5"},
				{Name: "login.password", Old: "(sensitive)", New: "(sensitive)"},
			}},
			{ID: "now", Attributes: []config.AttributeChange{{Name: "label", Old: "was", New: "now"}}},
		},
		Unchanged: 1,
	}
	for i := range want.Changed[1].Attributes { // the hashes are whatever they are
		if a := &want.Changed[1].Attributes[i]; a.Name == "tls.ca_file" {
			a.Old, a.New = config.NewBlob("old roots").String(), config.NewBlob("new roots").String()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestCompareWithNothing(t *testing.T) {
	text, err := json.Marshal(config.Compare(nil, nil))
	if want := `{"added":[],"removed":[],"changed":[],"moved":[],"unchanged":0}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	if d := config.Compare(nil, checks(check("a"))); d.IsEmpty() || len(d.Added) != 1 {
		t.Errorf("%+v", d)
	}
}

// TestCompareSeesEveryField sets each field of a Check to something else, one
// at a time: Compare must notice.
func TestCompareSeesEveryField(t *testing.T) {
	unseen := []string{"ID", "Pos"}
	for _, path := range leaves(reflect.TypeFor[config.Check](), nil) {
		name := fieldName(path)
		if slices.Contains(unseen, name) {
			continue
		}
		old, is := check("a"), check("a")
		if !alter(reflect.ValueOf(is).Elem().FieldByIndex(path)) {
			t.Fatalf("the test cannot alter Check.%s", name)
		}
		if config.Compare(checks(old), checks(is)).IsEmpty() {
			t.Errorf("a change of Check.%s goes unnoticed", name)
		}
	}
}

func TestCompareSeesEveryThreshold(t *testing.T) {
	for p := range config.LimitedPhases() {
		old, is := check("a"), check("a")
		is.Probe.Thresholds[p] = time.Hour
		changed := config.Compare(checks(old), checks(is)).Changed
		want := []config.AttributeChange{{Name: "thresholds." + p.TimeKey(), New: "1h"}}
		if len(changed) != 1 || !slices.Equal(changed[0].Attributes, want) {
			t.Errorf("%v, want %v", changed, want)
		}
	}
}

func leaves(ty reflect.Type, path []int) [][]int {
	opaqueType := ty == reflect.TypeFor[opaque.Secret]() || ty == reflect.TypeFor[config.Blob]() || ty == reflect.TypeFor[config.Pos]()
	if ty.Kind() != reflect.Struct || opaqueType {
		return [][]int{path}
	}
	var all [][]int
	for i := range ty.NumField() {
		all = append(all, leaves(ty.Field(i).Type, append(slices.Clone(path), i))...)
	}
	return all
}

func fieldName(path []int) string { return reflect.TypeFor[config.Check]().FieldByIndex(path).Name }

func alter(v reflect.Value) bool {
	switch v.Interface().(type) {
	case opaque.Secret:
		v.Set(reflect.ValueOf(opaque.NewSecret("altered")))
		return true
	case config.Blob:
		v.Set(reflect.ValueOf(config.NewBlob("altered")))
		return true
	case config.PhaseTimes:
		v.Set(reflect.ValueOf(config.PhaseTimes{config.WholeConversation: time.Hour}))
		return true
	case []config.Ref:
		v.Set(reflect.ValueOf([]config.Ref{{Server: "altered"}}))
		return true
	}
	switch v.Kind() {
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.String:
		v.SetString("altered")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int64:
		v.SetInt(v.Int() + int64(time.Hour))
	case reflect.Uint16:
		v.SetUint(0x0304)
	case reflect.Float64:
		v.SetFloat(99.9)
	case reflect.Slice:
		altered := reflect.MakeSlice(v.Type(), 1, 1)
		if altered.Index(0).Kind() != reflect.String {
			return false
		}
		altered.Index(0).SetString("altered")
		v.Set(altered)
	default:
		return false
	}
	return true
}
