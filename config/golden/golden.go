// Package golden compares what a test comes to with what a file beside the test says.
// With the flag -update the file is written anew, to be read in the next diff.
package golden

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what came out into the golden files")

// Updating reports whether golden files are to be written.
func Updating() bool { return *update }

// Compare fails the test when file does not say got.
func Compare(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		Write(t, file, got)
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s does not say this; run with -update when it should (-want +got):\n%s", file, diff)
	}
}

// Write writes a golden file.
func Write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // files of the repository are for everybody
		t.Fatal(err)
	}
}
