package userfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// bcrypt is a hash as htpasswd -B and most libraries write it. 2x, of a version that had
// a fault, is none of them.
var bcrypt = regexp.MustCompile(`^\$2[aby]?\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

const (
	leastCost = 4
	// mostCost bounds how long one login keeps a processor busy: at 16 it is about four
	// seconds.
	mostCost = 16
)

// Users returns the users of a file with lines name:hash, or else what is wrong with it.
func Users(text string) (users []config.PageUser, faults []Fault) {
	first := map[string]int{}
	eachLine(text, func(n int, line string) {
		name, hash, found := strings.Cut(line, ":")
		says := ""
		switch {
		case !found:
			says = "a line must be a name, a colon and a hash. htpasswd writes it:\n    htpasswd -B FILE NAME"
		case checkName(name) != "":
			says = checkName(name)
		case notBcrypt(hash) != "":
			says = notBcrypt(hash)
		case first[name] != 0:
			says = fmt.Sprintf("the user %q is already in line %d.", name, first[name])
		}
		if says != "" {
			faults = append(faults, Fault{n, says})
			return
		}
		first[name] = n
		users = append(users, config.PageUser{Name: name, Hash: opaque.NewSecret(hash)})
	})
	if len(faults) > 0 {
		return nil, faults
	}
	if len(users) == 0 {
		return nil, []Fault{{0, "has no user, so nobody could log in. Add one:\n    htpasswd -B FILE NAME"}}
	}
	return users, nil
}

// otherHashes are how hashes begin that are not bcrypt, and what they are.
var otherHashes = []struct{ prefix, name string }{
	{"$apr1$", "with MD5, as htpasswd does without -B"},
	{"$1$", "with MD5"},
	{"{SHA}", "with SHA-1, as htpasswd -s does"},
	{"$5$", "with SHA-256, as htpasswd -2 does"},
	{"$6$", "with SHA-512, as htpasswd -5 does"},
	{"$argon2", "with Argon2"},
	{"$7$", "with scrypt"},
	{"$y$", "with yescrypt"},
	{"$2x$", "by a version of bcrypt that had a fault"},
}

// notBcrypt returns what is wrong with a hash, or "".
func notBcrypt(hash string) string {
	const anew = " Set the password again:\n    htpasswd -B FILE NAME"
	for _, other := range otherHashes {
		if strings.HasPrefix(hash, other.prefix) {
			return "the password is hashed " + other.name + ", and only bcrypt is read." + anew
		}
	}
	m := bcrypt.FindStringSubmatch(hash)
	if m == nil {
		return "what follows the colon is no hash of bcrypt." + anew
	}
	if cost, _ := strconv.Atoi(m[1]); cost < leastCost || cost > mostCost {
		return fmt.Sprintf("the cost of the hash must be from %d to %d.%s", leastCost, mostCost, strings.Replace(anew, "-B", "-B -C 10", 1))
	}
	return ""
}
