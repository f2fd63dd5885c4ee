package main

import (
	"strings"
	"testing"
)

// Where all names are long for a narrow screen, none of them is left out.
func TestTableKeepsLongNames(t *testing.T) {
	columns := []column{{}, {rank: 2}, {rank: 3}, {rank: 1}}
	rows := [][]string{
		{"g0: 29 of 30 checks on 15 servers", "localhost", "", "since 36s"},
		{"g1: 29 of 30 checks on 15 servers", "localhost", "", "since 37s"},
	}
	for _, width := range []int{20, 25, 35, 45, 55, 65} {
		for i, lines := range alignColumns(width, columns, rows) {
			text := strings.Join(lines, " ")
			if !strings.Contains(text, rows[i][0]) {
				t.Errorf("in %d columns the row is %q, without %q", width, text, rows[i][0])
			}
		}
	}
}
