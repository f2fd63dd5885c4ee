package pages

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// What is vendored is, byte for byte, what its manifest names, with a licence beside it, and
// needs neither eval nor innerHTML, which the content security policy forbids.
func TestVendoredFilesAreThoseOfTheManifest(t *testing.T) {
	t.Parallel()
	manifests, err := filepath.Glob("assets/vendor/*/vendor.json")
	if err != nil || len(manifests) == 0 {
		t.Fatal("there is no manifest", err)
	}
	for _, name := range manifests {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var about struct {
			Name, Version, Integrity, Licence string
			Files                             map[string]string
		}
		if err := json.Unmarshal(text, &about); err != nil {
			t.Fatal(name, err)
		}
		if about.Name == "" || about.Version == "" || about.Integrity == "" || about.Licence == "" || about.Files["LICENSE"] == "" {
			t.Errorf("%s does not say all that it should: %+v", name, about)
		}
		entries, err := os.ReadDir(filepath.Dir(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "vendor.json" && about.Files[e.Name()] == "" {
				t.Errorf("%s does not name %s", name, e.Name())
			}
		}
		for file, want := range about.Files {
			content, err := os.ReadFile(filepath.Join(filepath.Dir(name), file))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha512.Sum512(content)
			if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != want {
				t.Errorf("%s has %s, and the manifest says %s", file, got, want)
			}
			if forbidden.Match(content) && filepath.Ext(file) == ".js" {
				t.Errorf("%s uses %s", file, forbidden.Find(content))
			}
		}
	}
}

var forbidden = regexp.MustCompile(`\beval\(|\bnew Function\b|\.innerHTML|\.outerHTML ?=[^=]|insertAdjacentHTML|document\.write`)

// Our own script has HTML made by the one policy alone.
func TestOwnScriptMakesNoHTML(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("assets/page.js")
	if err != nil {
		t.Fatal(err)
	}
	if forbidden.Match(script) {
		t.Errorf("page.js uses %s", forbidden.Find(script))
	}
}
