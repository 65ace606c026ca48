"""Fits the side task *offensive to anybody* anew, beside what the network has learnt of it; nothing else changes.

    .venv-train/bin/python -m models.text.offence --help

The side task has a ninth of the network's loss, and its bag shares rows between many runs. One number a run, fitted by
logistic regression on what public comments hold (as a TF-IDF baseline is), tells more. Both are joined by weights that
are chosen on COLD's development part, from which the numbers are then learnt too. About five minutes of one core.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import scipy.sparse as sparse  # type: ignore[import-untyped, unused-ignore]
import torch
from models.text.corpus import OFFENSIVE, Sample, cold, public
from models.text.disguise import disguised
from models.text.group_comments import group_comments
from models.text.network import ROLES, Floats, Network, as_stored, batch
from models.text.release import NAME, write_network, write_rest
from models.text.stored import network_of
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped, unused-ignore]
from sklearn.metrics import f1_score  # type: ignore[import-untyped, unused-ignore]

from compline_edge.core.text_calibration import Calibration
from compline_edge.core.text_features import FINE_ROWS, Features, features
from compline_shared.taxonomy import Role

SHARES = {"cold": 1.0, "swsr": 0.3, "insult": 1.0, "groups": 1.0}
"""Weight of a text of each source."""
HIDDEN = 0.3
"""Share of them that are learnt once more, disguised."""
RIDGE = 0.02
"""Inverse strength of the regularisation."""
_STEPS = 200

Labelled = tuple[str, int, str]
"""Text, 1 where it offends, source."""


def fit(network: Network, chance: random.Random) -> None:
    """Set the fine rows and how they and the network's own logit are joined, and tell how that does."""
    texts = list(_learnt(chance))
    texts += [
        (disguised(text, chance), label, source) for text, label, source in texts if chance.random() < HIDDEN
    ]
    texts = [row for row in texts if features(row[0])]
    wide = _fitted(texts)
    with torch.no_grad():
        network.fine.weight.zero_()
    development = [(text, label) for text, label in cold("dev") if features(text)]
    both = np.stack(
        [_deep(network, [text for text, _ in development]), wide.decision_function(_counts_of(development))],
        1,
    )
    labels = np.array([label for _, label in development])
    joined = LogisticRegression().fit(both, labels)
    _tell("COLD dev, the network's own", labels, both[:, 0] > 0)
    _tell("COLD dev, fine rows alone", labels, both[:, 1] > 0)
    halves = LogisticRegression().fit(both[::2], labels[::2])
    _tell("COLD dev, joined, on the other half", labels[1::2], halves.predict(both[1::2]) > 0)
    wide = _fitted([*texts, *((text, label, "cold") for text, label in development)])
    own, fine = joined.coef_[0]
    bias = joined.intercept_[0] + fine * wide.intercept_[0]
    with torch.no_grad():
        network.fine.weight[:-1, 0] = torch.from_numpy((fine * wide.coef_[0]).astype(np.float32))
        network.last.weight[OFFENSIVE] *= float(own)
        network.last.bias[OFFENSIVE] = float(own * network.last.bias[OFFENSIVE] + bias)
    kept = list(group_comments(chance, kept_back=True))
    told = _deep(network, [text for text, _ in kept]) > 0
    wanted = np.array([label for _, label in kept]) == 1
    print(
        f"comments on groups that were kept back: {(~told)[~wanted].mean():.3f} of those that defend them right, "
    )
    print(f"  {told[wanted].mean():.3f} of those that insult them found", flush=True)


def _fitted(texts: Sequence[Labelled]) -> LogisticRegression:
    found = LogisticRegression(C=RIDGE, max_iter=_STEPS, tol=1e-5)
    return found.fit(
        _counts([text for text, _, _ in texts]),
        np.array([label for _, label, _ in texts]),
        sample_weight=np.array([SHARES[source] for _, _, source in texts]),
    )


def _learnt(chance: random.Random) -> Iterator[Labelled]:
    """Public comments, and ours on groups."""
    yield from ((text, label, "cold") for text, label in cold("train"))
    others = [sample for sample in public() if _judged(sample)][sum(1 for _ in cold("train")) :]
    for sample in others:
        source = "insult" if sample.role is Role.COLLECTOR else "swsr"
        yield sample.text, int(sample.targets[OFFENSIVE]), source
    yield from ((text, label, "groups") for text, label in group_comments(chance, kept_back=False))


def _judged(sample: Sample) -> bool:
    """Whether a public text is a comment or an insult, not ordinary talk on the telephone."""
    return sample.role is Role.UNKNOWN or bool(sample.targets[OFFENSIVE])


def _counts_of(rows: Sequence[tuple[str, int]]) -> sparse.csr_matrix:
    return _counts([text for text, _ in rows])


def _counts(texts: Sequence[str]) -> sparse.csr_matrix:
    """How often each text holds each fine row [texts, FINE_ROWS]."""
    found = [_read(text).fine for text in texts]
    places = np.repeat(np.arange(len(found)), [len(rows) for rows in found])
    columns = np.concatenate(found)
    return sparse.csr_matrix(
        (np.ones(len(columns), dtype=np.float32), (places, columns)), shape=(len(found), FINE_ROWS)
    )


def _read(text: str) -> Features:
    found = features(text)
    assert found is not None, text
    return found


def _deep(network: Network, texts: Sequence[str]) -> Floats:
    """The side task's logit of each text, said by nobody known."""
    network.eval()
    nobody = torch.eye(ROLES)[0]
    told = []
    with torch.no_grad():
        for at in range(0, len(texts), 128):
            read = [_read(text) for text in texts[at : at + 128]]
            told.append(network(batch(read), nobody.expand(len(read), ROLES))[:, OFFENSIVE].numpy())
    return np.concatenate(told)


def _tell(what: str, wanted: Floats, told: Floats) -> None:
    print(f"{what}: macro-F1 {f1_score(wanted, told, average='macro'):.4f}", flush=True)


def main() -> None:
    """Fit it beside the network that is shipped, and write that folder's files again."""
    parser = argparse.ArgumentParser(prog="python -m models.text.offence", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / NAME)
    folder = parser.parse_args().folder
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = network_of((folder / "model.tflite").read_bytes())
    fit(network, random.Random(5))
    written = write_network(folder, as_stored(network))
    calibration = msgspec.json.decode((folder / "calibration.json").read_bytes(), type=Calibration)
    write_rest(folder, written, calibration)
    print(f"written to {folder}")


if __name__ == "__main__":
    main()
