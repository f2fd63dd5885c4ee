//go:build soak

package main

import "flag"

var soak = flag.Bool("soak", false, "take the time that make soak has: 2,000 kills, a storm watched to its end")
