package email

import (
	"slices"
	"strings"
)

// place returns the form of a target in which spellings that reach the same people are
// equal: the addresses without display names, in lower case and sorted.
// An order changed in the files, or a name written before an address, makes no new
// destination. A target with quoted parts is left as it is.
func place(target string) string {
	// A quoted part may hold a comma or " cc ", where this would cut it in two.
	if strings.Contains(target, `"`) {
		return target
	}
	to, cc, copied := strings.Cut(target, " cc ")
	receivers, ok := sortedMailboxes(to)
	if !ok {
		return target
	}
	if !copied {
		return receivers
	}
	others, ok := sortedMailboxes(cc)
	if !ok {
		return target
	}
	return receivers + " cc " + others
}

// sortedMailboxes returns a list of addresses in the form that place describes; ok is
// false when it is not a plain list.
func sortedMailboxes(list string) (sorted string, ok bool) {
	mailboxes := strings.Split(list, ",")
	for i, mailbox := range mailboxes {
		if name, address, named := strings.Cut(mailbox, "<"); named && !strings.Contains(name, "@") {
			mailbox = strings.TrimSuffix(strings.TrimSpace(address), ">")
		}
		// RFC 5321 section 2.4 lets mailboxes differ by case alone, and advises against
		// it.
		mailbox = strings.ToLower(strings.TrimSpace(mailbox))
		if strings.Count(mailbox, "@") != 1 || strings.ContainsAny(mailbox, " <>") {
			return "", false
		}
		mailboxes[i] = mailbox
	}
	slices.Sort(mailboxes)
	return strings.Join(slices.Compact(mailboxes), ", "), true
}
