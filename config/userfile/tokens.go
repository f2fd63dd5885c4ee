package userfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// Tokens returns the tokens of a file with lines "name right sha256", or else what is
// wrong with it.
func Tokens(text string) (tokens []config.PageToken, faults []Fault) {
	names, sums := map[string]int{}, map[[sha256.Size]byte]int{}
	eachLine(text, func(n int, line string) {
		token, says := readToken(line)
		switch {
		case says != "":
		case names[token.Name] != 0:
			says = fmt.Sprintf("the token %q is already in line %d.", token.Name, names[token.Name])
		case sums[token.SHA256] != 0:
			says = fmt.Sprintf("this is the token of line %d under another name. Make one for each program.", sums[token.SHA256])
		}
		if says != "" {
			faults = append(faults, Fault{n, says})
			return
		}
		names[token.Name], sums[token.SHA256] = n, n
		tokens = append(tokens, token)
	})
	if len(faults) > 0 {
		return nil, faults
	}
	if len(tokens) == 0 {
		return nil, []Fault{{0, "has no token. Remove tokens_file, or add a line."}}
	}
	return tokens, nil
}

// rights are those that a token may have.
var rights = []config.TokenRight{config.TokenMetrics, config.TokenRead, config.TokenOperate}

// howToSum makes the sum of a token without a line end, which would be part of it.
const howToSum = "\n    printf %s \"$TOKEN\" | sha256sum"

func readToken(line string) (t config.PageToken, says string) {
	fields := strings.Fields(line)
	if len(fields) == 4 && fields[3] == "-" { // what sha256sum writes for its standard input
		fields = fields[:3]
	}
	if len(fields) != 3 {
		return t, "a line must be a name, a right and the SHA-256 of the token, with spaces in between."
	}
	t = config.PageToken{Name: fields[0], Right: config.TokenRight(fields[1])}
	if _, err := hex.DecodeString(t.Name); err == nil && len(t.Name) == 2*sha256.Size {
		return t, "the name comes first, then the right, then the SHA-256 of the token."
	}
	if says = checkName(t.Name); says != "" {
		return t, says
	}
	if !slices.Contains(rights, t.Right) {
		return t, "the right, which is the second word, must be metrics, read or operate."
	}
	sum, err := hex.DecodeString(fields[2])
	if err != nil || len(sum) != sha256.Size {
		return t, "the third word must be the SHA-256 of the token, 64 digits in hex, never the token itself:" + howToSum
	}
	t.SHA256 = [sha256.Size]byte(sum)
	if t.SHA256 == sha256.Sum256(nil) || t.SHA256 == sha256.Sum256([]byte("\n")) {
		return t, "this is the SHA-256 of nothing, so the token was empty when it was made:" + howToSum
	}
	return t, ""
}
