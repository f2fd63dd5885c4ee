package process

import (
	"os"
	"strings"
	"testing"
)

// Must fails the test at once when a server could not be prepared, started or stopped.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ReadLog returns what [Launch] and a server have written to a file; why it cannot be read,
// if so, since it is read to explain a failure.
func ReadLog(file string) string {
	log, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(log))
}
