package hclfile_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
)

// TestRight shows what a configuration means: every field that is not zero,
// one a line, and the warnings.
func TestRight(t *testing.T) {
	eachScript(t, "right", func(t *testing.T, s *script, file string) {
		cfg, diags := s.load(t)
		var got bytes.Buffer
		if err := config.Print(&got, diags, false); err != nil {
			t.Fatal(err)
		}
		if cfg == nil {
			t.Fatalf("not loaded:\n%s", got.String())
		}
		if got.Len() > 0 {
			got.WriteByte('\n')
		}
		cfg.Digest, cfg.CommonDigest = "", ""
		dump(&got, "", reflect.ValueOf(*cfg))
		compareText(t, s.archive, file, got.String())
	})
}

// dump writes the leaves of a value that are not zero; places are left out.
func dump(w *bytes.Buffer, path string, v reflect.Value) {
	if v.IsZero() || v.Type() == reflect.TypeFor[config.Pos]() {
		return
	}
	if text, ok := leaf(v); ok {
		fmt.Fprintf(w, "%s = %s\n", strings.TrimPrefix(path, "."), text)
		return
	}
	if times, ok := v.Interface().(config.PhaseTimes); ok {
		for p := range config.TimedPhases() {
			dump(w, fmt.Sprintf("%s[%s]", path, p.TimeKey()), reflect.ValueOf(times[p]))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		dump(w, path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			dump(w, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			dump(w, fmt.Sprintf("%s[%s]", path, key), v.MapIndex(key))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			dump(w, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	}
}

func leaf(v reflect.Value) (string, bool) {
	switch x := v.Interface().(type) {
	case time.Duration:
		return config.FormatDuration(x), true
	case *time.Location:
		return x.String(), true
	case time.Time:
		return x.Format(time.RFC3339), true
	case config.Ref, config.Blob, config.PageToken, netip.Prefix:
		return fmt.Sprint(x), true
	case []config.RoleID, []config.GroupID, []string, [7]bool:
		return fmt.Sprint(x), true
	}
	switch v.Kind() {
	case reflect.String:
		return fmt.Sprintf("%q", v.String()), true
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint16, reflect.Float64:
		return fmt.Sprint(v.Interface()), true
	}
	if s, ok := v.Interface().(fmt.Stringer); ok && v.Kind() == reflect.Struct {
		return s.String(), true
	}
	return "", false
}

// compareText holds got against the file "want" of an archive.
func compareText(t *testing.T, a *txtar.Archive, file, got string) {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	if i < 0 {
		i = len(a.Files)
		a.Files = append(a.Files, txtar.File{Name: "want"})
	}
	a.Files[i].Data = []byte(got)
	golden.Compare(t, file, string(txtar.Format(a)))
}
