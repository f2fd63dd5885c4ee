package notifiers

import "time"

// EditPatience bounds the changes of first messages behind a delivery, which waits to be noted.
const EditPatience = 10 * time.Second

// Endings returns, for each incident that has ended and whose first message told of it alone,
// the message that can take that one's place, for services that change messages: who sees only
// the first message then knows, too. Its Previous is the receipt of the first message. What
// tells of other incidents as well must go on saying so.
func (m Message) Endings() (endings []Message) {
	for _, item := range m.Items {
		if !item.Ends() || !item.Thread.Alone || item.Thread.First.Thread == "" {
			continue
		}
		alone := m
		alone.Items, alone.Previous = []Item{item}, item.Thread.First
		if len(m.Items) > 1 {
			alone.Own = Words{} // they were written for all of them together
		}
		endings = append(endings, alone)
	}
	return endings
}
