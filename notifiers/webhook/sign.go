package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// signingKey returns the bytes that sign, as [Settings.Open] describes; nil: nothing is
// signed.
func signingKey(secret opaque.Secret) ([]byte, error) {
	if secret.IsZero() {
		return nil, nil
	}
	// The form in which Standard Webhooks hands out keys.
	encoded, ok := strings.CutPrefix(secret.Reveal(), "whsec_")
	if !ok {
		return []byte(encoded), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, errors.New(`secret: what follows "whsec_" is not base64`) // err would show a part
	}
	return key, nil
}

// setSignature sets the headers of the Standard Webhooks specification. The time is
// that of the attempt: receivers refuse what is older than some minutes.
func setSignature(header http.Header, key []byte, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	// What is signed is "id.timestamp.body"; v1 means HMAC with SHA-256 (Standard
	// Webhooks).
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", timestamp)
	header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
