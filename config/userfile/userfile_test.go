package userfile_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/userfile"
)

// hash is of the password "secret", as htpasswd -B -C 10 wrote it.
const hash = "$2y$10$abcdefghijklmnopqrstuu5W0X0p8QZzQ0m3vqj8jYw9n6s6XlI9e"

// sum returns the SHA-256 of a token in hex.
func sum(token string) string {
	s := sha256.Sum256([]byte(token))
	return hex.EncodeToString(s[:])
}

func TestUsers(t *testing.T) {
	users, faults := userfile.Users("# who may log in\r\n\nanna:" + hash + "\r\n  Jörg Ö:" + strings.Replace(hash, "2y", "2a", 1) + "  ")
	if len(faults) > 0 || len(users) != 2 || users[0].Name != "anna" || users[1].Name != "Jörg Ö" || users[0].Hash.Reveal() != hash {
		t.Fatalf("%v, %v", users, faults)
	}
	if text := fmt.Sprintf("%v %+v %#v", users, users, users); strings.Contains(text, "2y$10") {
		t.Errorf("a hash is printed: %s", text)
	}
}

func TestTokens(t *testing.T) {
	tokens, faults := userfile.Tokens("# programs\nprometheus metrics " + sum("a") + "\nci\toperate " + strings.ToUpper(sum("b")) + "  -\n")
	if len(faults) > 0 || len(tokens) != 2 {
		t.Fatalf("%v, %v", tokens, faults)
	}
	want := config.PageToken{Name: "ci", Right: config.TokenOperate, SHA256: sha256.Sum256([]byte("b"))}
	if tokens[1] != want {
		t.Errorf("%v, want %v", tokens[1], want)
	}
	asJSON, err := json.Marshal(tokens)
	raw := sha256.Sum256([]byte("b"))
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %x", tokens, tokens, tokens, tokens, tokens), string(asJSON)} {
		if err != nil || strings.Contains(text, sum("b")[:8]) || strings.Contains(text, fmt.Sprint(raw[:2])[1:5]) {
			t.Errorf("a sum is printed: %s", text)
		}
	}
}

// Every mistake has its own words, and none repeats what stands in the line.
func TestFaults(t *testing.T) {
	const canary = "canary7"
	for _, test := range []struct {
		read       func(string) []userfile.Fault
		line, says string
	}{
		{users, canary, "a name, a colon and a hash"},
		{users, ":" + hash, "the name is missing"},
		{users, hash + ":" + canary, "must not begin with $"},
		{users, canary + "\x00:" + hash, "cannot be printed"},
		{users, canary + "\":" + hash, "a quote"},
		{users, strings.Repeat("x", 256) + ":" + hash, "longer than 255 bytes"},
		{users, "anna:" + canary, "no hash of bcrypt"},
		{users, "anna:$apr1$" + canary, "hashed with MD5, as htpasswd does without -B"},
		{users, "anna:$1$" + canary, "hashed with MD5,"},
		{users, "anna:{SHA}" + canary, "SHA-1, as htpasswd -s does"},
		{users, "anna:$5$" + canary, "SHA-256"},
		{users, "anna:$6$" + canary, "SHA-512"},
		{users, "anna:$argon2id$" + canary, "Argon2"},
		{users, "anna:$7$" + canary, "scrypt"},
		{users, "anna:$y$" + canary, "yescrypt"},
		{users, "anna:$2x$" + canary, "had a fault"},
		{users, "anna:" + strings.Replace(hash, "$10$", "$31$", 1), "the cost of the hash must be from 4 to 16"},
		{users, "anna:" + strings.Replace(hash, "$10$", "$03$", 1), "the cost of the hash must be from 4 to 16"},
		{users, "anna:" + hash + "x", "no hash of bcrypt"},
		{tokens, canary, "a name, a right and the SHA-256"},
		{tokens, "ci read " + sum("a") + " " + canary, "a name, a right and the SHA-256"},
		{tokens, sum("a") + " read " + sum("b"), "the name comes first"},
		{tokens, "$x read " + sum("a"), "must not begin with $"},
		{tokens, "ci " + canary + " " + sum("a"), "must be metrics, read or operate"},
		{tokens, "ci read " + canary, "never the token itself"},
		{tokens, "ci read " + sum("a")[1:], "64 digits in hex"},
		{tokens, "ci read " + sum(""), "the token was empty"},
		{tokens, "ci read " + sum("\n"), "the token was empty"},
	} {
		faults := test.read("# first\n" + test.line + "\n")
		if len(faults) != 1 || faults[0].Line != 2 || !strings.Contains(faults[0].Text, test.says) {
			t.Errorf("%q: %+v, want %q", test.line, faults, test.says)
			continue
		}
		for _, kept := range []string{canary, "abcdefgh", sum("a")[1:20]} {
			if strings.Contains(faults[0].Text, kept) {
				t.Errorf("%q repeats what stands in the line: %s", test.line, faults[0].Text)
			}
		}
	}
}

func TestFaultsOfTheWhole(t *testing.T) {
	for _, test := range []struct {
		faults []userfile.Fault
		line   int
		says   string
	}{
		{users("# nobody\n"), 0, "has no user"},
		{users("anna:" + hash + "\nbert:" + hash + "\nanna:" + hash), 3, `the user "anna" is already in line 1`},
		{tokens(""), 0, "has no token"},
		{tokens("ci read " + sum("a") + "\nci read " + sum("b")), 2, `the token "ci" is already in line 1`},
		{tokens("ci read " + sum("a") + "\nci2 read " + sum("a")), 2, "this is the token of line 1"},
	} {
		if len(test.faults) != 1 || test.faults[0].Line != test.line || !strings.Contains(test.faults[0].Text, test.says) {
			t.Errorf("%+v, want line %d: %s", test.faults, test.line, test.says)
		}
	}
}

func users(text string) []userfile.Fault {
	_, faults := userfile.Users(text)
	return faults
}

func tokens(text string) []userfile.Fault {
	_, faults := userfile.Tokens(text)
	return faults
}

// FuzzUserfile holds of any text: users or tokens, or else faults, and what cannot be printed stays out.
func FuzzUserfile(f *testing.F) {
	f.Add("anna:" + hash + "\n")
	f.Add("ci operate " + sum("x") + "  -\n")
	f.Add("anna:$apr1$x\n\x00:\n# a\n")
	f.Fuzz(func(t *testing.T, text string) {
		users, wrong := userfile.Users(text)
		tokens, wrongTokens := userfile.Tokens(text)
		if (len(users) > 0) == (len(wrong) > 0) || (len(tokens) > 0) == (len(wrongTokens) > 0) {
			t.Fatalf("%v %v, %v %v", users, wrong, tokens, wrongTokens)
		}
		lines := strings.Count(text, "\n") + 1
		for _, fault := range append(wrong, wrongTokens...) {
			if fault.Text == "" || fault.Line < 0 || fault.Line > lines {
				t.Fatalf("%+v", fault)
			}
		}
		names := map[string]bool{}
		for _, u := range users {
			if names[u.Name] || u.Name != strings.ToValidUTF8(u.Name, "") || strings.Contains(u.Name, ":") {
				t.Fatalf("the name %q", u.Name)
			}
			names[u.Name] = true
		}
		for _, token := range tokens {
			if token.SHA256 == [32]byte{} && !strings.Contains(text, strings.Repeat("0", 64)) {
				t.Fatalf("%v has no sum", token)
			}
		}
	})
}
