package main

import (
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// A column is how the cells of one column of a table are shown.
type column struct {
	right bool // aligned at its right end
	// rank says in which order the columns are left out where the screen is too narrow:
	// the highest first. The column of rank 0 stays.
	rank int
}

// columnGap is what stands between two columns.
const columnGap = "  "

// alignColumns lays rows of cells out under each other, in at most width columns of the screen,
// and returns the lines of each row. A first cell that is much longer than the others is
// followed by the rest of its row without any alignment, or has lines of its own.
func alignColumns(width int, columns []column, rows [][]string) [][]string {
	widths := columnWidths(width, columns, rows)
	lines := make([][]string, len(rows))
	for i, row := range rows {
		first := row[0]
		if config.Columns(first) > widths[0] {
			if line, fits := overlong(width, columns, widths, row); fits {
				lines[i] = []string{line}
				continue
			}
			lines[i] = strings.Split(foldTo(width, "", first), "\n")
			row = append([]string{""}, row[1:]...)
		}
		line := joinCells(columns, widths, widths, row)
		if widths[0] == 0 { // no gap before the first column that there is
			line = strings.TrimLeft(line, " ")
		}
		if line != "" {
			lines[i] = append(lines[i], line)
		}
	}
	return lines
}

// overlong returns the line of a row whose first cell is longer than its column: without
// alignment, and without the cells that do not matter where there is no room for them.
func overlong(width int, columns []column, widths []int, row []string) (line string, fits bool) {
	kept := slices.Clone(widths)
	kept[0] = config.Columns(row[0]) // 0 where all first cells are as long
	for {
		line = joinCells(columns, make([]int, len(widths)), kept, row)
		if config.Columns(line) <= width {
			return line, true
		}
		least := leastImportant(columns, kept)
		if columns[least].rank < 2 {
			return "", false
		}
		kept[least] = 0
	}
}

// leastImportant returns the column that is left out next.
func leastImportant(columns []column, widths []int) (least int) {
	for j := range columns {
		if widths[j] > 0 && columns[j].rank > columns[least].rank {
			least = j
		}
	}
	return least
}

// joinCells returns one line of a table, whose cells are at least as wide as widths say.
// Cells of columns that were left out are not in it.
func joinCells(columns []column, least, widths []int, row []string) string {
	line := ""
	for j, cell := range row {
		if widths[j] == 0 || j > 0 && cell == "" && least[j] == 0 {
			continue
		}
		pad := spaces(least[j] - config.Columns(cell))
		if columns[j].right {
			cell = pad + cell
		} else {
			cell += pad
		}
		if j > 0 {
			line += columnGap
		}
		line += cell
	}
	return strings.TrimRight(line, " ")
}

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }

// columnWidths returns how wide each column is: 0 for one that is left out.
func columnWidths(width int, columns []column, rows [][]string) []int {
	widths := make([]int, len(columns))
	for _, row := range rows {
		for j, cell := range row {
			// One long name must not push everything else off the screen.
			if wide := config.Columns(cell); j > 0 || wide <= width*3/5 || len(rows) == 1 {
				widths[j] = max(widths[j], wide)
			}
		}
	}
	widths[0] = min(widths[0], width)
	for totalWidth(widths) > width {
		least := leastImportant(columns, widths)
		if least == 0 {
			break
		}
		widths[least] = 0
	}
	return widths
}

// totalWidth returns how wide a table is.
func totalWidth(widths []int) (sum int) {
	for j, w := range widths {
		if j > 0 && w > 0 {
			sum += len(columnGap)
		}
		sum += w
	}
	return sum
}
