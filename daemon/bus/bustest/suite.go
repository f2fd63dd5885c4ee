package bustest

import (
	"context"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// The nodes of a Network. The first two may decide, and one has the name of a host.
const (
	Decider   = "fra1"
	Candidate = "nyc1.example.net"
	Follower  = "lon1"
)

// A Network is what the suite tests: a bus for the three nodes above, without a stream at first.
type Network interface {
	// Connect returns the bus of a node, connected, until the test ends.
	Connect(t testing.TB, node string) bus.Bus
	// Cut cuts a node off, and Heal connects it again. It notices both before long.
	Cut(node string)
	Heal(node string)
}

// patience is how long something may take that has to come about.
const patience = 30 * time.Second

// suite is what every bus has to keep to.
var suite = map[string]func(*testing.T, Network){
	"WhatIsSaidIsHeardInOrder":         testOrder,
	"EachHearsItselfAndAllTheOthers":   testEverybodyHears,
	"WhoStoppedListeningHearsNothing":  testStop,
	"MessagesHaveALimit":               testLimits,
	"QuestionsAreAnswered":             testAnswers,
	"LongAnswersArriveWhole":           testLongAnswers,
	"NobodyAnswersAtOnce":              testNobody,
	"TheFirstOfSeveralAnswersCounts":   testFirstAnswer,
	"WhoAsksNoMoreIsNotAnswered":       testGivingUp,
	"StopWaitsForAnswersUnderWay":      testStopAnswering,
	"ThereIsNoStreamUntilItIsMade":     testNoStream,
	"AStreamBeginsLater":               testLaterFirst,
	"OnlyTheNextMayBeAppended":         testAppend,
	"TheSameIDIsAppendedOnce":          testSameID,
	"OfTwoThatAppendOneIsRefused":      testRace,
	"WhatIsAppendedIsSaidToAll":        testLog,
	"TheStreamIsReadInOrder":           testRead,
	"WhatIsPurgedIsGone":               testPurge,
	"NothingIsKeptForWhoIsCutOff":      testCut,
	"AfterwardsEverythingGoesOn":       testHeal,
	"ACutEndsWaiting":                  testCutEndsWaiting,
	"AfterCloseNothingIsPossible":      testClose,
	"DataBelongsToWhoeverHandedItOver": testOwnership,
}

// Suite tests a bus. Each test begins with a network of its own.
func Suite(t *testing.T, newNetwork func(t testing.TB) Network) {
	for name, test := range suite {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newNetwork(t))
		})
	}
}

// limited returns a context that ends before the test does.
func limited(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// inbox listens, and keeps what it hears.
type inbox struct {
	heard chan bus.Message
	stop  func()
}

func listen(t testing.TB, b bus.Bus, topic bus.Topic) inbox {
	t.Helper()
	heard := make(chan bus.Message, bus.MaxWaiting)
	stop, err := b.Listen(topic, func(m bus.Message) { heard <- m })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return inbox{heard, stop}
}

// next returns the next message.
func (i inbox) next(t testing.TB) bus.Message {
	t.Helper()
	return awaitArrival(t, "something is heard", i.heard)
}

// ready returns when a listener hears what a bus says: a subscription takes a moment to reach the
// servers.
func (i inbox) ready(t testing.TB, from bus.Bus, topic bus.Topic) {
	t.Helper()
	const hello = "are you there?"
	give := time.Now().Add(patience)
	for time.Now().Before(give) {
		if err := from.Publish(topic, []byte(hello)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-i.heard:
			i.drain(t, from, topic)
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatal("what was said about", topic, "was never heard")
}

// drain reads what ready has said more than once.
func (i inbox) drain(t testing.TB, from bus.Bus, topic bus.Topic) {
	t.Helper()
	if err := from.Publish(topic, []byte("now")); err != nil {
		t.Fatal(err)
	}
	for string(i.next(t).Data) != "now" {
	}
}

// awaitArrival waits for what comes out of a channel.
func awaitArrival[T any](t testing.TB, what string, from <-chan T) (arrived T) {
	t.Helper()
	select {
	case arrived = <-from:
	case <-time.After(patience):
		t.Fatal("it never came about that", what)
	}
	return arrived
}

// eventually tries until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	give := time.Now().Add(patience)
	for !is() {
		if time.Now().After(give) {
			t.Fatal("it never came about that", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}
