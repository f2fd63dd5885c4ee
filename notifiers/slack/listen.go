package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	api "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	// mostEvent bounds what Slack may say at once, in bytes: a press comes with its whole message.
	mostEvent = 1 << 20
	// handshakeTime bounds the beginning of a connection.
	handshakeTime = 20 * time.Second
	// leastConnection is how long a connection lasts at least: Slack renews them after hours. One
	// that ends sooner must not be opened again at once.
	leastConnection = 10 * time.Second
	// pressesWaiting bounds how many presses wait for their answer. Of further ones the envelope is
	// not acknowledged, and Slack tells the person that it did not work.
	pressesWaiting = 16
)

// A listener is a notifier whose messages have a button, and which hears when it is pressed.
type listener struct {
	*notifier
	ackers map[string]bool // ids of users; empty: whoever reads the message
	least  time.Duration   // how long a connection lasts: see leastConnection
}

// The whole point.
var _ notifiers.Listener = (*listener)(nil)

// Notify posts one message, with a button for each open incident.
func (l *listener) Notify(ctx context.Context, to notifiers.Target, m notifiers.Message) (notifiers.Receipt, error) {
	return l.notify(ctx, to, m, true)
}

// Listen implements [notifiers.Listener] by Socket Mode: Slack is asked for the address of a
// WebSocket, by which it says what people press. Slack vouches for who they are. It renews the
// connection every few hours, which slack-go follows; when opening one fails, Listen ends.
func (l *listener) Listen(ctx context.Context, acknowledge func(context.Context, notifiers.Press) (string, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	client := socketmode.New(l.api, socketmode.OptionReadLimit(mostEvent), socketmode.OptionDialer(&websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, HandshakeTimeout: handshakeTime,
		WriteBufferSize: 32 << 10, // Slack takes an answer in one frame only, of 20 KB at most
	}))
	ended := make(chan error, 1)
	presses := make(chan api.InteractionCallback, pressesWaiting)
	var both sync.WaitGroup
	both.Go(func() { ended <- client.RunContext(ctx) })
	both.Go(func() {
		for c := range presses {
			l.answerPress(ctx, &c, acknowledge)
		}
	})
	// Deferred calls run from the last to the first.
	defer both.Wait()
	defer close(presses)
	defer cancel()
	return l.hear(ctx, client, ended, presses)
}

// hear takes what comes from Slack until the connection cannot be had any more.
func (l *listener) hear(ctx context.Context, client *socketmode.Client, ended <-chan error, presses chan<- api.InteractionCallback) error {
	var connected time.Time
	for {
		select {
		case err := <-ended:
			return l.classifyListening(ctx, err)
		case e := <-client.Events:
			switch e.Type {
			case socketmode.EventTypeConnected:
				connected = time.Now()
			case socketmode.EventTypeConnecting:
				// slack-go opens the next one without a pause.
				if lasted := time.Since(connected); !connected.IsZero() && lasted < l.least {
					return notifiers.RetryAfter(fmt.Errorf("the connection to Slack was closed after %s", lasted.Truncate(time.Second)), l.least)
				}
			case socketmode.EventTypeConnectionError:
				if failure, ok := e.Data.(*api.ConnectionErrorEvent); ok {
					return l.classifyListening(ctx, failure.ErrorObj)
				}
			case socketmode.EventTypeInteractive:
				l.takePress(ctx, client, e, presses)
			}
		}
	}
}

// takePress has a press answered. Slack must be told within three seconds that the event has
// arrived, so this comes first, and once.
func (l *listener) takePress(ctx context.Context, client *socketmode.Client, e socketmode.Event, presses chan<- api.InteractionCallback) {
	c, ok := e.Data.(api.InteractionCallback)
	if !ok || e.Request == nil {
		return
	}
	if _, isOurs := pressOf(&c); isOurs {
		select {
		case presses <- c:
		default:
			return
		}
	}
	_ = client.AckCtx(ctx, e.Request.EnvelopeID, nil) // fails when ctx has ended
}

// answerPress acknowledges, and says what came of it in the thread of the message.
func (l *listener) answerPress(ctx context.Context, c *api.InteractionCallback, acknowledge func(context.Context, notifiers.Press) (string, error)) {
	press, _ := pressOf(c)
	words := "Your user id " + c.User.ID + " is not among the ackers of this notifier. Acknowledge with the command in the message, or ask an administrator to add it."
	if len(l.ackers) == 0 || l.ackers[c.User.ID] {
		words, _ = acknowledge(ctx, press) // the words say what the error does
	}
	thread := threadOf(c)
	if words == "" || thread == "" {
		return
	}
	text := escapeText(words)
	if memberID.MatchString(c.User.ID) { // so that it reaches whoever pressed
		text = "<@" + c.User.ID + "> " + text
	}
	channel, ts, _ := strings.Cut(thread, ":")
	// An answer that does not arrive is no loss: the journal has what counts.
	_, _, _ = l.api.PostMessageContext(ctx, channel, api.MsgOptionText(text, false), api.MsgOptionTS(ts), api.MsgOptionParse(false), api.MsgOptionLinkNames(false))
}

// classifyListening says why Slack cannot be heard, and what helps.
func (l *listener) classifyListening(ctx context.Context, err error) error {
	var address *url.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &address) && address.Op == "parse": // it has the ticket of the connection in it
		return errors.New("listening to Slack: the address that Slack gave is not valid")
	}
	said := l.classify(ctx, "listening to Slack", err)
	if refusal, ok := errors.AsType[api.SlackErrorResponse](err); ok && listenHints[refusal.Err] != "" {
		return notifiers.Permanent(fmt.Errorf("%w: %s", said, listenHints[refusal.Err]))
	}
	return said
}

// listenHints say what to do about errors of apps.connections.open.
var listenHints = map[string]string{
	"invalid_auth":           "app_token is not valid, or the app was removed",
	"not_authed":             "app_token is not valid",
	"token_revoked":          "make a new app-level token",
	"account_inactive":       "the app was removed from the workspace",
	"not_allowed_token_type": "app_token must be an app-level token with the scope connections:write",
	"missing_scope":          "app_token must be an app-level token with the scope connections:write",
	"link_disabled":          "enable Socket Mode in the settings of the app",
}
