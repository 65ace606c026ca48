"""API, live stream and pages."""
