//go:build !quick

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// Secrets are everywhere they may be, as credentials and as they are, and
// everything around them goes wrong: no output of any command, no line of the log
// and no file of the state directory has one of them in it.
func TestNoSecretComesOut(t *testing.T) {
	t.Parallel()
	for name, literally := range map[string]bool{"credentials": false, "literals": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newCanaries(t, literally).runEverything()
		})
	}
}

// canaries are a daemon, its world, and all that was printed so far.
type canaries struct {
	*daemonProcess
	template  string
	cluster   string // is validated only
	literally bool
	secrets   map[string]string // by the name of the credential
	printed   bytes.Buffer
}

var canaryPlace = regexp.MustCompile(`secret\("([a-z-]+)"\)`)

func newCanaries(t *testing.T, literally bool) *canaries {
	t.Helper()
	c := &canaries{template: canaryFile(t, "main.hcl"), cluster: canaryFile(t, "cluster.hcl"), literally: literally, secrets: map[string]string{}}
	for i, m := range canaryPlace.FindAllStringSubmatch(c.template+c.cluster, -1) {
		c.secrets[m[1]] = fmt.Sprintf("canary%02dWq7Zx", i)
	}
	authority := ca.New()
	leaf := authority.Issue(ca.Leaf{})
	c.daemonProcess = newDaemonProcess(t, c.world(t, leaf))
	for _, err := range []error{
		authority.WriteFile(c.path("ca.pem")),
		ca.WriteFiles(authority.Issue(ca.Leaf{}), c.path("client.pem"), c.path("client.key")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c.env = append(c.env, "CA_FILE="+c.path("ca.pem"), "CERT_FILE="+c.path("client.pem"), "KEY_FILE="+c.path("client.key"))
	key, err := os.ReadFile(c.path("client.key"))
	if err != nil {
		t.Fatal(err)
	}
	c.secrets["client.key"] = strings.Split(string(key), "\n")[1]
	c.writeAll("main.hcl", c.template)
	return c
}

// canaryFile returns a file in which secrets are to be put.
func canaryFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/canary", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// world are servers and receivers that refuse whatever they are given, most of
// them with the words of it.
func (c *canaries) world(t *testing.T, leaf tls.Certificate) map[string]string {
	t.Helper()
	mirror := startSink(t, httpsink.NoContent)
	mirror.Behave(httpsink.Behaviour{Do: httpsink.Mirror})
	config := &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS12}
	mail, err := smtpsink.Start(smtpsink.Options{TLS: config, Username: "alerts", Password: c.secrets["smtp"]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mail.Close() })
	mail.Behave(smtpsink.Behaviour{At: smtpsink.Auth, Code: 535, Text: "5.7.8 not " + echo})
	imap, err := imaptest.StartMemory(imaptest.MemoryOptions{Certificate: leaf, Username: "probe", Password: "other"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(imap.Close)
	return map[string]string{
		"MIRROR": mirror.URL(), "SMTP_PORT": fmt.Sprint(mail.Port()), "IMAPS_PORT": fmt.Sprint(imap.Addr().Port()),
		"ECHO_PORT":  playIMAP(t, leaf, "until LOGIN *\nS: $tag NO not "+echo),
		"TOKEN_PORT": playIMAP(t, leaf, "caps AUTH=XOAUTH2 SASL-IR\nuntil AUTHENTICATE XOAUTH2 *\nS: $tag NO not "+echo),
	}
}

// echo is the secret that a careless server was sent, as it repeats it.
const echo = "$secret or $base64"

func playIMAP(t *testing.T, leaf tls.Certificate, lines string) (port string) {
	t.Helper()
	script, err := imaptest.Parse("tls\nS: * OK ready\n" + lines + "\nserve\n")
	if err != nil {
		t.Fatal(err)
	}
	certificates := imaptest.NewCertificates()
	certificates.Add("good", leaf)
	server, err := imaptest.Start("127.0.0.1:0", script, certificates)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return fmt.Sprint(server.Addr().Port())
}

// writeAll writes a file with the secrets in it, or beside it.
func (c *canaries) writeAll(name, template string) {
	c.t.Helper()
	c.write(name, canaryPlace.ReplaceAllStringFunc(template, func(place string) string {
		secret := canaryPlace.FindStringSubmatch(place)[1]
		if c.literally {
			return fmt.Sprintf("%q", c.secrets[secret])
		}
		c.write("credentials/"+secret, c.secrets[secret])
		return fmt.Sprintf("credential(%q)", secret)
	}))
}

// runs runs a command and listens.
func (c *canaries) runs(args ...string) string {
	c.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(c.program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.daemonProcess.env, &out, &out
	code := exitCodeOf(cmd.Run())
	fmt.Fprintf(&c.printed, "\n$ imapvigil %s\n", strings.Join(args, " "))
	c.printed.Write(out.Bytes())
	if code < 0 || out.Len() == 0 {
		c.t.Errorf("imapvigil %s: code %d, %q", strings.Join(args, " "), code, out.String())
	}
	return out.String()
}

// asks runs a command that talks to the daemon, or looks into its state.
func (c *canaries) asks(args ...string) string {
	c.t.Helper()
	return c.runs(append(args, "--config", c.path("conf"), "--state-dir", c.path("state"), "--control", c.path("control.sock"))...)
}

func (c *canaries) runEverything() {
	c.t.Helper()
	c.validates()
	c.start()
	c.fails()
	c.changes()
	c.stop()
	c.withoutDaemon()
	c.listens()
}

// validates looks at the files as they are, and with mistakes of many kinds in
// and beside the secrets.
func (c *canaries) validates() {
	c.t.Helper()
	conf := c.path("conf")
	for _, flags := range [][]string{{}, {"--json"}, {"--verbose"}, {"--strict"}, {"--no-credentials"}} {
		c.runs(append([]string{"validate", conf}, flags...)...)
	}
	c.runs("schema")
	c.runs("schema", "--man")
	whole := canaryPlace
	for _, mistake := range []string{
		whole.ReplaceAllString(c.template, "parseint($0, 10)"),
		whole.ReplaceAllString(c.template, "[$0]"),
		whole.ReplaceAllString(c.template, "$0 + 1"),
		whole.ReplaceAllString(c.template, "$0.nothing"),
		whole.ReplaceAllString(c.template, "nosuch($0)"),
		whole.ReplaceAllString(c.template, "$0 $0"),
		strings.ReplaceAll(c.template, " = ", "x = "),
		strings.ReplaceAll(c.template, "{\n", "{\n  nothing = secret(\"imap\")\n"),
		strings.ReplaceAll(c.template, "\"${", "\"gopher://${"),
		c.template + "\nlocals {\n  a = secret(\"imap\")\n  b = parseint(local.a, 10)\n}\nimap_check \"x\" {\n  hostname = local.a\n}\n",
		strings.Replace(c.template, "}\n", "\n", 1),
	} {
		c.writeAll("main.hcl", mistake)
		c.runs("validate", conf)
		c.runs("validate", conf, "--json")
	}
	c.writeAll("main.hcl", c.template)
	c.validatesCluster()
}

// validatesCluster looks at the files of a node, right and with mistakes.
func (c *canaries) validatesCluster() {
	c.t.Helper()
	key := regexp.MustCompile(`(?m)^ *key +=.*secret.*\n`)
	for _, text := range []string{
		c.cluster, // two ways to log in
		key.ReplaceAllString(c.cluster, ""),
		canaryPlace.ReplaceAllString(c.cluster, "parseint($0, 10)"),
		canaryPlace.ReplaceAllString(c.cluster, "[$0]"),
		canaryPlace.ReplaceAllString(c.cluster, "$0 $0"),
		strings.ReplaceAll(c.cluster, " = ", "x = "),
		strings.ReplaceAll(c.cluster, "nats://127", "nats://anna:${secret(\"bus-key\")}@127"),
		strings.ReplaceAll(c.cluster, "127.0.0.1", "${secret(\"bus-key\")}"),
		strings.Replace(c.cluster, "}\n", "\n", 1),
	} {
		c.writeAll("cluster.hcl", text)
		for _, flags := range [][]string{{}, {"--json"}, {"--no-credentials"}} {
			c.runs(append([]string{"validate", c.path("conf")}, flags...)...)
		}
	}
	c.writeAll("cluster.hcl", key.ReplaceAllString(c.cluster, ""))
	if out := c.runs("show", "local/password", "--config", c.path("conf")); !strings.Contains(out, "agree") {
		c.t.Errorf("the files of the node are in error: %s", out)
	}
	if err := os.Remove(c.path("conf/cluster.hcl")); err != nil {
		c.t.Fatal(err)
	}
}

// fails waits until every way has failed, and looks at it from all sides.
func (c *canaries) fails() {
	c.t.Helper()
	c.await("every way to fail", patience, func() bool {
		journal, _ := c.command("journal", "--json")
		for _, notifier := range []string{"email.mail", "slack.chat", "sms.twilio", "sms.gateway", "webhook.hook"} {
			if !regexp.MustCompile(`"notifier":"` + notifier + `".*"state":"(retrying|dead)"|` + notifier).MatchString(journal) {
				return false
			}
		}
		return c.check("local/oauth").State != "unknown" && len(c.logged("a message could not be delivered")) >= 5
	})
	c.asks("status")
	c.asks("status", "--json")
	for _, check := range []string{"local/echo", "local/token"} {
		if out := c.asks("status", check); !strings.Contains(out, "not *** or ***") {
			c.t.Errorf("the server does not repeat the secret of %s:\n%s", check, out)
		}
	}
	if out := c.asks("journal", "--json"); !strings.Contains(out, "not (sensitive) or (sensitive)") {
		c.t.Errorf("the mail server does not repeat the password:\n%s", out)
	}
	for _, id := range regexp.MustCompile(`"id": "([a-z0-9]+)"`).FindAllStringSubmatch(c.asks("incidents", "--json"), -1) {
		c.asks("incidents", id[1])
		c.asks("incidents", id[1], "--json")
	}
	c.asks("incidents")
	c.asks("journal")
	c.asks("deliveries")
	c.asks("notify-test", "all")
	c.asks("notify-test", "all", "--json")
	for _, check := range []string{"password", "echo", "token", "oauth", "key"} {
		c.asks("recheck", "local/"+check)
		for _, flags := range [][]string{{}, {"--json"}, {"--transcript"}, {"--format", "nagios"}} {
			c.runs(append([]string{"test", "local/" + check, "--config", c.path("conf")}, flags...)...)
		}
	}
}

// changes exchanges every secret, and then breaks the files, while the daemon
// runs.
func (c *canaries) changes() {
	c.t.Helper()
	old := maps.Clone(c.secrets)
	for name, secret := range c.secrets {
		if name != "client.key" {
			c.secrets[name] = secret + "New"
		}
	}
	c.writeAll("main.hcl", c.template)
	for _, flags := range [][]string{{}, {"--json"}} {
		plan := c.asks(append([]string{"plan"}, flags...)...)
		for _, attribute := range []string{"login.password", "login.token", "login.client_secret"} {
			if !strings.Contains(plan, attribute) || !strings.Contains(plan, "(sensitive)") {
				c.t.Errorf("the plan does not show that %s has changed:\n%s", attribute, plan)
			}
		}
	}
	c.asks("reload", "--json")
	c.writeAll("main.hcl", canaryPlace.ReplaceAllString(c.template, "[$0]"))
	c.asks("plan")
	c.asks("reload")
	c.asks("reload", "--json")
	c.asks("status")
	for name, secret := range old {
		c.secrets[name+" before"] = secret
	}
}

// withoutDaemon looks at what is kept, and starts from it.
func (c *canaries) withoutDaemon() {
	c.t.Helper()
	c.asks("plan")
	c.start() // with files in error
	c.asks("status")
	c.stop()
	c.writeAll("main.hcl", c.template)
	if plan := c.asks("plan"); !strings.Contains(plan, "0 to add, 0 to change, 0 to move, 0 to remove") {
		c.t.Errorf("nothing has changed:\n%s", plan)
	}
	c.asks("plan", "--json")
	c.asks("journal")
}

// listens looks for every secret in all that came out.
func (c *canaries) listens() {
	c.t.Helper()
	c.searched("printed", c.printed.String())
	c.searched("log", c.log())
	err := filepath.WalkDir(c.path("state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		c.searched(d.Name(), string(text))
		return err
	})
	if err != nil {
		c.t.Error(err)
	}
}

func (c *canaries) searched(what, text string) {
	c.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(c.secrets)) {
		for _, form := range formsOf(c.secrets[name]) {
			if i := strings.Index(text, form); i >= 0 {
				c.t.Errorf("%s: the secret %s comes out: %s", what, name, text[max(0, i-400):min(len(text), i+100)])
				break
			}
		}
	}
}

// formsOf are a secret as it is, as in a URL, and within base64 wherever it begins.
func formsOf(secret string) []string {
	forms := []string{secret, strings.ToUpper(secret), strings.ToLower(secret), url.QueryEscape(secret)}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		forms = append(forms, text[4:len(text)-4])
	}
	return forms
}

// Whatever may hold a secret has one in the test.
func TestCanariesAreEverywhere(t *testing.T) {
	t.Parallel()
	template := canaryFile(t, "main.hcl") + canaryFile(t, "cluster.hcl")
	for _, b := range hclfile.Schema().Blocks {
		for _, a := range b.Attributes {
			place := regexp.MustCompile(`(?m)^ *` + a.Name + ` += .*secret\(`)
			if a.Sensitive && !place.MatchString(template) {
				t.Errorf("no canary in %s of %s %s", a.Name, b.Name, b.Kind)
			}
		}
	}
}
