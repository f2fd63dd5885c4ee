package agree_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/agree"
)

// Whatever a probe looks at makes other settings, but for its secrets: nodes may have their own. What is decided of
// incidents makes none.
func TestSettings(t *testing.T) {
	t.Parallel()
	same := agree.Settings(&config.Check{})
	fields := 0
	each(reflect.ValueOf(&config.Probe{}).Elem(), "", func(name string, index []int) {
		fields++
		check := &config.Check{}
		field := reflect.ValueOf(&check.Probe).Elem().FieldByIndex(index)
		secret := change(t, name, field)
		if other := agree.Settings(check) != same; other == secret {
			t.Errorf("%s makes other settings: %v", name, other)
		}
	})
	if fields < 29 {
		t.Errorf("only %d fields were tried", fields)
	}
	phases := map[uint64]bool{same: true}
	for p := range config.TimedPhases() {
		check := &config.Check{}
		check.Probe.Thresholds[p] = time.Second
		phases[agree.Settings(check)] = true
	}
	if len(phases) != int(config.PhaseCount)+1 {
		t.Errorf("%d thresholds make %d settings", config.PhaseCount, len(phases)-1)
	}
	if agree.Settings(&config.Check{Label: "Mail", Policy: config.Policy{FaultTolerance: time.Minute}, Quorum: config.Quorum{Nodes: 3}}) != same {
		t.Error("what no probe looks at makes other settings")
	}
}

// each calls do with each field of a struct and of those in it.
func each(v reflect.Value, prefix string, do func(name string, index []int), index ...int) {
	for i := range v.NumField() {
		name, at := prefix+v.Type().Field(i).Name, append(append([]int{}, index...), i)
		switch v.Field(i).Type() {
		case reflect.TypeFor[config.TLS](), reflect.TypeFor[config.Login]():
			each(v.Field(i), name+".", do, at...)
		default:
			do(name, at)
		}
	}
}

// change gives a field another value, and reports whether it is a secret.
func change(t *testing.T, name string, field reflect.Value) (secret bool) {
	t.Helper()
	switch field.Interface().(type) {
	case opaque.Secret:
		field.Set(reflect.ValueOf(opaque.NewSecret("canary")))
		return true
	case config.Blob:
		field.Set(reflect.ValueOf(config.NewBlob("-----BEGIN CERTIFICATE-----")))
		return false
	case config.PhaseTimes:
		field.Index(int(config.PhaseTLS)).SetInt(int64(time.Second))
		return false
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString("other")
	case reflect.Int, reflect.Int64:
		field.SetInt(7)
	case reflect.Uint16:
		field.SetUint(7)
	default:
		t.Fatalf("%s is a %s, which this test does not know", name, field.Type())
	}
	return false
}
