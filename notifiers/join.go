package notifiers

import (
	"encoding/json"
	"slices"
)

// JoinMap makes texts by their names a comparable value, which settings and targets have
// to be: a JSON object, whose names are sorted. Empty: there are none.
func JoinMap(texts map[string]string) string {
	if len(texts) == 0 {
		return ""
	}
	return string(mustJSON(texts))
}

// SplitMap reads what [JoinMap] made; of anything else it returns nil.
func SplitMap(joined string) (texts map[string]string) {
	if json.Unmarshal([]byte(joined), &texts) != nil {
		return nil
	}
	return texts
}

// JoinList makes a list of texts a comparable value: a JSON array, in the order of the
// list. Empty: there are none.
func JoinList(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return string(mustJSON(texts))
}

// JoinSet makes a list of texts whose order does not matter a comparable value.
func JoinSet(texts []string) string { return JoinList(slices.Sorted(slices.Values(texts))) }

// SplitList reads what [JoinList] made; of anything else it returns nil.
func SplitList(joined string) (texts []string) {
	if json.Unmarshal([]byte(joined), &texts) != nil {
		return nil
	}
	return texts
}

// mustJSON writes maps and lists of texts, which can always be written.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
