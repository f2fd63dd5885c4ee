package bus

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNamesOfNodesAreOneTokenOfASubject(t *testing.T) {
	t.Parallel()
	for node, token := range map[string]string{
		"fra1":             "fra1",
		"fra1.example.net": "fra1/example/net",
		"FRA-1_b":          "FRA-1_b",
		"a/b":              "a=2fb",
		"*":                "=2a",
		"a b>":             "a=20b=3e",
		"=":                "=3d",
		"käse":             "k=c3=a4se",
	} {
		if got := encodeNode(node); got != token {
			t.Errorf("encodeNode(%q) = %q, not %q", node, got, token)
		}
		for _, topic := range []Topic{Heartbeat(node), SightsOf(node), Node(node)} {
			if got := topic.Node(); got != node {
				t.Errorf("%s is about %q, not %q", topic, got, node)
			}
		}
	}
}

func TestEveryNameOfANodeComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		node := rapid.String().Draw(t, "node")
		if got, ok := decodeNode(encodeNode(node)); got != node || !ok {
			t.Fatalf("%q came back as %q", node, got)
		}
	})
}

func FuzzDecodeNode(f *testing.F) {
	for _, token := range []string{"fra1/example/net", "a=2fb", "=2", "=zz", "=41", "a.b", ""} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if node, ok := decodeNode(token); ok && encodeNode(node) != token {
			t.Errorf("%q was read as %q, which is written %q", token, node, encodeNode(node))
		}
	})
}

func TestTopicsWithoutANode(t *testing.T) {
	t.Parallel()
	for _, topic := range []Topic{Beat, Wake, Seat, Log, Journal, Heartbeats, "hb.", "hb.=41", "x.fra1", "hb.a.b"} {
		if node := topic.Node(); node != "" {
			t.Errorf("%s is about %q", topic, node)
		}
	}
}

func TestPatternsMatchOneToken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, topic Topic
		want           bool
	}{
		{Heartbeats, Heartbeat("fra1.example.net"), true},
		{Heartbeats, SightsOf("fra1"), false},
		{Heartbeats, "hb.", false},
		{Heartbeats, "hb.a.b", false},
		{Beat, Beat, true},
		{Beat, "beats", false},
	} {
		if got := c.pattern.Matches(c.topic); got != c.want {
			t.Errorf("%s matches %s: %v", c.pattern, c.topic, got)
		}
	}
}
