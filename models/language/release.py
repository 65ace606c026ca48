"""The files of a released language model, and the manifest that vouches for them."""

from __future__ import annotations

from pathlib import Path

from models.manifests import pretty, vouch

from compline_edge.core.ngram import NgramModel, Ngrams

VERSION = 1
LANGUAGE = "zh-CN"
KNOWN = ("您好这里是贷后服务中心本次通话会录音", "再不还钱就让你单位的人都晓得", "今天下午三点之前处理一下")


def write_model(folder: Path, ngrams: Ngrams) -> None:
    """Write ngram.bin, known_answers.json and manifest.json."""
    folder.mkdir(parents=True, exist_ok=True)
    model = NgramModel(ngrams)
    known = {"texts": list(KNOWN), "log_probs": [round(model.log_prob(text), 4) for text in KNOWN]}
    (folder / "ngram.bin").write_bytes(ngrams.pack())
    (folder / "known_answers.json").write_bytes(pretty(known))
    vouch(
        folder,
        ("ngram.bin", "known_answers.json"),
        name=folder.name,
        version=VERSION,
        kind="ngram",
        language=LANGUAGE,
    )
