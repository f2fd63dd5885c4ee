//go:build !quick

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

const manyChecks = 1000

// manyConfig is 1,000 checks in 20 groups, on 200 servers that are all one.
func manyConfig(port int) string {
	var text strings.Builder
	text.WriteString(`
notifier "webhook" "tickets" { url = "http://127.0.0.1:9/" }
notification_role "it_team" {
  notify { via = notifier.webhook.tickets }
}
daemon { notification_roles = [notification_role.it_team] }
defaults {
  interval           = "60s"
  notification_roles = [notification_role.it_team]
  tls { ca_file = "ca.pem" }
}
`)
	for i := range manyChecks {
		if i%50 == 0 {
			fmt.Fprintf(&text, "group \"g%d\" {\n  label = \"Group %d\"\n", i/50, i/50)
		}
		if i%5 == 0 {
			fmt.Fprintf(&text, "  server \"s%d\" {\n    hostname = \"127.0.0.1\"\n", i/5)
		}
		fmt.Fprintf(&text, "    imap_check \"c%d\" {\n      port     = %d\n      security = \"tls\"\n    }\n", i, port)
		if i%5 == 4 {
			text.WriteString("  }\n")
		}
		if i%50 == 49 {
			text.WriteString("}\n")
		}
	}
	return text.String()
}

// The daemon that has just been started either does not answer yet or knows all
// of its checks: who asks for the status never hears that there is nothing to
// be well.
func TestFirstAnswerIsWhole(t *testing.T) {
	t.Parallel()
	v := newDaemonProcess(t, nil)
	v.write("many.hcl", strings.ReplaceAll(manyConfig(9), `  tls { ca_file = "ca.pem" }`, ""))
	v.launch()
	for end := time.Now().Add(patience); ; {
		status, err := v.client.Status(context.Background())
		if err == nil {
			if n := len(status.Checks); n != manyChecks || status.Config.State != "current" {
				t.Errorf("the first answer has %d checks of a configuration that is %q", n, status.Config.State)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	v.stop()
}
