//go:build quick

package history

// everyStatement is which statements fail in the tests: not each, but others than multiples of
// what a round has.
const everyStatement = 41
