package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// choosePort is the command port: it chooses a free one.
func choosePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

// askPage is the command page: it asks for a page, as a user or with a token if one is named, and
// compares the answer. Negated, nothing must answer.
func askPage(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 1 && neg {
		if status, _, err := getPage(args[0], ""); err == nil {
			ts.Fatalf("%s answers with %d", args[0], status)
		}
		return
	}
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: page URL STATUS PATTERN [USER:PASSWORD | TOKEN]")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	pattern, err := regexp.Compile(args[2])
	ts.Check(err)
	status, text, err := getPage(args[0], strings.Join(args[3:], ""))
	ts.Check(err)
	if status != want || !pattern.MatchString(text) {
		ts.Fatalf("%s is answered with %d, and not with %d and like %q:\n%s", args[0], status, want, args[2], text)
	}
}

func getPage(address, as string) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	name, password, isUser := strings.Cut(as, ":")
	switch {
	case isUser:
		r.SetBasicAuth(name, password)
	case as != "":
		r.Header.Set("Authorization", "Bearer "+as)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	return response.StatusCode, fmt.Sprint(response.Header, "\n", string(all)), err
}
