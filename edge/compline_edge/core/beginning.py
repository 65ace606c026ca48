"""When a binding began on a handset that had another one before, and what is older than that."""

from __future__ import annotations

import msgspec


class Beginning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The moment of joining by two clocks, Unix s, and how many files of before it were left alone.

    Files carry the handset's time, messages that of the server they went through. A handset may have lain in a drawer
    until its clock fell back, so files are held to the later of both clocks; messages are held to the hub's alone, or a
    handset's clock that was ahead would hide what is written for as long as it was ahead.
    """

    handset: float
    hub: float
    left_alone: int = 0

    def follows_file(self, changed: float, *, now: float) -> bool:
        """Whether a file was last changed before the binding began, ``now`` being the handset's clock when it is asked.

        A file of the future counts too: it was written while the clock was ahead. To be asked once for a file and kept,
        since a clock that is turned later would change the answer.

        The moment of the first look clears no file that is first seen later. It would change the answer only where the
        clock was wrong at joining. Was it ahead and set right by then, what the former collector wrote while it was
        ahead has times after that look; was it behind, so has what he wrote before it fell back. Files made since have
        the same times, and nothing else about a file says when it was made. In doubt nobody is accused.
        """
        return changed < max(self.handset, self.hub) or changed > now

    def follows_message(self, sent_at: float) -> bool:
        """Whether a message was sent before the binding began."""
        return sent_at < self.hub


def left_alone(files: int) -> str:
    """Return what is said of files that were left alone, Chinese and then English; nothing where there are none."""
    if not files:
        return ""
    counted = "1 file" if files == 1 else f"{files} files"
    return (
        f"本次绑定之前留在本机的{files}个文件未作判定，也未删除，不计在现任催收员名下。\n"
        f"Left alone: {counted} from before this binding; not judged, not deleted, and not held against the present "
        "collector."
    )
