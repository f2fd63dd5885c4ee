package probe

import (
	"slices"
	"strings"
	"unicode"
)

// phrases are pieces of sentences by which servers are recognised. They are
// compared with whole words in any letter case; punctuation counts as a space and
// an apostrophe as nothing. A star at the end stands for the rest of a word.
type phrases []string

func phrasesOf(list ...string) (made phrases) {
	for _, text := range list {
		beginning, open := strings.CutSuffix(text, "*")
		made = append(made, " "+strings.TrimSpace(normalise(beginning)))
		if !open {
			made[len(made)-1] += " "
		}
	}
	return made
}

// in reports whether one of the phrases is among normalised words.
func (p phrases) in(words string) bool {
	for _, phrase := range p {
		if strings.Contains(words, phrase) {
			return true
		}
	}
	return false
}

// normalise returns the words of a text in lower case, each with a space before and behind it:
// "Can't open: I/O error" becomes " cant open i o error ".
func normalise(text string) string {
	var b strings.Builder
	b.WriteByte(' ')
	space := true
	for _, r := range text {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			b.WriteRune(unicode.ToLower(r))
			space = false
		case r == '\'', r == '\u2019', r == '`':
		case !space:
			b.WriteByte(' ')
			space = true
		}
	}
	if !space {
		b.WriteByte(' ')
	}
	return b.String()
}

// plainWords returns the normalised words of a statement without the names that are
// the user's own. Servers say what they mean at once: the first 4 KiB are enough.
func (s statement) plainWords() string {
	const enough = 4 << 10 // bytes
	words := normalise(s.words[:min(len(s.words), enough)])
	for _, name := range s.ownNames() {
		for {
			before, after, found := strings.Cut(words, name)
			if !found {
				break
			}
			// The space keeps the words around the name apart: every phrase begins with one.
			words = before + " " + after
		}
	}
	return words
}

// ownNames returns what a server may repeat of the login, normalised, longer names
// before their parts: the user's name, the parts of user@host, DOMAIN\user,
// user%host and user/mailbox, the server's name, and in answer to EXAMINE the
// mailbox and the parts of its path.
func (s statement) ownNames() (names []string) {
	add := func(text string) {
		if name := normalise(text); name != " " {
			names = append(names, name)
		}
	}
	split := func(text, separators string) {
		add(text)
		parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(separators, r) })
		for _, part := range parts {
			if len(parts) > 1 {
				add(part)
			}
		}
	}
	split(s.login.Username, `@\/%+`)
	add(s.host)
	if s.situation&(mailboxRefused|mailboxEnded|mailboxCut) != 0 {
		split(s.login.Mailbox, `/.\`)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	return names
}

// isGeneric reports whether words say nothing but that something failed.
func isGeneric(words string) bool {
	for word := range strings.FieldsSeq(words) {
		if !genericWords[word] {
			return false
		}
	}
	return true
}

var genericWords = setOf(`
	plain xoauth2 oauthbearer external scram sha 1 256 using with mechanism
	a account alert an and authenticate authentication authorization bad been by can cannot command completed could denied
	did do does done error examine fail failed fails failure failures for from has in imap invalid is it log logged logging login
	logon mailbox no not of on open or out please refused select server sign signin sorry t the to try unable unsuccessful
	user was you your`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
