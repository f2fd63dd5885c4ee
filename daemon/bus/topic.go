package bus

import (
	"encoding/hex"
	"strings"
)

// Heartbeat returns the topic of a node's heartbeats.
func Heartbeat(node string) Topic { return Topic("hb." + encodeNode(node)) }

// SightsOf returns the topic of what a node sees.
func SightsOf(node string) Topic { return Topic("res." + encodeNode(node)) }

// Node returns the topic of questions to a node.
func Node(node string) Topic { return Topic("ask." + encodeNode(node)) }

// Node returns the name of the node that a topic is about, or nothing if it is about none.
func (t Topic) Node() string {
	kind, token, found := strings.Cut(string(t), ".")
	if !found || kind != "hb" && kind != "res" && kind != "ask" {
		return ""
	}
	node, ok := decodeNode(token)
	if !ok {
		return ""
	}
	return node
}

// Matches reports whether a topic is t, or falls under the pattern t.
func (t Topic) Matches(topic Topic) bool {
	kind, isPattern := strings.CutSuffix(string(t), "*")
	if !isPattern {
		return t == topic
	}
	token, found := strings.CutPrefix(string(topic), kind)
	return found && token != "" && !strings.Contains(token, ".")
}

// encodeNode writes the name of a node as one token of a subject. Letters, digits, "-" and "_" stay
// as they are. A dot, which would begin another token, becomes a slash: fra1.example.net is
// fra1/example/net. Any other byte is written as "=" and two hexadecimal digits.
func encodeNode(node string) string {
	var token strings.Builder
	for _, b := range []byte(node) {
		switch {
		case isPlain(b):
			token.WriteByte(b)
		case b == '.':
			token.WriteByte('/')
		default:
			token.WriteByte('=')
			token.WriteString(hex.EncodeToString([]byte{b}))
		}
	}
	return token.String()
}

// decodeNode is the reverse of encodeNode; ok is false for what encodeNode never writes.
func decodeNode(token string) (node string, ok bool) {
	var name strings.Builder
	for i := 0; i < len(token); i++ {
		switch b := token[i]; {
		case isPlain(b):
			name.WriteByte(b)
		case b == '/':
			name.WriteByte('.')
		case b == '=' && i+2 < len(token):
			decoded, err := hex.DecodeString(token[i+1 : i+3])
			if err != nil {
				return "", false
			}
			name.Write(decoded)
			i += 2
		default:
			return "", false
		}
	}
	return name.String(), encodeNode(name.String()) == token
}

func isPlain(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '_'
}
