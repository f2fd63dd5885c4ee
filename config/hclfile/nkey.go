package hclfile

import (
	"encoding/base32"
	"strings"
)

// The forms of the keys of NATS: base32 without padding of one byte for the kind of key (of a seed
// two), 32 bytes, and a CRC-16 of what is before it, the low byte first. Their first letters say
// what they are: U is the public half of a user's, SU its seed.
const (
	publicUserKey = 20 << 3                       // U
	seedPrefix    = 18 << 3                       // S
	seedOfUser0   = seedPrefix | publicUserKey>>5 // the rest of U is in the second byte
	seedOfUser1   = (publicUserKey & 0x1f) << 3
	lengthOfKey   = 1 + 32 + 2      // bytes
	lengthOfSeed  = lengthOfKey + 1 // bytes
)

var nkeyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// isPublicNKey reports whether a text is the public half of a user's nkey.
func isPublicNKey(text string) bool {
	raw, whole := decodeNKey(text)
	return whole && len(raw) == lengthOfKey && raw[0] == publicUserKey
}

// isNKeySeed reports whether a text is the seed of a user's nkey: its secret half.
func isNKeySeed(text string) bool {
	raw, whole := decodeNKey(text)
	return whole && len(raw) == lengthOfSeed && raw[0] == seedOfUser0 && raw[1] == seedOfUser1
}

// decodeNKey returns the bytes of a key; false where its checksum is not right.
func decodeNKey(text string) (raw []byte, whole bool) {
	raw, err := nkeyEncoding.DecodeString(text)
	// Other texts decode to the same bytes: with line ends in them, or with other unused bits.
	if err != nil || len(raw) < lengthOfKey || nkeyEncoding.EncodeToString(raw) != text {
		return nil, false
	}
	end := len(raw) - 2
	return raw, crc16(raw[:end]) == uint16(raw[end])|uint16(raw[end+1])<<8
}

// crc16 returns the CRC of XMODEM: polynomial 0x1021, beginning with 0.
func crc16(data []byte) (crc uint16) {
	for _, b := range data {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

// credentialMarks begin the two parts of a .creds file: a JWT and the seed that belongs to it.
var credentialMarks = []string{"-----BEGIN NATS USER JWT-----", "-----BEGIN USER NKEY SEED-----"}

// isCredentials reports whether a text is that of a .creds file.
func isCredentials(text string) bool {
	for _, mark := range credentialMarks {
		if !strings.Contains(text, mark) {
			return false
		}
	}
	return true
}
