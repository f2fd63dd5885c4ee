package httpdo

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
)

// Spellings returns the forms in which a server may repeat a secret: as it is, in a URL or a
// form, in JSON, on a page, in a quoted error. There are none of an empty one.
func Spellings(secret string) []string {
	if secret == "" {
		return nil
	}
	inJSON, _ := json.Marshal(secret) // a text can be written
	quoted := strconv.Quote(secret)
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
		string(inJSON[1 : len(inJSON)-1]), quoted[1 : len(quoted)-1],
	}
}

// Basic returns the credentials of RFC 7617 as the header Authorization has them behind the
// name of the scheme, which are a secret too.
func Basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
