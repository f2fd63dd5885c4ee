package email

import (
	"slices"
	"strings"
)

// place gives a target's form in which spellings that reach the same people are
// equal: the addresses without display names, in lower case and sorted.
// An order changed in the files, or a name written before an address, makes no new
// destination. A target with quoted parts is left as it is.
func place(target string) string {
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

// sortedMailboxes gives a list of addresses in that form; ok is false when it is
// not a plain list.
func sortedMailboxes(list string) (sorted string, ok bool) {
	mailboxes := strings.Split(list, ",")
	for i, mailbox := range mailboxes {
		if name, address, named := strings.Cut(mailbox, "<"); named && !strings.Contains(name, "@") {
			mailbox = strings.TrimSuffix(strings.TrimSpace(address), ">")
		}
		mailbox = strings.ToLower(strings.TrimSpace(mailbox))
		if strings.Count(mailbox, "@") != 1 || strings.ContainsAny(mailbox, " <>") {
			return "", false
		}
		mailboxes[i] = mailbox
	}
	slices.Sort(mailboxes)
	return strings.Join(slices.Compact(mailboxes), ", "), true
}
