"""Fine-tune the public Mandarin CTC model for telephone speech and write the released files.

The base listens to clean recordings and teaches a copy of itself that hears them as a call would carry
them. Stages, each skipped where its result is in --work already, so that a killed run goes on:

  1. copies    draw disturbed copies of the corpus, as filterbanks (3 minutes of one core and 0.4 GB each)
  2. normalise measure the features of the telephone-coded copies; fold the change into the first layer
  3. train     distillation + syllable CTC, a checkpoint every 100 batches (3 minutes of one core an epoch)
  4. judge     mix with the base, measure on held-out recordings; a mix that is no better there, or that
               loses clean speech, is not written
  5. release   model.tflite, tokens.txt, cmvn.json, manifest.json into --out, compared with torch

Run from the repository root:  python -m models.train.finetune
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from models.eval.pinyin_error import Cmvn
from models.train.corpus import Utterance, read_corpus
from models.train.development import LINES, line_errors, mixed, write_lines
from models.train.flatbuffer import rounded
from models.train.network import Weights
from models.train.pairs import Pair, read_copy, telephone_cmvn, write_copy
from models.train.reference import Base, read_base, renormalised
from models.train.release import release
from models.train.syllabary import read_syllabary
from models.train.training import Plan, Teacher, train

SEED = 20261123
SHARE = 0.25
"""How far the released weights lie from the base towards the student; the model card says why no further."""
SCHEDULE = 4
"""Epochs over which the learning rate falls; the released weights were taken after the first."""

CLEAN_LOSS_ALLOWED = 1.0
"""Points of pinyin error on clean speech that a student may lose; one that loses more is not released."""


def main() -> None:
    """Run all stages with the arguments of the command line."""
    given = _arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(SEED)
    given.work.mkdir(parents=True, exist_ok=True)
    _say(f"work folder {given.work}")
    _draw_copies(given.work, given.data, given.copies)
    base = read_base(given.base)

    @cache
    def copy(index: int) -> list[Pair]:
        return read_copy(_copy_path(given.work, index))

    cmvn = telephone_cmvn(copy(0))
    start = renormalised(base.weights, base.cmvn, cmvn)
    student = train(
        Plan(
            epochs=given.epochs,
            schedule=max(given.epochs, SCHEDULE),
            rate=given.rate,
            label_share=given.label_share,
            seed=SEED,
        ),
        copy=lambda epoch: copy(epoch % given.copies),
        teacher=Teacher(base.weights, base.cmvn),
        start=start,
        cmvn=cmvn,
        syllabary=read_syllabary(base.tokens),
        checkpoint=given.work / "checkpoint.pt",
    )
    released = rounded(mixed(start, student, SHARE))
    _judge(given.work, base=base, start=start, student=released, cmvn=cmvn)
    difference = release(given.out, base=base, student=released, cmvn=cmvn)
    _say(f"{given.out}/model.tflite written; it differs from torch by at most {difference:.1e}")


def _draw_copies(work: Path, data: Path, copies: int) -> None:
    missing = [index for index in range(copies) if not _copy_path(work, index).exists()]
    undeveloped = not all((work / f"development-{name}.npz").exists() for name in LINES)
    if not missing and not undeveloped:
        return
    utterances = read_corpus(data)
    _say(f"{len(utterances)} recordings, {sum(len(item.samples) for item in utterances) / 57_600_000:.1f} h")
    if undeveloped:
        write_lines(work, [item for item in utterances if item.held_out], seed=SEED)
    learnt: Sequence[Utterance] = [item for item in utterances if not item.held_out]
    for index in missing:
        write_copy(_copy_path(work, index), learnt, seed=SEED + index)
        _say(f"copy {index + 1} of {copies} drawn")


def _judge(work: Path, *, base: Base, start: Weights, student: Weights, cmvn: Cmvn) -> None:
    """Compare with the base on held-out recordings; exit where telephone is no better or clean is lost."""
    before = line_errors(work, start, cmvn, base.tokens)
    after = line_errors(work, student, cmvn, base.tokens)
    _say(f"held out, base:    {_row(before)}")
    _say(f"held out, student: {_row(after)}")
    if _telephone(after) >= _telephone(before) or after["clean"] > before["clean"] + CLEAN_LOSS_ALLOWED:
        sys.exit(
            "the student is no better than the base on held-out calls; nothing written, try another --rate"
        )


def _telephone(errors: dict[str, float]) -> float:
    return sum(error for name, error in errors.items() if name != "clean")


def _row(errors: dict[str, float]) -> str:
    return "  ".join(f"{name} {error:.2f}" for name, error in errors.items())


def _copy_path(work: Path, index: int) -> Path:
    return work / f"copy-{index:02d}.npz"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="training data (%(default)s)"
    )
    parser.add_argument(
        "--base", type=Path, default=Path("../shared/models/zh-ctc-fsmn"), help="base model (%(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("models/zh-ctc-telephone"),
        help="where the released files go (%(default)s)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir()) / "compline-finetune",
        help="copies and checkpoint; remove it to start anew (%(default)s)",
    )
    parser.add_argument("--copies", type=int, default=1, help="disturbed copies to draw (%(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=1, help="passes, epoch e over copy e modulo copies (%(default)s)"
    )
    parser.add_argument("--rate", type=float, default=5e-4, help="highest learning rate (%(default)s)")
    parser.add_argument(
        "--label-share", type=float, default=1.0, help="weight of the labels beside the teacher (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=min(2, os.cpu_count() or 1), help="torch threads (%(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
