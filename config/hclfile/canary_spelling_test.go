package hclfile_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

// spellings are how people write a secret into a file, rightly and wrongly: values
// of an attribute, or, with NAME in it, the whole attribute.
var spellings = []string{
	`"CANARY"`, `"aa%{CANARY}bb"`, `"aa%{CANARY"`, `"%{CANARY`, `"aa%{ CANARY~ }"`, `"%{~ CANARY ~}"`, `"%{ if CANARY }x%{ endif }"`,
	`"%{ if true }CANARY"`, `"%{ if true }x%{ else CANARY }"`, `"%{ if true CANARY }x%{ endif }"`, `"%{ for CANARY in x }x%{ endfor }"`,
	`"%{ for x CANARY }"`, `"%{ for x in CANARY }"`, `"%{ endif CANARY }"`, `"%{ end-CANARY }"`, `"%%{CANARY}"`, `"%{1CANARY}"`, `"%{"CANARY"}"`,
	`"${CANARY}"`, `"aa${ CANARY"`, `"${CANARY`, `"${CANARY:x}"`, `"${CANARY CANARY}"`, `"${CANARY.x}"`, `"${x.CANARY}"`, `"${x[CANARY]}"`,
	`"${CANARY(1)}"`, `"${CANARY::x(1)}"`, `"${x::CANARY(1)}"`, `"${"CANARY"}"`, `"${1CANARY}"`, `"$${CANARY}"`, `"${CANARY!}"`, `"${1 + CANARY}"`,
	`"${upper(CANARY)}"`, `"${upper("CANARY", 1)}"`, `"${x.1.2.CANARY}"`, `"${[for CANARY in x : x]}"`,
	`"a\CANARY"`, `"\uCANARY"`, `"\UCANARY"`, `"CANARY\"`, `"CANARY\ "`, "\"CANARY\t\x01\"", "\"CANARY\xff\"", `"CANARY"CANARY"`,
	`CANARY`, `'CANARY'`, "`CANARY`", `“CANARY”`, `„CANARY“`, `"CANARY`, `CANARY"`, `CANARY.x.y`, `x.CANARY`, `CANARY!x`, `x!CANARY`, `CANARY + 1`,
	`1CANARY`, `0xCANARY`, `-CANARY`, `!CANARY`, `@CANARY`, `#CANARY`, `//CANARY`, `x//CANARY`, `x;CANARY`, `$CANARY`, `%CANARY`, `&CANARY`, `*CANARY`,
	`"x" CANARY`, `"CANARY" x`, `"x""CANARY"`, `["CANARY"]`, `[CANARY]`, "[\nCANARY\n]", "[\n\"CANARY\"\n]", `{ a = CANARY }`, `{ a: CANARY }`,
	`{ a = "CANARY" }`, "{\n a = CANARY\n}", "{\n a = CANARY CANARY\n}", `{ a = "CANARY", b }`, `("CANARY")`, `("CANARY"`, `(CANARY`, `"CANARY",`, `"CANARY";`,
	`"CANARY", "x"`, `= "CANARY"`, `"x" + "CANARY"`, `"x" == "CANARY" ? 1 : 2 : 3`, `true ? "CANARY"`, `upper("CANARY", 1)`, `parseint("CANARY", 10)`,
	`credential("CANARY CANARY")`, `CANARY("x")`, `jsondecode("CANARY")`, `yamldecode("{CANARY")`, `csvdecode("a,b\n\"CANARY")`, `base64decode("CANARY")`,
	`timeadd("CANARY", "1h")`, `formatdate("CANARY", "CANARY")`, `regex("CANARY(", "x")`, `format("%CANARY", 1)`, `tonumber("CANARY")`, `{ CANARY }`,
	`lookup({}, "CANARY")`, `[for x in ["CANARY", "CANARY"] : x]["CANARY"]`, `{ for x in ["CANARY", "CANARY"] : x => x }`, `"https://CANARY`, `"http://CANARY/"`,
	`"https://u:CANARY@h:x/"`, `https://u:CANARY@h/`, `"https://h/%{CANARY}/"`, `"https://h/\CANARY"`, `"CANARY://h/"`, `"https://[CANARY/"`, `"https://h/%CANARY"`,
	"\"CANARY\nCANARY\"", "\"CANARY\r\nCANARY\"", "<<EOT\nCANARY\nEOT", "<<EOT\nCANARY", "<<-EOT\n  %{CANARY}\n  EOT", "<<EOT\n${CANARY}\nEOT",
	"<<EOT\nCANARY\n  EOT\nCANARY", "<<'EOT'\nCANARY\nEOT", "<<\"EOT\"\nCANARY\nEOT", "<< EOT\nCANARY\nEOT", "<<CANARY\nx\n", "\"\"\"\nCANARY\n\"\"\"",
	`NAME "CANARY"`, `NAME CANARY`, `NAME: CANARY`, `NAME: "CANARY"`, `NAME = = "CANARY"`, `"NAME" = "CANARY"`, `"NAME": "CANARY"`, `NAME := "CANARY"`,
	`NAME => "CANARY"`, `NAME == "CANARY"`, `NAME { "CANARY" }`, "NAME {\n  x = \"CANARY\"\n}", `NAME("CANARY")`, `NAME = "x", z = "CANARY"`, `NAME.x = "CANARY"`,
	`# NAME = "CANARY"`, `// NAME "CANARY"`, "/* NAME = CANARY */ x y", `NAME = 5 # CANARY`, `NAME = # CANARY`, "NAME = \"x\" // CANARY\nNAME = 1",
	"zzz = \"x\nNAME = \"CANARY\"", "zzz = \"x\nNAME = \"CANARY\"\nzz = \"y\"", "zzz = x\"\nNAME = CANARY", "zzz = \"${x\nNAME = \"CANARY\"", "NAME = \"CANARY\"\nNAME = \"CANARY\"",
	`-NAME = "CANARY"`, `- NAME: CANARY`, `NAMEE = "CANARY"`, `NAMEE = CANARY`, `NAMEE CANARY`, "NAM = \"CANARY\nCANARY\"", `export NAME="CANARY"`, `NAME = {{ CANARY }}`,
	`NAME = "{{ CANARY }}`, `NAME = !vault CANARY`, `NAME = ${CANARY}`, `NAME = $CANARY`, `NAME = %{CANARY}`, `NAME = "CANARY" }`, `NAME = "CANARY" {`,
}

const spelled = "CANARYPARTx0123456789"

// TestCanaryInEverySpelling writes a secret in each spelling into each attribute
// that may hold one, in the file's three forms of line ends and marks, and into
// locals and elements of dynamic blocks that become one.
func TestCanaryInEverySpelling(t *testing.T) {
	tree(t, nil)
	tried := 0
	for place, attributes := range secretPlaces() {
		for _, name := range attributes {
			for i, spelling := range spellings {
				text := fmt.Sprintf(place, attributeOf(name, spelling))
				switch i % 3 { // each form comes with each spelling of some attribute
				case 1:
					text = strings.ReplaceAll(text, "\n", "\r\n")
				case 2:
					text = "\uFEFF" + text
				}
				noCanary(t, text)
				tried++
			}
		}
	}
	for _, spelling := range spellings {
		if strings.Contains(spelling, "NAMEE") {
			continue // it is a local of another name, and used nowhere
		}
		noCanary(t, "locals {\n  "+attributeOf("x", spelling)+"\n}\nimap_check \"x\" {\n  hostname = \"h\"\n  login {\n    username = \"u\"\n    password = local.x\n  }\n}\n")
		noCanary(t, "locals {\n  "+attributeOf("db_password", spelling)+"\n}\nimap_check \"x\" {\n  hostname = \"h\"\n  port = z\n}\n")
		noCanary(t, "dynamic \"notifier\" {\n  "+attributeOf("for_each", spelling)+"\n  labels = [\"slack\", \"x\"]\n  content {\n    token = notifier.value\n  }\n}\n")
	}
	if tried < 2000 {
		t.Errorf("only %d spellings were tried", tried)
	}
}

// attributeOf is an attribute in a spelling, with the secret in it.
func attributeOf(name, spelling string) string {
	if !strings.Contains(spelling, "NAM") {
		spelling = "NAME = " + spelling
	}
	return strings.NewReplacer("NAME", name, "NAM", name[:len(name)-1], "CANARY", spelled).Replace(spelling)
}

// secretPlaces are the blocks that have attributes for secrets, with the names of
// those.
func secretPlaces() map[string][]string {
	found := map[string][]string{}
	for _, b := range hclfile.Schema().Blocks {
		for _, a := range b.Attributes {
			if a.Sensitive {
				place := strings.ReplaceAll(places[b.Name], "KIND", b.Kind)
				found[place] = append(found[place], a.Name)
			}
		}
	}
	return found
}

// TestCanaryInEverySpellingOfJSON does so for HCL's JSON form.
func TestCanaryInEverySpellingOfJSON(t *testing.T) {
	tree(t, nil)
	for _, value := range []string{
		`"CANARY"`, `"aa%{CANARY}bb"`, `"%{CANARY"`, `"${CANARY}"`, `"${CANARY"`, `"${CANARY CANARY}"`, `"${upper(\"CANARY\", 1)}"`, `"${x.CANARY}"`, `"%{ if CANARY }"`,
		`CANARY`, `'CANARY'`, `"CANARY`, `"CANARY"CANARY"`, `"\CANARY"`, `"\uCANARY"`, `["CANARY"]`, `{"a": "CANARY"}`, `{"a": CANARY}`, `["CANARY", CANARY]`,
		`"CANARY",`, `"CANARY" "x"`, `= "CANARY"`, `-CANARY`, `1CANARY`, `trueCANARY`, `“CANARY”`, "\"CANARY\n\"", `"CANARY", // CANARY`, `"CANARY", "//": "CANARY", "zzz": 1`,
		`"parseint: ${parseint("CANARY", 10)}"`, `"${parseint(\"CANARY\", 10)}"`, "\"CANARY\x01\"",
	} {
		value = strings.ReplaceAll(value, "CANARY", spelled)
		for _, text := range []string{
			`{"notifier": {"slack": {"x": {"token": VALUE}}}}`,
			`{"notifier": {"webhook": {"x": {"url": VALUE, "headers": {"Authorization": VALUE}}}}}`,
			`{"notifier": {"email": {"x": {"host": "h", "from": "a@b", "passwort": VALUE}}}}`,
			`{"imap_check": {"a": {"hostname": "h", "login": {"pass\u0077ord": VALUE}}}}`,
			`{"imap_check": [{"a": {"hostname": "h", "login": [{"username": "u", "password": VALUE}]}}]}`,
			`{"daemon": {"heartbeat_url": VALUE}}`,
			`{"//": VALUE, "imap_check": {"a": {"hostname": 5 5}}}`,
			`{"locals": {"x": VALUE}, "imap_check": {"a": {"login": {"password": "${local.x}"}}}}`,
		} {
			noCanaryIn(t, "etc/main.hcl.json", strings.ReplaceAll(text, "VALUE", value))
			noCanaryIn(t, "etc/main.hcl.json", "\uFEFF"+strings.ReplaceAll(text, "VALUE", value)+"\r\n")
		}
	}
}

// TestCanaryAmongTypingErrors makes mistakes by chance, each time the same: a few
// characters too many, too few or changed, anywhere in a configuration with secrets
// in all its places.
func TestCanaryAmongTypingErrors(t *testing.T) {
	tree(t, nil)
	var whole strings.Builder
	all := secretPlaces()
	for _, place := range slices.Sorted(maps.Keys(all)) {
		var lines []string
		for i, name := range all[place] {
			lines = append(lines, attributeOf(name, []string{`"CANARY"`, `"a%%{CANARY}b"`, `"https://h/CANARY"`, "<<EOT\nCANARY\nEOT", `{ a = "CANARY" }`}[i%5]))
		}
		fmt.Fprintf(&whole, place, strings.Join(lines, "\n"))
	}
	const seeds = 1000
	inserts := []string{`"`, `{`, `}`, `%{`, `${`, `\`, "\n", `=`, `#`, `//`, `/*`, `<<EOT`, `'`, `[`, `]`, `(`, `)`, `:`, `,`, `.`, "\x00", "\xff", "“", "x", " ", "\uFEFF"}
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		text := whole.String()
		for range 1 + r.IntN(2) {
			at := r.IntN(len(text))
			switch r.IntN(3) {
			case 0:
				text = text[:at] + text[at+1:]
			case 1:
				text = text[:at] + inserts[r.IntN(len(inserts))] + text[at:]
			default:
				text = text[:at] + inserts[r.IntN(len(inserts))] + text[at+1:]
			}
		}
		noCanary(t, text)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
