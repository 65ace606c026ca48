"""Finds what sounds nearly like a phrase: edit distance over classes of sound, in linear time."""

from __future__ import annotations


def nearly(stream: str, key: str, *, most: int) -> list[tuple[int, int, int]]:
    """Return where `stream` holds `key` with at most `most` sounds replaced, left out or put in.

    Myers' bit-parallel algorithm (J. ACM 46(3), 1999): one step of whole-number arithmetic for each sound.

    Returns:
        first token, end and number of differences of the best match of each stretch of matches; the first token is
        counted back from the end and may be off by as many as differ.
    """
    if not _worthwhile(stream, key, most):
        return []
    found: list[tuple[int, int, int]] = []
    last_end = -1
    for place, errors in enumerate(_distances(stream, key), 1):
        if errors > most:
            continue
        match = (max(0, place - len(key)), place, errors)
        if last_end != place - 1:
            found.append(match)
        elif errors < found[-1][2]:
            found[-1] = match
        last_end = place
    return found


def _worthwhile(stream: str, key: str, most: int) -> bool:
    """Whether one of `most` + 1 pieces of the key stands in the stream unchanged, as it must in any match."""
    size = max(1, len(key) // (most + 1))
    pieces = [key[start : start + size] for start in range(0, size * (most + 1), size)]
    return any(piece in stream for piece in pieces)


def _distances(stream: str, key: str) -> list[int]:
    """Return for each place of the stream the least distance of `key` from what ends there."""
    places: dict[str, int] = {}
    for place, char in enumerate(key):
        places[char] = places.get(char, 0) | 1 << place
    full, top = (1 << len(key)) - 1, 1 << len(key) - 1
    more, less, errors = full, 0, len(key)
    distances = []
    for char in stream:
        equal = places.get(char, 0)
        diagonal = equal | less
        across = (((equal & more) + more) ^ more) | equal
        up, down = (less | ~(across | more)) & full, more & across
        errors += (up & top > 0) - (down & top > 0)
        up, down = up << 1 & full, down << 1 & full
        more, less = (down | ~(diagonal | up)) & full, up & diagonal
        distances.append(errors)
    return distances
