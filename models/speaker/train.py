"""Makes the speaker model from the permitted recordings: clips of made voices, fit, calibration, release."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.speaker import stages
from models.speaker.background import fit
from models.speaker.calibrate import chosen, measured
from models.speaker.compare import rates
from models.speaker.learning import Recipe, learn
from models.speaker.learning import rates as student_rates
from models.speaker.release import NAME, rounded, write

from compline_edge.senses.speaker_model import SpeakerModel

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def main() -> None:
    """Fit, calibrate and write the model's folder; with --student print what a taught network reaches beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of aishell_s0150 and audio_cmn")
    parser.add_argument("--work", type=Path, default=ROOT / ".run" / "speaker", help="where clips are kept")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / NAME)
    parser.add_argument("--student", action="store_true", help="train the network too, for comparison")
    given = parser.parse_args()
    held_out = stages.held_out(given.data, given.work)
    made = stages.training(given.data, given.work)
    content, space = rounded(fit(made))
    print(f"supervectors: {rates(space, held_out)}", flush=True)
    write(given.out, content, measured(space, held_out))
    write(given.out, content, chosen(SpeakerModel(given.out), given.data))
    if given.student:
        student = learn(made, held_out, Recipe(), given.work / "student.pt")
        print(f"student: {student_rates(student, held_out)}", flush=True)


if __name__ == "__main__":
    main()
