package control

import "time"

// SetPatience shortens how long a client waits.
func (c *Client) SetPatience(d time.Duration) { c.patience = d }
