package probe

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// A cipherSuite is one that crypto/tls does not offer by itself: it does not know it,
// or holds it for unsafe.
type cipherSuite struct {
	id   uint16
	name string // as IANA calls it
}

// otherSuites are what old servers insist on, the usual first.
var otherSuites = []cipherSuite{
	{0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
	{0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
	{0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
	{0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"},
	{0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"},
	{0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"},
	{0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"},
	{0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"},
	{0x00a3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384"},
	{0x00a2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256"},
	{0x006a, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256"},
	{0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256"},
	{0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA"},
	{0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA"},
	{0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
	{0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
	{0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"},
	{0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"},
	{0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384"},
	{0xc061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"},
	{0xc073, "TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384"},
	{0xc077, "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"},
	{0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"},
	{0xc09d, "TLS_RSA_WITH_AES_256_CCM"},
	{0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"},
	{0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"},
	{0x0088, "TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA"},
	{0x0045, "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA"},
	{0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM"},
	{0xc053, "TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384"},
	{0xc076, "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"},
	{0xc060, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256"},
	{0xc051, "TLS_RSA_WITH_ARIA_256_GCM_SHA384"},
	{0xc050, "TLS_RSA_WITH_ARIA_128_GCM_SHA256"},
	{0xc09c, "TLS_RSA_WITH_AES_128_CCM"},
	{0x00c0, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256"},
	{0x00ba, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256"},
	{0x00a9, "TLS_PSK_WITH_AES_256_GCM_SHA384"},
	{0x00a8, "TLS_PSK_WITH_AES_128_GCM_SHA256"},
	{0x008d, "TLS_PSK_WITH_AES_256_CBC_SHA"},
	{0x0096, "TLS_RSA_WITH_SEED_CBC_SHA"},
	{0x0007, "TLS_RSA_WITH_IDEA_CBC_SHA"},
	{0x0004, "TLS_RSA_WITH_RC4_128_MD5"},
	{0x0009, "TLS_RSA_WITH_DES_CBC_SHA"},
	{0x00a7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384"},
	{0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA"},
	{0xc019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA"},
	{0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"},
	{0x003b, "TLS_RSA_WITH_NULL_SHA256"},
	{0x0002, "TLS_RSA_WITH_NULL_SHA"},
	{0x1304, "TLS_AES_128_CCM_SHA256"},
	{0x1305, "TLS_AES_128_CCM_8_SHA256"},
}

// suites13 are those of TLS 1.3, RFC 8446 appendix B.4.
var suites13 = []uint16{0x1301, 0x1302, 0x1303, 0x1304, 0x1305}

// oldSuites returns all suites of TLS 1.2 and before: those that this program uses come first,
// so that a server that has the choice takes one of them.
func oldSuites() (ids []uint16) {
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, suite := range list {
			if !slices.Contains(suites13, suite.ID) {
				ids = append(ids, suite.ID)
			}
		}
	}
	for _, suite := range otherSuites {
		if !slices.Contains(suites13, suite.id) {
			ids = append(ids, suite.id)
		}
	}
	return ids
}

func suiteName(id uint16) string {
	i := slices.IndexFunc(otherSuites, func(s cipherSuite) bool { return s.id == id })
	if i < 0 {
		return tls.CipherSuiteName(id)
	}
	return otherSuites[i].name
}

// isOffered reports whether crypto/tls offers a suite by itself.
func isOffered(id uint16) bool {
	return slices.ContainsFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return s.ID == id })
}

func usesECDHE(id uint16) bool { return strings.HasPrefix(suiteName(id), "TLS_ECDHE_") }

// offeredGroups are those that crypto/tls offers, without the hybrid ones; other
// groups that servers were met with are named.
var offeredGroups = []uint16{uint16(tls.X25519), uint16(tls.CurveP256), uint16(tls.CurveP384), uint16(tls.CurveP521)}

var otherGroups = []cipherSuite{
	{30, "X448"},
	{26, "Brainpool P-256"},
	{27, "Brainpool P-384"},
	{28, "Brainpool P-512"},
	{22, "secp256k1"},
	{21, "P-224"},
	{19, "P-192"},
	{31, "Brainpool P-256"},
	{32, "Brainpool P-384"},
	{33, "Brainpool P-512"},
	{41, "SM2"},
	{256, "finite-field Diffie-Hellman of 2048 bits"},
	{257, "finite-field Diffie-Hellman of 3072 bits"},
	{258, "finite-field Diffie-Hellman of 4096 bits"},
}

var allGroups = func() []uint16 {
	ids := slices.Clone(offeredGroups)
	for _, group := range otherGroups {
		ids = append(ids, group.id)
	}
	return ids
}()

// allSignatures are the signature schemes of RFC 8446 section 4.2.3, those with
// Brainpool curves (RFC 8734), ML-DSA, and what RFC 5246 made of DSA and SHA-1.
var allSignatures = []uint16{
	0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, // what crypto/tls offers
	0x0808, 0x0809, 0x080a, 0x080b, 0x081a, 0x081b, 0x081c, 0x0708, 0x0904, 0x0905, 0x0906, // Ed448, RSA-PSS keys, Brainpool, SM2, ML-DSA
	0x0402, 0x0502, 0x0602, 0x0303, 0x0301, 0x0302, 0x0203, 0x0201, 0x0202, // DSA, SHA-224, SHA-1
}

// insistsOn returns a sentence about what a server chose from everything that this program does not
// use; "" when it uses all of it.
func (s *serverChoice) insistsOn() string {
	const advice = " Give the server ECDHE suites with AES-GCM or ChaCha20."
	if kind := s.unknownKey(); kind != "" {
		return fmt.Sprintf("The key of the server's certificate is of a kind that this program, like many others, does not know: %s. RSA, ECDSA with P-256 or P-384, and Ed25519 are known everywhere.", kind)
	}
	name := suiteName(s.suite)
	chose := fmt.Sprintf("The server speaks %s and chooses %s from all that can be offered: ", tls.VersionName(s.version), name)
	switch {
	case s.suite == 0 || s.suite != 0 && isOffered(s.suite):
	case strings.Contains(name, "_anon_") || strings.Contains(name, "_NULL_"):
		return chose + "without a certificate or without encryption, which protects nothing." + advice
	case strings.Contains(name, "_PSK_"):
		return chose + "a key that both sides know before (PSK) instead of a certificate, which no mail program has." + advice
	case strings.HasPrefix(name, "TLS_RSA_"):
		return chose + "the key exchange is by RSA, which this program, like other current ones, does not support (RFC 9325 section 4.1)." + advice
	case strings.HasPrefix(name, "TLS_DHE_"):
		return chose + "the key exchange is finite-field Diffie-Hellman (DHE), which this program does not support." + advice
	default:
		return chose + "the cipher suite is one that this program, like other current ones, does not support." + advice
	}
	i := slices.IndexFunc(otherGroups, func(g cipherSuite) bool { return g.id == s.group })
	switch {
	case i >= 0:
		return fmt.Sprintf("The server speaks %s and chooses the group %s for the key exchange, which this program does not know. Give the server X25519 or P-256.", tls.VersionName(s.version), otherGroups[i].name)
	case s.signature>>8 == signatureWithSHA1:
		return fmt.Sprintf("The server speaks %s and signs the handshake with SHA-1, which is not accepted any more (RFC 9155).", tls.VersionName(s.version))
	}
	return ""
}

// subjectKey is a certificate as far as its key; Go's own reader gives up at keys
// that it does not know.
type subjectKey struct {
	TBS struct {
		Version   int `asn1:"optional,explicit,default:0,tag:0"`
		Serial    *big.Int
		Algorithm pkix.AlgorithmIdentifier
		Issuer    asn1.RawValue
		Validity  asn1.RawValue
		Subject   asn1.RawValue
		Key       struct {
			Algorithm pkix.AlgorithmIdentifier
			Bits      asn1.BitString
		}
	}
}

const ellipticCurve = "1.2.840.10045.2.1" // RFC 5480 section 2.1.1

// knownKeys are the kinds of keys that crypto/tls verifies, and curves likewise.
var knownKeys = []string{"1.2.840.113549.1.1.1", "1.3.101.112", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"}

var otherKeys = map[string]string{
	"1.2.840.10040.4.1": "DSA", "1.2.840.113549.1.1.10": "RSA-PSS", "1.3.101.113": "Ed448", "1.2.156.10197.1.301": "SM2",
	"1.3.132.0.10": "ECDSA with secp256k1", "1.3.132.0.33": "ECDSA with P-224", "1.2.840.10045.3.1.1": "ECDSA with P-192",
	"1.3.36.3.3.2.8.1.1.7": "ECDSA with Brainpool P-256", "1.3.36.3.3.2.8.1.1.11": "ECDSA with Brainpool P-384", "1.3.36.3.3.2.8.1.1.13": "ECDSA with Brainpool P-512",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65", "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
	"1.2.643.7.1.1.1.1": "GOST R 34.10-2012", "1.2.643.7.1.1.1.2": "GOST R 34.10-2012", "1.2.643.2.2.19": "GOST R 34.10-2001",
}

// unknownKey names the kind of key of the server's certificate; "" when it is known
// here, or was not shown.
func (s *serverChoice) unknownKey() string {
	var cert subjectKey
	if _, err := asn1.Unmarshal(s.cert, &cert); err != nil {
		return ""
	}
	algorithm := cert.TBS.Key.Algorithm
	kind := algorithm.Algorithm.String()
	if kind == ellipticCurve {
		var curve asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(algorithm.Parameters.FullBytes, &curve); err != nil {
			return "ECDSA with a curve that is written out instead of named"
		}
		kind = curve.String()
	}
	switch name, other := otherKeys[kind]; {
	case slices.Contains(knownKeys, kind):
		return ""
	case other:
		return name
	}
	return "OID " + kind
}
