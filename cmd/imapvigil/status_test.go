package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/control"
)

func TestStatusShowsNotes(t *testing.T) {
	var out bytes.Buffer
	s := control.Status{Notes: []string{"this machine has no route for IPv6"}}
	s.Journal.Durable = true
	(&program{out: &out}).printStatus(s)
	if !strings.Contains(out.String(), "\n  this machine has no route for IPv6\n") {
		t.Errorf("status is\n%s", out.String())
	}
}
