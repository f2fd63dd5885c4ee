//go:build !quick

package main

const quick = false
