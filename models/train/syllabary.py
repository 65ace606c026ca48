"""Which of the model's characters can be read as which toneless syllable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from pypinyin import Style, pinyin
from torch import Tensor

BLANK = 0


@dataclass(frozen=True, slots=True)
class Syllabary:
    """Syllable 0 is the blank; characters[i] may be read as readings[i], once for each reading."""

    names: tuple[str, ...]
    characters: Tensor
    readings: Tensor

    def spell(self, syllables: Sequence[str]) -> list[int]:
        """Indices of syllables; empty where one of them cannot be written with the model's characters."""
        known = {name: index for index, name in enumerate(self.names)}
        found = [known[syllable] for syllable in syllables if syllable in known]
        return found if len(found) == len(syllables) else []


def read_syllabary(tokens: Sequence[str]) -> Syllabary:
    """Collect all readings of all Han tokens; Latin pieces and <unk> belong to no syllable."""
    pairs = [
        (index, reading)
        for index, token in enumerate(tokens)
        if "\u4e00" <= token <= "\u9fff"
        for reading in pinyin(token, style=Style.NORMAL, heteronym=True)[0]
    ]
    names = ("<blank>", *sorted({reading for _, reading in pairs}))
    rows = {name: row for row, name in enumerate(names)}
    return Syllabary(
        names=names,
        characters=torch.tensor([BLANK, *(index for index, _ in pairs)]),
        readings=torch.tensor([BLANK, *(rows[reading] for _, reading in pairs)]),
    )
