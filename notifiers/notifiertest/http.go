package notifiertest

import (
	"net/http"
	"strconv"
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
}

// Behave implements [Receiver].
func (r *HTTPReceiver) Behave(fault Fault) {
	answer := func(status int, body string) {
		header := http.Header{}
		if fault == Busy {
			header.Set("Retry-After", strconv.Itoa(int(Pause/time.Second)))
		}
		r.Sink.Behave(httpsink.Behaviour{
			Do: httpsink.Answer, Response: httpsink.Response{Status: status, Header: header, Body: body},
		})
	}
	switch fault {
	case None:
		r.Sink.Behave(httpsink.Behaviour{})
	case Stall:
		r.Sink.Behave(httpsink.Behaviour{Do: httpsink.Stall})
	case HangUp:
		r.Sink.Behave(httpsink.Behaviour{Do: httpsink.Drop})
	case Busy:
		answer(http.StatusTooManyRequests, "slow down")
	case Broken:
		answer(http.StatusInternalServerError, "oops")
	case Refuse:
		answer(http.StatusBadRequest, "no")
	case Echo:
		r.Sink.Behave(httpsink.Behaviour{Do: httpsink.Mirror})
	case Rude:
		if r.Accept != nil {
			r.Sink.Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: r.Accept(HostileWords)})
			return
		}
		answer(http.StatusOK, HostileWords)
	}
}

// Reached implements [Receiver].
func (r *HTTPReceiver) Reached() <-chan struct{} { return r.Sink.Reached() }

// Received implements [Receiver].
func (r *HTTPReceiver) Received() (received []Received) {
	for _, request := range r.Sink.Requests() {
		received = append(received, r.Read(request))
	}
	return received
}
