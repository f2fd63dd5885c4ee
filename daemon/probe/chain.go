package probe

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// verifiedChains returns the chains by which a server was verified, from its
// certificate to an authority that is trusted. Certificates that the server sends
// and no chain needs are in none of them, and nothing is said of these.
func verifiedChains(state tls.ConnectionState) [][]*x509.Certificate {
	if len(state.VerifiedChains) == 0 {
		return [][]*x509.Certificate{state.PeerCertificates[:1]} // a pinned key takes the place of the issuers
	}
	return state.VerifiedChains
}

// minRSA is the least that certificate authorities have been allowed to sign
// since 2014 (CA/Browser Forum baseline requirements, section 6.1.5), in bits.
// Go accepts 1024.
const minRSA = 2048

// weakKey returns a finding about an RSA key of less than 2048 bits, in the certificate or its
// intermediates, unless there is a chain without one.
func weakKey(chains [][]*x509.Certificate) (f incident.Finding, found bool) {
	var weak *x509.Certificate
	for _, chain := range chains {
		i := slices.IndexFunc(chain, hasShortKey)
		if i < 0 || i > 0 && i == len(chain)-1 {
			return f, false // the key of an authority that is trusted is nobody's choice
		}
		if weak == nil {
			weak = chain[i]
		}
	}
	return incident.Finding{
		Condition: config.ConditionCertificate, Health: incident.Degraded, Phase: config.PhaseTLS, Cause: config.CauseWeakKey,
		Hint: fmt.Sprintf("The RSA key of %s has %d bits; less than %d can be broken, and mail programs refuse it.", quoted(subjectOf(weak)), rsaBits(weak), minRSA),
	}, true
}

func hasShortKey(cert *x509.Certificate) bool {
	bits := rsaBits(cert)
	return bits > 0 && bits < minRSA
}

// rsaBits returns the length of an RSA key in bits, and 0 for any other key.
func rsaBits(cert *x509.Certificate) int {
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		return key.N.BitLen()
	}
	return 0
}

// expiresSoon returns a finding about a chain that ends within the warning: clients refuse the
// server as soon as the first certificate of the chain has expired, be it the server's, an
// intermediate or the authority itself. Of several chains the one that lasts longest counts, as
// with authorities that are cross-signed. That something has expired is found by the verification.
func (id identity) expiresSoon(chains [][]*x509.Certificate) (f incident.Finding, found bool) {
	chain := slices.MaxFunc(chains, func(a, b []*x509.Certificate) int { return firstToEnd(a).NotAfter.Compare(firstToEnd(b).NotAfter) })
	cert := firstToEnd(chain)
	left := cert.NotAfter.Sub(id.now)
	warning, critical := id.tls.ExpiryLimits(longestLife(chain, cert.NotAfter))
	if left > warning && left > critical {
		return f, false
	}
	f = incident.Finding{
		Condition: config.ConditionCertificate, Health: incident.Degraded, Phase: config.PhaseTLS, Cause: config.CauseCertExpiresSoon,
		Hint: expiryHint(chain, cert, left),
	}
	if left <= critical {
		// A higher grade has the same finding told again, at expiry_critical.
		f.Grade = 1
	}
	return f, true
}

// firstToEnd returns the certificate of a chain that ends first; of several that
// end in the same second, the one nearest to the server's own.
func firstToEnd(chain []*x509.Certificate) *x509.Certificate {
	return slices.MinFunc(chain, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
}

// longestLife returns the longest lifetime of those certificates of a chain that end
// at this time. Some authorities issue nothing that outlives them: then it is the
// authority that must be renewed first, which takes longer.
func longestLife(chain []*x509.Certificate, end time.Time) (life time.Duration) {
	for _, cert := range chain {
		if cert.NotAfter.Equal(end) {
			life = max(life, cert.NotAfter.Sub(cert.NotBefore))
		}
	}
	return life
}

// expiryHint names the certificate of a chain that ends first.
func expiryHint(chain []*x509.Certificate, first *x509.Certificate, left time.Duration) string {
	leaf := chain[0]
	ends := fmt.Sprintf("expires in %s, on %s", days(left), day(first.NotAfter))
	if first != leaf {
		what := "The intermediate certificate"
		if first == chain[len(chain)-1] {
			what = "The certificate of the authority"
		}
		own := "although its own certificate is good until " + day(leaf.NotAfter)
		if day(leaf.NotAfter) == day(first.NotAfter) {
			own = "and its own certificate ends the same day"
		}
		return fmt.Sprintf("%s %s %s; then nobody can verify the server any more, %s.", what, quoted(subjectOf(first)), ends, own)
	}
	hint := "The certificate " + ends + "."
	for _, issuer := range chain[1:] {
		if issuer.NotAfter.Equal(leaf.NotAfter) {
			return hint + " So does that of its issuer " + quoted(subjectOf(issuer)) + ", which must be renewed first."
		}
	}
	return hint
}
