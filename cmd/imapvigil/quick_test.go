//go:build quick

package main

// quick: without what takes a server, a process of its own or real time; see the
// Makefile's target check.
const quick = true
