"""The language model of a recogniser, from its folder: checked against its manifest and its known answers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from compline_edge.core.ngram import BadNgrams, NgramModel, parse_ngrams
from compline_edge.senses.model_manifest import ModelDamaged, decoded, read_checked, read_manifest

KIND = "ngram"
TOLERANCE = 0.01
"""Largest difference of a sentence's log-probability to the known answer, nats."""


class KnownSentences(msgspec.Struct, frozen=True):
    """known_answers.json: sentences with the log-probability that the model gives each."""

    texts: list[str]
    log_probs: list[float]


def load_language_model(folder: Path) -> NgramModel:
    """Load and check.

    Raises:
        ModelDamaged: the folder is incomplete, altered, or computes something else on this machine.
    """
    manifest = read_manifest(folder)
    try:
        model = NgramModel(parse_ngrams(read_checked(folder, "ngram.bin", manifest)))
    except BadNgrams as error:
        raise ModelDamaged(f"The language model {manifest.name} cannot be used: {error}") from error
    answers = read_checked(folder, "known_answers.json", manifest)
    known = decoded(answers, KnownSentences, file="known_answers.json", model=manifest.name)
    found = [model.log_prob(text) for text in known.texts]
    same = len(found) == len(known.log_probs) > 0
    if not same or not np.allclose(found, known.log_probs, atol=TOLERANCE, rtol=0.0):
        raise ModelDamaged(
            f"The language model {manifest.name} computes wrong results on this machine: update numpy and start again."
        )
    return model
