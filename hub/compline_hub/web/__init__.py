"""The hub's JSON API, live stream and page."""
