package httpdo_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

func TestSpellings(t *testing.T) {
	got := httpdo.Spellings(`a"b<c d`)
	for _, want := range []string{`a"b<c d`, `a%22b%3Cc+d`, `a%22b%3Cc%20d`, `a&#34;b&lt;c d`, `a\"b\u003cc d`, `a\"b<c d`} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if got := httpdo.Spellings(""); got != nil {
		t.Errorf("no secret has the spellings %q", got)
	}
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth("anna", "a:b")
	if got, want := "Basic "+httpdo.Basic("anna", "a:b"), req.Header.Get("Authorization"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
