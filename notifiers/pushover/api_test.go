package pushover_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A service answers as Pushover does (pushover.net/api): it refuses what Pushover refuses, and
// knows which phones ring.
type service struct {
	mu      sync.Mutex
	made    int
	ringing []string // receipts
}

const key = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"

var cancelPath = regexp.MustCompile(`^/1/receipts/([A-Za-z0-9]{30})/cancel\.json$`)

func (s *service) answer(r httpsink.Request) httpsink.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	form, err := url.ParseQuery(string(r.Body))
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || err != nil {
		return refuse(http.StatusBadRequest, "the request is no form")
	}
	if form.Get("token") != canary {
		return refuse(http.StatusBadRequest, "application token is invalid, see https://pushover.net/api")
	}
	if parts := cancelPath.FindStringSubmatch(r.Path); parts != nil {
		at := slices.Index(s.ringing, parts[1])
		if at < 0 {
			return refuse(http.StatusNotFound, "receipt not found; may be invalid or expired")
		}
		s.ringing = slices.Delete(s.ringing, at, at+1)
		return respond(http.StatusOK, map[string]any{"status": 1, "request": "5042853c-402d-4a18-abcb-168734a801de"})
	}
	if r.Path != "/1/messages.json" {
		return refuse(http.StatusNotFound, "not found")
	}
	if why := judge(form); why != "" {
		return refuse(http.StatusBadRequest, why)
	}
	said := map[string]any{"status": 1, "request": "647d2300-702c-4b38-8b2f-d56326ae460b"}
	if form.Get("priority") == "2" {
		s.made++
		sum := sha256.Sum256([]byte(strconv.Itoa(s.made)))
		receipt := "r" + hex.EncodeToString(sum[:])[:29]
		s.ringing, said["receipt"] = append(s.ringing, receipt), receipt
	}
	return respond(http.StatusOK, said)
}

// judge returns why Pushover refuses a message; empty: it does not.
func judge(form url.Values) string {
	number := func(name string) int { n, _ := strconv.Atoi(form.Get(name)); return n }
	switch {
	case form.Get("user") != key:
		return "user identifier is not a valid user, group, or subscribed user key"
	case form.Get("message") == "":
		return "message cannot be blank"
	case utf8.RuneCountInString(form.Get("message")) > 1024:
		return "message is too long"
	case utf8.RuneCountInString(form.Get("title")) > 250:
		return "title is too long"
	case utf8.RuneCountInString(form.Get("url")) > 512, utf8.RuneCountInString(form.Get("url_title")) > 100:
		return "url is too long"
	case number("priority") < -2 || number("priority") > 2:
		return "priority is invalid"
	case number("priority") == 2 && (number("retry") < 30 || number("expire") < 1 || number("expire") > 10800):
		return "expire must be supplied with priority=2; retry must be at least 30"
	case form.Get("html") != "" && form.Get("html") != "0":
		return "this is text"
	}
	return ""
}

func refuse(status int, words string) httpsink.Response {
	return respond(status, map[string]any{"status": 0, "request": "e460545a8b333d0da2f3602aff3133d6", "errors": []string{words}})
}

func respond(status int, value map[string]any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

// read finds the texts of a message, as those see them who read it.
func read(r httpsink.Request) notifiertest.Received {
	if strings.HasPrefix(r.Path, "/1/receipts/") { // which shows nobody anything
		return notifiertest.Received{}
	}
	text := r.Field("title") + "\n" + r.Field("message") + "\n" + r.Field("url_title") + "\n" + r.Field("url")
	return notifiertest.Received{Text: text, Quiet: strings.HasPrefix(r.Field("priority"), "-")}
}
