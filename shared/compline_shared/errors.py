"""The root of every error that Compline raises on purpose."""


class ComplineError(Exception):
    """One clear sentence for a person: what went wrong, with what, and what to do."""


class MalformedFrame(ComplineError):
    """A frame from outside breaks the strict profile; it was dropped and nothing changed."""


class OutOfBounds(ComplineError):
    """A value lies outside the range that its field may carry."""


class PackError(ComplineError):
    """A lexicon or rule pack cannot be used; `problems` has one sentence for each broken line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
