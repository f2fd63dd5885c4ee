package notifiers

import (
	"errors"
	"fmt"
	"time"
)

// A pace is why a notifier did not send yet.
type pace struct{ wait time.Duration }

func (p pace) Error() string {
	return fmt.Sprintf("the receiver takes its next message in %s", p.wait.Round(time.Second))
}

// Paced returns the error of a notifier that has sent nothing, so that its receiver does not get
// more than it takes: the message is next in so much time. It is not a failed attempt, and nobody
// hears of it.
func Paced(wait time.Duration) error { return RetryAfter(pace{wait}, wait) }

// IsPaced reports whether err is one of [Paced]: nothing was sent.
func IsPaced(err error) bool {
	_, paced := errors.AsType[pace](err)
	return paced
}
