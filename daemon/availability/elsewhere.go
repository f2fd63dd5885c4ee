package availability

import "slices"

// SeenElsewhere returns a life of which that is unknown which nobody saw: neither this node nor any other
// one. Each of the lists is when one of the other nodes saw nothing of the check.
func SeenElsewhere(l Life, unseen ...[]Interval) Life {
	isUnknown := func(i Interval) bool { return i.Kind == Unknown }
	if !slices.ContainsFunc(l.Intervals, isUnknown) || len(unseen) == 0 {
		return l
	}
	var unknown, rest []Interval
	for _, i := range l.Intervals {
		if isUnknown(i) {
			unknown = append(unknown, i)
		} else {
			rest = append(rest, i)
		}
	}
	unknown = Union(unknown)
	for _, list := range unseen {
		unknown = intersect(unknown, Union(list))
	}
	l.Intervals = slices.Concat(rest, unknown)
	return l
}

// Union returns the same times without overlaps, in order. What one interval says of kind and reason holds
// for those that it swallows.
func Union(list []Interval) (united []Interval) {
	for _, i := range slices.SortedFunc(slices.Values(list), func(a, b Interval) int { return a.From.Compare(b.From) }) {
		last := len(united) - 1
		switch {
		case !i.To.IsZero() && !i.To.After(i.From): // it holds nothing
		case last < 0 || !united[last].To.IsZero() && united[last].To.Before(i.From):
			united = append(united, i)
		case united[last].To.IsZero():
		case i.To.IsZero() || i.To.After(united[last].To):
			united[last].To = i.To
		}
	}
	return united
}

// intersect returns the times that are in both lists, as the first of them has them. Both are in order, and
// neither overlaps itself.
func intersect(a, b []Interval) (both []Interval) {
	for len(a) > 0 && len(b) > 0 {
		i := a[0]
		if b[0].From.After(i.From) {
			i.From = b[0].From
		}
		first := endsBefore(a[0], b[0])
		if !first {
			i.To = b[0].To
		}
		if i.To.IsZero() || i.To.After(i.From) {
			both = append(both, i)
		}
		if first {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return both
}

// endsBefore reports whether an interval ends before another one does, or both at once.
func endsBefore(a, b Interval) bool {
	return b.To.IsZero() || !a.To.IsZero() && !a.To.After(b.To)
}
