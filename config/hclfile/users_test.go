package hclfile_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// withFiles is a page with users and tokens.
const withFiles = "page {\n  users_file = \"users\"\n  tokens_file = \"tokens\"\n  operators = [\"anna\"]\n  probe_any = true\n}\ndaemon {\n  listen = \":443\"\n}\n"

const (
	aHash = "$2y$10$abcdefghijklmnopqrstuu5W0X0p8QZzQ0m3vqj8jYw9n6s6XlI9e"
	aSum  = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
)

// usersTree writes a page with users and tokens, which only their owner can read.
func usersTree(t *testing.T, users, tokens string) {
	t.Helper()
	tree(t, map[string]string{"etc/main.hcl": withFiles, "etc/users": users, "etc/tokens": tokens})
	for _, name := range []string{"etc/users", "etc/tokens"} {
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// No hash and no sum comes out of anything that is printed, packed or saved, right or
// wrong.
func TestHashesStayInside(t *testing.T) {
	for _, users := range []string{"anna:" + aHash, "anna:$apr1$" + aHash, aHash, aHash + ":anna", "anna " + aHash, "anna:" + aHash + "\nanna:" + aHash} {
		for _, tokens := range []string{"ci read " + aSum, aSum, "ci " + aSum + " read", aSum + " read " + aSum, "ci read " + aSum + "\nx read " + aSum} {
			usersTree(t, users, tokens)
			s := read(t, "etc", source.Options{})
			cfg, diags := hclfile.Load(s)
			var saved strings.Builder
			if err := hclfile.Save(&saved, s); err != nil {
				t.Fatal(err)
			}
			salvaged, more := hclfile.Salvage(s)
			text := fmt.Sprintf("%v %+v %#v %v %v %+v %v %s %+v", cfg, cfg, cfg, diags, more, salvaged, s, saved.String(), s.Pack())
			for _, kept := range []string{aHash[7:20], aSum[:12]} {
				if strings.Contains(text, kept) {
					t.Fatalf("%q and %q: %q comes out of\n%s", users, tokens, kept, text)
				}
			}
			if salvaged.Daemon.Listen != "" {
				t.Errorf("%q and %q: the page is open although nothing is encrypted", users, tokens)
			}
		}
	}
}

// Without credentials the users are taken on trust, and nothing is said of them. From
// what was saved they are read again where they are.
func TestUsersOnTrust(t *testing.T) {
	usersTree(t, "anna:"+aHash, "ci read "+aSum)
	for _, name := range []string{"etc/users", "etc/tokens"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	_, diags := hclfile.Load(read(t, "etc", source.Options{NoCredentials: true}))
	for _, d := range diags {
		if d.Rule == "named-file" || d.Rule == "unknown-user" || d.Rule == "page" {
			t.Errorf("%v", d)
		}
	}
}

// The same files give the same page, so that a reload which changes nothing says so.
func TestUsersAreComparable(t *testing.T) {
	tree(t, map[string]string{"etc/main.hcl": strings.Replace(withFiles, ":443", "127.0.0.1:9143", 1), "etc/users": "anna:" + aHash, "etc/tokens": "ci read " + aSum})
	for _, name := range []string{"etc/users", "etc/tokens"} {
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one, diags := hclfile.Load(read(t, "etc", source.Options{}))
	two, _ := hclfile.Load(read(t, "etc", source.Options{}))
	if one == nil || !reflect.DeepEqual(one.Page, two.Page) {
		t.Errorf("%v", diags)
	}
}
