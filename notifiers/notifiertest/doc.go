// Package notifiertest is the conformance suite of the channels: what every
// notifier promises, tried on each of them by [Run] against a receiver that can
// misbehave.
//
// It owns the promises that are the same for all (one attempt a call, an end
// with the context, classified errors, no secret and no server's control
// character anywhere). What a channel's messages look like is tested beside the
// channel.
package notifiertest
