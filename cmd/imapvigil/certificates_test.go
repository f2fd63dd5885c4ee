//go:build !quick

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// The program takes certificates that mail programs take and Go by itself refuses.
func TestCertificatesThatMailProgramsTake(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(5)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	negative := bytes.Replace(der, []byte{2, 1, 5}, []byte{2, 1, 0x85}, 1)
	if cert, err := x509.ParseCertificate(negative); err != nil || cert.SerialNumber.Sign() >= 0 {
		t.Errorf("a negative serial number: %v", err)
	}

	info, _ := debug.ReadBuildInfo()
	if !slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		return s.Key == "DefaultGODEBUG" && strings.Contains(s.Value, "tlsmaxrsasize=16384")
	}) {
		t.Errorf("RSA keys of more than 8192 bits are refused: %v", info.Settings)
	}
}
