//go:build !quick

package proxies

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
)

func TestMissingProgramNamesItsPackages(t *testing.T) {
	p := &Proxy{program: program{name: "no-such-proxy", packages: "no-such-package"}}
	if err := p.find(); err == nil || !strings.Contains(err.Error(), "apt-get install no-such-package") {
		t.Errorf("got %v", err)
	}
}

func TestStopRefusesAndStartAnswersAgain(t *testing.T) {
	for name, start := range map[string]func(testing.TB, Options) *Proxy{"haproxy": HAProxy, "nginx": Nginx, "stunnel": Stunnel} {
		t.Run(name, func(t *testing.T) {
			config := "listen all\n\tbind 127.0.0.1:{{port 0}} ssl crt {{.Dir}}/both.pem\n\tserver nobody 127.0.0.1:1\n"
			switch name {
			case "stunnel":
				config = "[all]\naccept = 127.0.0.1:{{port 0}}\nconnect = 127.0.0.1:1\n"
			case "nginx":
				config = "stream { server { listen 127.0.0.1:{{port 0}}; proxy_pass 127.0.0.1:1; } }\n"
			}
			p := start(t, Options{Ports: 1, Config: config})
			before := p.Address(0)
			p.Stop()
			p.Stop() // once is enough, twice does no harm
			if conn, err := net.Dial("tcp", before); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Fatalf("dialling the stopped proxy: %v, %v", conn, err)
			}
			p.Start()
			conn, err := net.Dial("tcp", before)
			if err != nil || p.Address(0) != before {
				t.Fatalf("%s: %v", p.Address(0), err)
			}
			_ = conn.Close()
		})
	}
}
