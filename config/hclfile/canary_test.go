package hclfile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

const canary = "canary-7f3a9c"

// abuses are expressions that handle a secret wrongly or rightly; some of them
// have hcl or a function complain about the value.
var abuses = []string{
	`credential("c")`,
	`"${credential("c")}"`,
	`"Bearer ${credential("c")} ${1 + 1}"`,
	`base64encode(credential("c"))`,
	`"https://${credential("c")}/x"`,
	`"http://example.org/${credential("c")}"`,
	`format("%d", credential("c"))`,
	`format("%s-%s", credential("c"))`,
	`join(",", [credential("c"), 5])`,
	`join(credential("c"), "x")`,
	`concat([credential("c")], credential("c"))`,
	`trimspace([credential("c")])`,
	`parseint(credential("c"), 10)`,
	`timeadd("2026-01-01T00:00:00Z", credential("c"))`,
	`timeadd(credential("c"), "1h")`,
	`{ for x in ["a", "b"] : credential("c") => x }`,
	`{ for x in [local.s, local.s] : "p${x}" => x }`,
	`{ for x in [local.s, local.s] : base64encode(x) => x }`,
	`{ (credential("c")) = 1, b = credential("c") }`,
	`{ X = credential("c") }`,
	`[credential("c")]`,
	`[credential("c"), "x"]`,
	`credential("c") + 1`,
	`!credential("c")`,
	`-local.s`,
	`credential("c") == "x" ? 1 : "y"`,
	`credential("c") ? 1 : 2`,
	`local.m[credential("c")]`,
	`local.s.nothing`,
	`local.s[0]`,
	`local.s[credential("c")]`,
	`[for x in local.s : x]`,
	`[for x in [1] : x if local.s]`,
	`local.s...`,
	`upper(credential("c"))`,
	`jsondecode(credential("c"))`,
	`yamldecode(local.s)`,
	`csvdecode("${local.s}\n${local.s},\"")`,
	`regex(local.s, "x")`,
	`env(credential("c"))`,
	`file(credential("c"))`,
	`credential(credential("c"))`,
	`try(parseint(local.s, 10), local.s)`,
	`nosuch(local.s)`,
	`lookup({ a = 1 }, local.s)`,
	`server[credential("c")]`,
	`group[local.s].x`,
	`"%{ if local.s }x%{ endif }"`,
	`"%{ for x in local.s }x%{ endfor }"`,
	`range(local.s)`,
	`<<EOT
${credential("c")}
EOT`,
}

// places is where an attribute of each block stands.
var places = map[string]string{
	"daemon":            "daemon {\n%s\n}\n",
	"cluster":           "cluster {\n%s\n}\n",
	"node":              "cluster {\n}\nnode \"x\" {\n%s\n}\n",
	"defaults":          "defaults {\n%s\n}\n",
	"thresholds":        "imap_check \"x\" {\nhostname = \"h\"\nthresholds {\n%s\n}\n}\n",
	"tls":               "imap_check \"x\" {\nhostname = \"h\"\ntls {\n%s\n}\n}\n",
	"login":             "imap_check \"x\" {\nhostname = \"h\"\nlogin {\n%s\n}\n}\n",
	"group":             "group \"x\" {\n%s\n}\n",
	"server":            "server \"x\" {\n%s\n}\n",
	"imap_check":        "imap_check \"x\" {\n%s\n}\n",
	"notifier":          "notifier \"KIND\" \"x\" {\n%s\n}\n",
	"notify":            "notifier \"KIND\" \"n\" {\n}\nnotification_role \"r\" {\nnotify {\nvia = notifier.KIND.n\n%s\n}\n}\n",
	"notification_role": "notification_role \"r\" {\n%s\n}\n",
	"schedule":          "schedule \"s\" {\n%s\n}\n",
	"maintenance":       "maintenance \"m\" {\n%s\n}\n",
	"moved":             "moved {\n%s\n}\n",
	"history":           "history {\n%s\n}\n",
	"page":              "page {\n%s\n}\n",
	"access":            "page {\naccess \"a\" {\n%s\n}\n}\n",
	"trusted_proxy":     "page {\ntrusted_proxy {\n%s\n}\n}\n",
	"oidc":              "page {\noidc {\n%s\n}\n}\n",
	"report":            "report \"r\" {\n%s\n}\n",
	"announcement":      "announcement \"a\" {\n%s\n}\n",
	"correction":        "correction \"c\" {\n%s\n}\n",
}

// TestCanaryInEveryAttribute writes each abuse into each attribute that takes
// secrets, into one of each other kind, and into names, locals and for_each.
func TestCanaryInEveryAttribute(t *testing.T) {
	tree(t, map[string]string{"etc/credentials/c": canary + "\n"})
	const locals = "locals {\n  s = credential(\"c\")\n  m = { a = 1 }\n}\n"
	tried := map[string]bool{}
	for _, b := range hclfile.Schema().Blocks {
		place, ok := places[b.Name]
		if !ok && len(b.Attributes) > 0 {
			t.Errorf("the test knows no place for %s", b.Name)
		}
		place = strings.ReplaceAll(place, "KIND", b.Kind)
		for _, a := range b.Attributes {
			kind := a.Type + a.Bounds + strings.Join(a.Values, "|")
			if tried[kind] && !a.Sensitive {
				continue // it is read by the same code
			}
			tried[kind] = true
			for _, abuse := range abuses {
				noCanary(t, locals+fmt.Sprintf(place, a.Name+" = "+abuse))
			}
		}
	}
	for _, abuse := range abuses {
		noCanary(t, locals+"locals {\n  x = "+abuse+"\n  y = upper(local.x)\n}\nimap_check \"a\" {\n  hostname = local.x\n  port = local.y\n}\n")
		noCanary(t, locals+"dynamic \"server\" {\n  for_each = "+abuse+"\n  labels = [server.key]\n  content {\n  hostname = server.value\n  }\n}\n")
		noCanary(t, locals+"dynamic \"server\" {\n  for_each = [1]\n  labels = ["+abuse+"]\n  content {}\n}\n")
		noCanary(t, locals+"dynamic \"notifier\" {\n  for_each = "+abuse+"\n  labels = [\"slack\", \"x\"]\n  content {\n  token = notifier.value\n  nothing = notifier.value\n  }\n}\n")
	}
}

// TestCanaryWrittenInTheFile has a password stand in the file as it is, among
// mistakes of all kinds.
func TestCanaryWrittenInTheFile(t *testing.T) {
	tree(t, nil)
	for _, text := range []string{
		"notifier \"slack\" \"x\" {\n  token = \"CANARY\n}\n",
		"notifier \"slack\" \"x\" {\n  tokn = \"CANARY\"\n}\n",
		"notifier \"slack\" \"x\" {\n  tokn = [\"CANARY\"] # CANARY\n}\n",
		"notifier \"slack\" \"x\" {\n  token = CANARY\n}\n",
		"notifier \"slack\" \"x\" {\n  token = CANARY.x\n}\n",
		"notifier \"slack\" \"x\" {\n  token = CANARY(\"x\")\n}\n",
		"notifier \"slack\" \"x\" {\n  token = 'CANARY'\n}\n",
		"notifier \"slack\" \"x\" {\n  token = [\"CANARY\"]\n}\n",
		"notifier \"slack\" \"x\" {\n  token = upper(\"CANARY\", 1)\n}\n",
		"notifier \"slack\" \"x\" {\n  token = \"CANARY\"\n  token = \"CANARY\"\n}\n",
		"notifier \"slack\" \"x\" {\n  token = <<EOT\nCANARY\nEOT\n  port = 5\n}\n",
		"notifier \"slack\" \"x\" {\n  token \"CANARY\"\n}\n",
		"notifier \"slack\" \"x\" { token = \"CANARY\", }\n",
		"notifier \"slack\" \"x\" {\n  token = \"CANARY\" + 1\n}\n",
		"notifier \"slack\" \"x\" {\n  token = parseint(\"CANARY\", 10)\n}\n",
		"notifier \"slack\" \"x\" {\n  token = { a = \"CANARY\" }\n",
		"notifier \"webhook\" \"x\" {\n  url = \"http://example.org/CANARY\"\n}\n",
		"notifier \"webhook\" \"x\" {\n  url = \"CANARY\"\n}\n",
		"notifier \"webhook\" \"x\" {\n  url = \"https://example.org/\"\n  headers = \"Authorization: CANARY\"\n}\n",
		"notifier \"webhook\" \"x\" {\n  url = \"https://example.org/\"\n  headers = { \"Bad Name\" = \"CANARY\" }\n}\n",
		"notifier \"webhook\" \"x\" {\n  url = \"https://example.org/\"\n  headers = { X = \"CANARY\\n\" }\n}\n",
		"notifier \"sms\" \"x\" {\n  provider = \"http\"\n  url = \"https://example.org/CANARY\"\n  body = \"CANARY\"\n  method = \"PATCH\"\n}\n",
		"imap_check \"x\" {\n  hostname = \"h\"\n  login {\n    username = \"u\"\n    pasword = \"CANARY\"\n  }\n}\n",
		"imap_check \"x\" {\n  login {\n    username = \"CANARY\n  }\n}\n",
		"imap_check \"x\" {\n  password = \"CANARY\"\n}\n",
		"imap_check \"x\" {\n  login = { password = \"CANARY\" }\n}\n",
		"cluster {\n  servers = [\"tls://user:CANARY@bus.example\"]\n}\n",
		"cluster {\n  servers = [\"CANARY@bus.example\"]\n}\n",
		"cluster {\n  key = \"CANARY\"\n}\n",
		"cluster {\n  kye = \"CANARY\"\n}\n",
		"node \"x\" {\n  seed = \"CANARY\"\n}\n",
		"node \"x\" {\n  key = \"CANARY\n}\n",
		"cluster {\n  seed = \"CANARY\"\n}\n",
		"cluster {\n  key = \"CANARY\n}\n",
		"cluster {\n  key = CANARY\n}\n",
		"cluster {\n  credentials = \"CANARY\"\n}\n",
		"cluster {\n  credential = \"CANARY\"\n}\n",
		"cluster {\n  credentials = <<EOT\n-----BEGIN NATS USER JWT-----\nCANARY\n-----BEGIN USER NKEY SEED-----\nEOT\n  port = 5\n}\n",
		"cluster {\n  key = <<EOT\n-----BEGIN NATS USER JWT-----\nCANARY\n-----BEGIN USER NKEY SEED-----\nEOT\n}\n",
		"locals {\n  x = \"CANARY\"\n}\ncluster {\n  key = local.x\n}\n",
		"page {\n  oidc {\n    client_secrt = \"CANARY\"\n  }\n}\n",
		"page {\n  oidc {\n    client_secret = \"CANARY\"\n    issuer = \"http://x.example\"\n  }\n}\n",
		"page {\n  oidc {\n    client_secret = \"CANARY\n  }\n}\n",
		"daemon {\n  heartbeat_url = \"ftp://CANARY\"\n}\n",
		"daemon {\n  # who watches\n  heartbeat_url = \"ftp://CANARY\"\n}\n",
		"daemon {\n  listen = \"\" # none\n  heartbeat_url = upper(\"CANARY\")\n}\n",
		"# x\nnotifier \"slack\" \"x\" { # y\n  # z\n  tokn = \"CANARY\"\n}\n",
		"notifier \"slack\" \"x\" {\n  /* z */ tokn = \"CANARY\"\n}\n",
		"notifier \"slack\" \"x\" /* y */ {\n  tokn = \"CANARY\"\n}\n",
		"notifier \"slack\" x {\n  tokn = \"CANARY\"\n}\n",
		"/* x */ notifier \"slack\" \"x\" {\n  tokn = \"CANARY\"\n}\n",
		"daemon {\n  heartbeat_url = \"CANARY\" \"x\"\n}\n",
		"locals {\n  pw = \"CANARY\"\n  n = parseint(local.pw, 10)\n}\nimap_check \"x\" {\n  hostname = local.pw\n  login {\n    password = local.pw\n  }\n}\n",
		"dynamic \"notifier\" {\n  for_each = [\"CANARY\"]\n  labels = [\"slack\", \"x\"]\n  content {\n    token = notifier.value\n    x = 1\n  }\n}\n",
		"locals {\n  x = \"CANARY\"\n  x = \"CANARY\"\n}\nimap_check \"x\" {\n  login {\n    password = local.x\n  }\n}\n",
		"locals {\n  x = upper(\"CANARY\", 1)\n}\nimap_check \"x\" {\n  login {\n    password = \"a${local.y}\"\n  }\n}\nlocals {\n  y = local.x\n}\n",
		"locals {\n  x = { a = { b = \"CANARY\" }, c = 1 + \"x\" }\n}\nimap_check \"x\" {\n  login {\n    password = local.x.a.b\n  }\n}\n",
		"locals {\n  imap_password = \"CANARY\n}\n",
		"locals {\n  x = { password = \"CANARY\", y = 1 + \"x\" }\n}\n",
		"dynamic \"notifier\" {\n  for_each = { \"x\" = \"CANARY\", \"y\" = 1 + \"x\" }\n  labels = [\"slack\", notifier.key]\n  content {\n    token = notifier.value\n  }\n}\n",
		"dynamic \"notifier\" {\n  for_each = [\n    \"CANARY\", 1 + \"x\"]\n  labels = [\"slack\", \"x\"]\n  content {\n    token = notifier.value\n  }\n}\n",
		"dynamic \"imap_check\" {\n  for_each = { \"x\" = \"CANARY\", \"y\" = 1 + \"x\" }\n  labels = [\"slack\", imap_check.key]\n  content {\n    login {\n      password = \"a-${imap_check.value}\"\n    }\n  }\n}\n",
		"password = \"CANARY\"\n",
		"heartbeat_url = \"CANARY\"\n",
	} {
		noCanary(t, strings.ReplaceAll(text, "CANARY", canary))
	}
	for _, text := range []string{
		`{"notifier": {"slack": {"x": {"token": "CANARY", "tokn": "CANARY"}}}}`,
		`{"notifier": {"slack": {"x": {"token": "CANARY"}, {"token": "CANARY"}}}}`,
		`{"notifier": {"slack": {"x": {"token": "CANARY}}}}`,
		`{"daemon": {"heartbeat_url": "CANARY", "x": 1}}`,
		`{"imap_check": {"a": {"login": [{"password": "CANARY", "password": "CANARY"}]}}}`,
		`{"imap_check": {"a": {"login": {"password": "${CANARY}"}}}}`,
		`{"locals": {"x": "CANARY", "y": "${1 + \"x\"}"}, "imap_check": {"a": {"login": {"password": "${local.x}"}}}}`,
	} {
		noCanaryIn(t, "etc/main.hcl.json", strings.ReplaceAll(text, "CANARY", canary))
	}
}

func noCanary(t *testing.T, text string) {
	t.Helper()
	noCanaryIn(t, "etc/main.hcl", text)
}

// noCanaryIn loads a file and looks for the secret in all that comes out.
func noCanaryIn(t *testing.T, name, text string) {
	t.Helper()
	writeFile(t, name, []byte(text))
	s, err := source.Read(name, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	var out bytes.Buffer
	_ = config.Print(&out, diags, true)
	for _, d := range diags {
		fmt.Fprintln(&out, d.Error(), d)
	}
	fmt.Fprintf(&out, "%v %+v %#v\n", s, cfg, cfg)
	if cfg != nil {
		for _, c := range cfg.Checks {
			fmt.Fprintf(&out, "%+v %#v\n", *c, *c)
		}
		for _, n := range cfg.Notifiers {
			fmt.Fprintf(&out, "%+v %#v\n", *n, *n)
		}
		_ = json.NewEncoder(&out).Encode(config.Compare(nil, cfg))
		_ = json.NewEncoder(&out).Encode(cfg)
	}
	for _, form := range []string{canary, canary[:9], strings.ToUpper(canary), spelled[:10], spelled[11:], strings.ToUpper(spelled), base64.StdEncoding.EncodeToString([]byte(spelled)), base64.StdEncoding.EncodeToString([]byte(canary))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret comes out as %q:\n%s\nof\n%s", form, out.String(), text)
			return
		}
	}
}
