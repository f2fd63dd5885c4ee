package email

import (
	"strings"
	"testing"

	"github.com/wneessen/go-mail/smtp"
)

// A server may not have us hash until the deadline is forgotten.
func TestSCRAMIterationsAreBounded(t *testing.T) {
	for _, count := range []string{"6000001", "0", "-1", "99999999999999999999", "x"} {
		client := bounded{smtp.ScramSHA256Auth("user", "password")}
		if _, err := client.Next(nil, true); err != nil {
			t.Fatal(err)
		}
		_, err := client.Next([]byte("r=nonce,s=c2FsdA==,i="+count), true)
		if err == nil || !strings.Contains(err.Error(), "iterations") {
			t.Errorf("%s iterations: %v", count, err)
		}
	}
}
