package agree

import (
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// maxInterned bounds what is interned, in texts. When it is reached it begins again: the world has few lists
// of capabilities, but a hostile server may send another one each time.
const maxInterned = 1 << 18

// An interned has once in memory what many checks have in common: a wildcard certificate, the capabilities
// of a mail server.
type interned struct {
	sessions map[session]*incident.TLSInfo
	lists    map[string][]string
	texts    map[string]string
}

// A session is what tells TLS sessions apart. The hash stands for all that a certificate says.
type session struct{ version, cipher, certificate string }

// content makes small what was read of the wire.
func (in *interned) content(c *content) {
	if len(in.sessions)+len(in.lists)+len(in.texts) > maxInterned || in.sessions == nil {
		*in = interned{map[session]*incident.TLSInfo{}, map[string][]string{}, map[string]string{}}
	}
	for i := range c.addresses {
		a := &c.addresses[i]
		a.TLS = in.session(a.TLS)
		a.Capabilities = in.list(a.Capabilities)
		a.Hint, a.Cause = in.text(a.Hint), config.Cause(in.text(string(a.Cause)))
	}
}

// session returns one value for all sessions that are alike.
func (in *interned) session(of *incident.TLSInfo) *incident.TLSInfo {
	if of == nil {
		return nil
	}
	key := session{in.text(of.Version), in.text(of.Cipher), of.SHA256}
	if known, ok := in.sessions[key]; ok && known.NotAfter.Equal(of.NotAfter) && known.Subject == of.Subject && known.Issuer == of.Issuer {
		return known
	}
	kept := *of
	kept.Version, kept.Cipher, kept.Issuer = key.version, key.cipher, in.text(of.Issuer)
	// Nobody reads these of a sight.
	kept.SPKI, kept.Names = "", nil
	in.sessions[key] = &kept
	return &kept
}

// list returns one list for all that have the same texts in the same order.
func (in *interned) list(of []string) []string {
	if len(of) == 0 {
		return nil
	}
	key := strings.Join(of, " ")
	if known, ok := in.lists[key]; ok && slices.Equal(known, of) {
		return known
	}
	in.lists[key] = of
	return of
}

func (in *interned) text(of string) string {
	if known, ok := in.texts[of]; ok {
		return known
	}
	in.texts[of] = of
	return of
}
