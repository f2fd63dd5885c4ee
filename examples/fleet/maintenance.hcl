maintenance "patch_tuesday" {
  timezone   = "Europe/Berlin"
  start      = "2026-01-13T22:00:00"
  duration   = "3h"
  rrule      = "FREQ=MONTHLY;BYDAY=2TU"
  applies_to = [group.europe]
}

maintenance "shops_closed" {
  timezone   = "Europe/Berlin"
  weekly     = ["sun 00:00-24:00"]
  applies_to = [group.shops]
}
