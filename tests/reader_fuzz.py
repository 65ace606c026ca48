"""Lets atheris look for bytes that any reader of foreign bytes takes or trips over; ends with an error when it does.

`python -m tests.reader_fuzz FOLDER SECONDS [CHECK]`: FOLDER gets the corpus, seeded from the golden vectors; CHECK is
taken out first, as a control. The first byte of an input picks the reader.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["compline_shared", "compline_edge.core"]):
    from compline_shared.errors import MalformedFrame
    from tests.frame_readers import targets
    from tests.frame_storm import CHECKS

READERS = targets()


def seed(folder: Path) -> None:
    """Write each reader's sound frames as the corpus to begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, reader in enumerate(READERS):
        for number, frame in enumerate(reader.seeds):
            (folder / f"{at}-{number}").write_bytes(bytes([at]) + frame)


def read(data: bytes) -> None:
    """Give one input to its reader; an exception is a finding."""
    if not data:
        return
    reader, frame = READERS[data[0] % len(READERS)], data[1:]
    given = reader.sign(frame) if reader.sign else frame
    try:
        taken = reader.read(given)
    except MalformedFrame:
        return
    genuine = given in reader.seeds and reader.name != "replayed command"
    if taken is not None and not genuine and not (reader.may_take and taken == given):
        raise AssertionError(f"{reader.name} took {given.hex()}")


def main() -> None:
    """Fuzz until the time is over or something is found."""
    folder, seconds, *check = sys.argv[1:]
    for name in check:
        CHECKS[name]()
    seed(Path(folder))
    limits = [
        "-timeout=1",
        "-rss_limit_mb=2048",
        "-malloc_limit_mb=64",
        "-max_len=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup(
        [sys.argv[0], folder, f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", *limits], read
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
