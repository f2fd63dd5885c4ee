package bus

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// NewKey makes the key of a node. The seed stays on the node, and proves to a server who it is;
// the public half stands in the files, and the servers know nothing else.
func NewKey() (seed opaque.Secret, public string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return opaque.Secret{}, "", err
	}
	defer pair.Wipe()
	text, err := pair.Seed()
	if err != nil {
		return opaque.Secret{}, "", err
	}
	seed = opaque.NewSecret(string(text))
	public, err = PublicOf(seed)
	return seed, public, err
}

// PublicOf returns the public half of a node's key. Its error never quotes the seed.
func PublicOf(seed opaque.Secret) (string, error) {
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed.Reveal())))
	if err != nil {
		return "", fmt.Errorf("reading the seed of a key: %w", err)
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err == nil && !IsPublic(public) {
		return "", errors.New("the seed is not that of a user: make one with imapvigil nodes key")
	}
	return public, err
}

// IsPublic reports whether a text is the public half of a node's key: "U" and 55 more
// characters, the last of which are a checksum.
func IsPublic(text string) bool { return nkeys.IsValidPublicUserKey(text) }
