"""What the student is taught: the teacher's view of the clean copy, and the syllables that were said."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from models.train.syllabary import BLANK, Syllabary
from torch import Tensor
from torch.nn import functional

FLOOR = 1e-8


def distillation(teacher: Tensor, student: Tensor, lengths: Tensor) -> Tensor:
    """Mean over real steps of KL(teacher || student) in nats; log-probabilities [batch, steps, tokens]."""
    real = torch.arange(teacher.shape[1])[None] < lengths[:, None]
    shares = teacher.exp() * real[..., None]
    return ((shares * teacher).sum() - (shares * student).sum()) / lengths.sum()


def syllable_ctc(student: Tensor, lengths: Tensor, said: Sequence[list[int]], syllabary: Syllabary) -> Tensor:
    """CTC loss per step over syllables, each the sum of its characters; rows with nothing said are left out.

    Syllables rather than characters because the model writes only 1,673 characters: a third of the labelled
    words hold one that it must write as a homophone. Takes log-probabilities [batch, steps, tokens].
    Source: Graves et al., ICML 2006.
    """
    rows = torch.tensor([row for row, syllables in enumerate(said) if syllables], dtype=torch.long)
    if not len(rows):
        return student.new_zeros(())
    chosen = student[rows][..., syllabary.characters].exp()
    summed = chosen.new_zeros((*chosen.shape[:2], len(syllabary.names))).index_add(
        2, syllabary.readings, chosen
    )
    targets = [said[int(row)] for row in rows]
    return (
        functional.ctc_loss(
            torch.log(summed + FLOOR).transpose(0, 1),
            torch.tensor([index for target in targets for index in target]),
            lengths[rows],
            torch.tensor([len(target) for target in targets]),
            blank=BLANK,
            reduction="sum",
            zero_infinity=True,
        )
        / lengths[rows].sum()
    )
