"""What the vault remembers of finished files, as the threads that watch a folder ask for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from compline_edge.former_files import FormerFiles
from compline_edge.ports import Clock, NotKept
from compline_edge.vault.home import Home


class SeenFiles:
    """Files that were judged, set aside or held back; a container of the keys of those that are done with."""

    def __init__(
        self,
        home: Home,
        *,
        failed: Callable[[NotKept], object] | None = None,
        answered: Callable[[], object] = lambda: None,
    ) -> None:
        """``failed`` hears each time that the disk does not answer, and waits, or raises where nothing is to be asked.

        ``answered`` is called once it does. Without ``failed`` the error is raised: StorageFailing.
        """
        self._home = home
        self._former = FormerFiles(home)
        self._failed = failed
        self._answered = answered

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._ask(
            lambda: self._home.vault.has_seen(key) or self._former.holds(key)
        )

    def holds_back(self, path: Path, key: str, *, clock: Clock) -> bool:
        """Whether a file may be of before the binding, as `FormerFiles.holds_back` says."""
        return self._ask(lambda: self._former.holds_back(path, key, clock=clock))

    def _ask(self, question: Callable[[], bool]) -> bool:
        failed = False
        while True:
            try:
                answer = question()
            except NotKept as error:
                if self._failed is None:
                    raise
                failed = True
                self._failed(error)
                continue
            if failed:
                self._answered()
            return answer
