"""Reads a feed or a calendar as other programs do, and prints as JSON what it says."""

import json
import sys

kind, text = sys.argv[1], sys.stdin.buffer.read()
if kind == "feed":
    import feedparser

    feed = feedparser.parse(text, sanitize_html=False)
    said = {
        "wrong": str(feed.get("bozo_exception", "")),
        "version": feed.version,
        "title": feed.feed.title,
        "entries": [
            {"id": e.id, "title": e.title, "at": e.updated, "link": e.link, "text": e.content[0].value}
            for e in feed.entries
        ],
    }
else:
    import icalendar

    calendar = icalendar.Calendar.from_ical(text)
    said = {
        "wrong": "; ".join(str(e) for part in calendar.walk() for e in part.errors),
        "version": str(calendar["VERSION"]),
        "title": str(calendar["X-WR-CALNAME"]),
        "entries": [
            {
                "id": str(e["UID"]),
                "title": str(e["SUMMARY"]),
                "at": e["DTSTART"].dt.isoformat(),
                "link": str(e["URL"]),
                "text": str(e.get("DESCRIPTION", "")),
            }
            for e in calendar.walk("VEVENT")
        ],
    }
json.dump(said, sys.stdout, ensure_ascii=False)
