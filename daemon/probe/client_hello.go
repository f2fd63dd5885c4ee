package probe

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
)

// Numbers of TLS, RFC 8446 sections 4 and 5.1, RFC 5246 section 7.4.
const (
	recordAlert       = 21
	recordHandshake   = 22
	messageHello      = 2
	messageCert       = 11
	messageKeys       = 12 // ServerKeyExchange
	messageDone       = 14 // ServerHelloDone
	extVersions       = 43
	extKeyShare       = 51
	alertVersion      = 70 // protocol_version
	signatureWithSHA1 = 2  // the upper half of a signature scheme, RFC 5246 section 7.4.1.4.1
	curveByName       = 3  // RFC 8422 section 5.4
)

// everything returns a ClientHello that offers all that servers were ever met with,
// also what is broken, to learn from the answer what a server insists on. Nothing is
// made of the session: there are no keys for one. TLS 1.3 hides what a server shows
// of itself, so that it is offered only to servers that refuse the rest; then
// without a key, so that the server names the group it wants.
func everything(name string, version13 bool) []byte {
	var extensions [][]byte
	add := func(number uint16, body []byte) {
		extensions = append(extensions, uint16s(number), sized16(body))
	}
	if name != "" {
		add(0, sized16([]byte{0}, sized16([]byte(name)))) // server_name, RFC 6066 section 3
	}
	add(10, sized16(uint16s(allGroups...)))
	add(11, []byte{1, 0}) // uncompressed points, RFC 8422 section 5.1.2
	add(13, sized16(uint16s(allSignatures...)))
	suites := oldSuites()
	if version13 {
		suites = suites13
		add(extVersions, []byte{2, 3, 4})
		add(extKeyShare, []byte{0, 0})
		add(45, []byte{1, 1}) // psk_key_exchange_modes, without which some servers refuse
	} else {
		add(23, nil)           // extended_master_secret, RFC 7627
		add(0xff01, []byte{0}) // renegotiation_info, RFC 5746
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	body := joined([]byte{3, 3}, random, []byte{0}, sized16(uint16s(suites...)), []byte{1, 0}, sized16(extensions...))
	message := joined([]byte{1, 0}, sized16(body)) // the length has three bytes
	return joined([]byte{recordHandshake, 3, 1}, sized16(message))
}

func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// sized16 puts the length before what the parts make together.
func sized16(parts ...[]byte) []byte {
	whole := joined(parts...)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(whole))), whole...)
}

func uint16s(numbers ...uint16) (out []byte) {
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint16(out, n)
	}
	return out
}

// A serverChoice is how a server answered a ClientHello that offered everything.
type serverChoice struct {
	alert     byte   // instead of an answer
	version   uint16 // 0: none was chosen
	suite     uint16
	group     uint16 // of the key exchange, 0 if it is not known
	signature uint16 // with which it is signed, 0 if it is not known
	cert      []byte // of the server, up to TLS 1.2
}

var errChoice = errors.New("the answer to the ClientHello cannot be read")

// readChoice reads a server's answer as far as it is in clear text.
func readChoice(r io.Reader) (choice serverChoice, err error) {
	var pending []byte
	for header := make([]byte, 5); ; {
		if _, err := io.ReadFull(r, header); err != nil {
			return choice, err
		}
		// At most 64 KiB, by the two bytes of the length; the fence bounds the sum.
		body := make([]byte, binary.BigEndian.Uint16(header[3:]))
		if _, err := io.ReadFull(r, body); err != nil {
			return choice, err
		}
		switch {
		case header[0] == recordAlert && len(body) == 2:
			choice.alert = body[1]
			return choice, nil
		// 3 is the upper byte of the version in every record since SSL 3.0.
		case header[0] != recordHandshake || header[1] != 3:
			return choice, errChoice
		}
		// A message may span records, and a record may hold several messages (RFC 8446 section
		// 5.1).
		pending = append(pending, body...)
		for len(pending) >= 4 {
			size := int(pending[1])<<16 | int(pending[2])<<8 | int(pending[3])
			if len(pending) < 4+size {
				break
			}
			if choice.takeMessage(pending[0], pending[4:4+size]) {
				return choice, nil
			}
			pending = pending[4+size:]
		}
	}
}

// takeMessage reads one message and tells whether the rest does not matter.
func (s *serverChoice) takeMessage(kind byte, body []byte) (done bool) {
	in := &reader{body}
	switch kind {
	case messageHello:
		s.takeHello(in)
		return s.version == tls.VersionTLS13 // what follows is encrypted
	case messageCert:
		in.bytes(3) // the length of the whole list, RFC 5246 section 7.4.2
		s.cert = bytes.Clone(in.bytes(in.uint24()))
	case messageKeys:
		s.takeKeys(in)
		return true
	case messageDone:
		return true
	}
	return false
}

func (s *serverChoice) takeHello(in *reader) {
	s.version = in.uint16()
	in.bytes(32)         // its random value, or that of a HelloRetryRequest, which also names its group first
	in.bytes(in.uint8()) // the session identifier
	s.suite = in.uint16()
	in.bytes(1) // the compression method
	extensions := &reader{in.bytes(int(in.uint16()))}
	for len(extensions.left) > 0 {
		number, body := extensions.uint16(), &reader{extensions.bytes(int(extensions.uint16()))}
		switch number {
		case extVersions:
			// TLS 1.3 writes 1.2 into the old field (RFC 8446 section 4.1.3).
			s.version = body.uint16()
		case extKeyShare:
			s.group = body.uint16()
		}
	}
}

// takeKeys reads which curve an ECDHE suite uses and how that is signed, RFC 8422
// section 5.4.
func (s *serverChoice) takeKeys(in *reader) {
	if !usesECDHE(s.suite) || in.uint8() != curveByName {
		return
	}
	s.group = in.uint16()
	in.bytes(in.uint8()) // the server's public point
	// TLS 1.1 and older have no such field: the kind of the key decides.
	if s.version == tls.VersionTLS12 {
		s.signature = in.uint16()
	}
}

// A reader takes a message apart. What is missing is zero.
type reader struct{ left []byte }

func (r *reader) bytes(n int) []byte {
	n = min(n, len(r.left))
	taken := r.left[:n]
	r.left = r.left[n:]
	return taken
}

func (r *reader) uint8() int {
	if b := r.bytes(1); len(b) == 1 {
		return int(b[0])
	}
	return 0
}

func (r *reader) uint16() uint16 { return uint16(r.uint8()<<8 | r.uint8()) }

func (r *reader) uint24() int { return r.uint8()<<16 | r.uint8()<<8 | r.uint8() }
