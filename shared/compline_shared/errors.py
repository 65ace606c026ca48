"""The root of every error that Compline raises on purpose."""


class ComplineError(Exception):
    """One clear sentence for a person: what went wrong, with what, and what to do."""


class MalformedFrame(ComplineError):
    """A frame from outside breaks the strict profile; it was dropped and nothing changed."""


class OutOfBounds(ComplineError):
    """A value lies outside the range that its field may carry."""
