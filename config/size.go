package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// sizeUnits are the units of a size in the language, largest first; those of a thousand are
// read and not written.
var sizeUnits = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
}

var sizePattern = regexp.MustCompile(`^([0-9]{1,15}(?:\.[0-9]{1,15})?)\s?([A-Za-z]+)$`)

// ErrSize says how a size is written.
var ErrSize = errors.New(`a size is a number and a unit (MiB, GiB, TiB), like "512MiB" or "4GiB"`)

// ParseSize reads "4GiB" or "1.5TB" as bytes. Units of 1024 and of 1000 are known. The error
// is [ErrSize].
func ParseSize(text string) (int64, error) {
	m := sizePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, ErrSize
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, ErrSize
	}
	for _, u := range sizeUnits {
		// No two units differ in the case of their letters alone.
		if strings.EqualFold(u.name, m[2]) {
			if bytes := n * float64(u.size); bytes < math.MaxInt64 {
				return int64(bytes), nil
			}
		}
	}
	return 0, ErrSize
}

// FormatSize returns a size as users write it: "4GiB", and what is no whole number of a unit
// with one decimal, rounded.
func FormatSize(bytes int64) string {
	for _, u := range sizeUnits[:4] {
		if bytes >= u.size && bytes%u.size == 0 {
			return strconv.FormatInt(bytes/u.size, 10) + u.name
		}
		if bytes >= u.size {
			return fmt.Sprintf("%.1f%s", float64(bytes)/float64(u.size), u.name)
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}
