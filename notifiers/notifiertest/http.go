package notifiertest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// Pause is what a busy [HTTPReceiver] asks for.
const Pause = 7 * time.Second

// An HTTPReceiver makes an HTTP sink misbehave as the suite wants it.
type HTTPReceiver struct {
	Sink *httpsink.Sink
	// Read finds key and texts in a request, as the channel's receiver does.
	Read func(httpsink.Request) Received
	// Accept is the answer of acceptance around some text of the server's; nil:
	// status 200 with the text as body.
	Accept func(text string) httpsink.Response
	// Refuse is the answer that refuses for good around some text of the server's; nil:
	// status 400 with the text as body.
	Refuse func(text string) httpsink.Response
	// Answers are how this service plays a fault, where it does so in another way than
	// most. Lie has to be here, unless the channel trusts it.
	Answers map[Fault]httpsink.Response

	elsewhere string // where Redirect leads
}

// An httpPlayer is an [HTTPReceiver], or a receiver that has one embedded.
type httpPlayer interface{ player() *HTTPReceiver }

func (r *HTTPReceiver) player() *HTTPReceiver { return r }

// Behave implements [Receiver].
func (r *HTTPReceiver) Behave(fault Fault) { r.Sink.Behave(r.behaviour(fault)) }

func (r *HTTPReceiver) behaviour(fault Fault) httpsink.Behaviour {
	if answer, ok := r.Answers[fault]; ok {
		return httpsink.Behaviour{Do: httpsink.Answer, Response: answer}
	}
	switch fault {
	case None:
		return httpsink.Behaviour{}
	case Stall:
		return httpsink.Behaviour{Do: httpsink.Stall}
	case HangUp:
		return httpsink.Behaviour{Do: httpsink.Drop}
	case Echo:
		return httpsink.Behaviour{Do: httpsink.Mirror, Around: r.Refuse}
	}
	return httpsink.Behaviour{Do: httpsink.Answer, Response: r.answer(fault)}
}

// answer returns what most services answer with a fault.
func (r *HTTPReceiver) answer(fault Fault) httpsink.Response {
	const later, trouble = http.StatusTooManyRequests, http.StatusInternalServerError
	switch fault {
	case Busy:
		pause := strconv.Itoa(int(Pause / time.Second))
		return httpsink.Response{Status: later, Header: http.Header{"Retry-After": {pause}}, Body: "slow down"}
	case Broken:
		return httpsink.Response{Status: trouble, Body: "oops"}
	case Refuse:
		return r.refusal("no")
	case Scorn:
		return r.refusal(HostileWords)
	case Rude:
		return r.acceptance(HostileWords)
	case Portal:
		return httpsink.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: portal}
	case Mute:
		return httpsink.Response{Status: r.acceptance("").Status}
	case Redirect:
		return httpsink.Response{Status: http.StatusMovedPermanently, Header: http.Header{"Location": {r.elsewhere + "/moved"}}}
	case Huge:
		return unfinished(r.acceptance("").Status, http.Header{"Content-Length": {"104857600"}}, string(bytes.Repeat([]byte("huge "), 200_000)))
	case GzipBomb:
		header := http.Header{"Content-Length": {"104857600"}, "Content-Encoding": {"gzip"}}
		return unfinished(r.acceptance("").Status, header, bomb())
	}
	panic("notifiertest: this service says nothing of its own for a fault that it has to play: see HTTPReceiver.Answers")
}

func unfinished(status int, header http.Header, body string) httpsink.Response {
	return httpsink.Response{Status: status, Header: header, Body: body, Unfinished: true}
}

func (r *HTTPReceiver) acceptance(text string) httpsink.Response {
	if r.Accept != nil {
		return r.Accept(text)
	}
	return httpsink.Response{Status: http.StatusOK, Body: text}
}

func (r *HTTPReceiver) refusal(text string) httpsink.Response {
	if r.Refuse != nil {
		return r.Refuse(text)
	}
	return httpsink.Response{Status: http.StatusBadRequest, Body: text}
}

// portal is a page as it stands between a machine and the Internet.
const portal = `<!DOCTYPE html>
<html><head><title>Welcome to Hotel Wi-Fi</title></head>
<body><h1>Log in to use the Internet</h1><form method="post" action="/login">
<input name="room"><input name="name"><button>{"ok":true,"id":1}</button></form></body></html>
`

// bomb returns 10 MB that are 10 GB once they are unpacked: the same 10 MB of nothing a
// thousand times, each as a member of its own (RFC 1952 section 2.2).
var bomb = sync.OnceValue(func() string {
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	_, _ = w.Write(make([]byte, 10<<20)) // a buffer takes all
	_ = w.Close()
	return string(bytes.Repeat(member.Bytes(), 1000))
})

// Reached implements [Receiver].
func (r *HTTPReceiver) Reached() <-chan struct{} { return r.Sink.Reached() }

// Received implements [Receiver].
func (r *HTTPReceiver) Received() (received []Received) {
	seen := map[string]bool{"": false}
	for _, request := range r.Sink.Requests() {
		got := r.Read(request)
		if got == (Received{}) || seen[got.Once] {
			continue
		}
		seen[got.Once] = got.Once != ""
		received = append(received, got)
	}
	return received
}
