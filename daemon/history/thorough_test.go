//go:build !quick && !race

package history

// everyStatement is which statements fail in the tests; 1 takes three minutes.
const everyStatement = 5
