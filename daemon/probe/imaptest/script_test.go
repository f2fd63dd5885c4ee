package imaptest

import (
	"bufio"
	"encoding/base64"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, command string
		want             bool
	}{
		{"CAPABILITY", "capability", true},
		{"CAPABILITY", "CAPABILITY x", false},
		{"LOGIN alice *", `LOGIN alice "pa ss"`, true},
		{"LOGIN * secret", "LOGIN alice secret", true},
		{"ID * imapvigil * version *", `ID ("name" "imapvigil" "version" "1")`, false},
		{"ID *imapvigil*version*", `ID ("name" "imapvigil" "version" "1")`, true},
		{"*", "", true},
	} {
		if got := matches(test.pattern, test.command); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.pattern, test.command, got)
		}
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for script, want := range map[string]string{
		"S: hello\n\n# a comment\nsing": "line 4: \"sing\" is no step",
		"pause soon":                    "line 1: pause: time: invalid duration",
		"repeat x * 1 EXISTS":           "line 1: repeat: strconv",
		"raw unquoted":                  "line 1: raw: invalid syntax",
	} {
		if _, err := Parse(script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", script, err, want)
		}
	}
}

func TestServerFollowsItsScript(t *testing.T) {
	server, err := Start("127.0.0.1:0", MustParse(`
S: * OK ready
C: LOGIN alice *
S: $tag NO not $secret or $base64
--- next connection
S: * BYE once was enough
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	first := talk(t, server, "a1 LOGIN alice secret\r\n")
	if want := "* OK ready\na1 NO not secret or c2VjcmV0\n"; first != want {
		t.Errorf("the first connection got %q, want %q", first, want)
	}
	for range 2 {
		if again := talk(t, server, ""); again != "* BYE once was enough\n" {
			t.Errorf("a later connection got %q", again)
		}
	}
	if got := string(server.Received()); got != "a1 LOGIN alice secret\r\n" {
		t.Errorf("received %q", got)
	}
	if got := server.Surprises(); len(got) != 0 {
		t.Errorf("surprises: %q", got)
	}
}

func TestSecretsOfCommands(t *testing.T) {
	for command, want := range map[string]string{
		`LOGIN alice "secret"`: "secret",
		"AUTHENTICATE XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=alice\x01auth=Bearer token\x01\x01")): "token",
		"": "",
	} {
		if got := secretOf(command); got != want {
			t.Errorf("%q has %q, want %q", command, got, want)
		}
	}
}

func TestServerTellsOfSurprises(t *testing.T) {
	server, err := Start("127.0.0.1:0", MustParse("C: LOGOUT"), nil)
	if err != nil {
		t.Fatal(err)
	}
	talk(t, server, "a1 NOOP\r\n")
	server.Close()
	if got := strings.Join(server.Surprises(), "; "); got != `got "NOOP" instead of "LOGOUT"` {
		t.Error(got)
	}
}

func TestServerListensOnLoopbackOnly(t *testing.T) {
	if server, err := Start("0.0.0.0:0", MustParse("close"), nil); err == nil {
		server.Close()
		t.Error("listens on every interface")
	}
}

// talk sends text and reads until the server closes.
func talk(t *testing.T, server *Server, text string) (answer string) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		answer += lines.Text() + "\n"
	}
	return answer
}
