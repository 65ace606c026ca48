"""Makes the sample day: speaks and encodes the calls, writes the chats, and labels both in expected.json."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from day_chats import label_chats, read_chats, write_chats
from day_script import COLLECTOR, Call, Day, Line, Mark, ScriptError, read_day

if TYPE_CHECKING:
    from day_line import Spoken

HERE = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 when everything asked for is written."""
    options = _parser().parse_args(arguments)
    out: Path = options.out
    try:
        labels = _existing(out / "expected.json")
        if options.only != "calls":
            chats = read_chats(HERE / "chats.toml")
            write_chats(out / "chats", chats)
            labels["chats"] = label_chats(chats)
        if options.only != "chats":
            day = read_day(HERE / "calls.toml")
            labels["calls"] = _calls(day, out, set(options.call), labels.get("calls", []))
    except ScriptError as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 1
    _write(out / "expected.json", labels)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Make the sample day from calls.toml and chats.toml. Speech needs requirements.txt on "
        "Python 3.11; the chats alone need nothing. The same script gives the same files.",
    )
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (default: beside this script)")
    parser.add_argument(
        "--only", choices=("calls", "chats"), help="make one kind and keep the other's labels"
    )
    parser.add_argument(
        "--call", action="append", default=[], metavar="ID", help="make this call only, may be repeated"
    )
    return parser


def _existing(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    labels: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return labels


def _calls(day: Day, out: Path, wanted: set[str], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if unknown := wanted - {call.id for call in day.calls}:
        raise ScriptError(f"calls.toml has no call {', '.join(sorted(unknown))}; look at its id lines")
    from day_files import recording_path, write_recording
    from day_line import record
    from day_voice import Speaker, Wave

    speaker = Speaker(day.readings)

    def speak(call: Call, line: Line, clause: str, key: str) -> Wave:
        person = call.collector if line.role == COLLECTOR else call.other
        return speaker.say(clause, day.timbres[person], day.manners[line.manner], key)

    labels = {label["id"]: label for label in before}
    for call in day.calls:
        if wanted and call.id not in wanted:
            continue
        recording = record(call, speak)
        path = out / "calls" / recording_path(call)
        write_recording(path, call, recording)
        seconds = recording.samples.shape[1] / recording.rate
        labels[call.id] = {
            **_about(call),
            "path": path.relative_to(out).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "duration_s": round(seconds, 2),
            "findings": [_finding(mark, recording.spoken) for mark in call.marks],
            "utterances": _utterances(call, recording.spoken),
        }
        print(f"{call.id}: {seconds:.1f} s, {path.stat().st_size} bytes", file=sys.stderr)
    return [labels[call.id] for call in day.calls if call.id in labels]


def _about(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "about": call.about,
        "started": call.started.isoformat(),
        "direction": call.direction,
        "answered": call.answered,
        "effective": call.effective,
        "contact": call.contact,
        "case": call.case,
        "number": call.number,
        "codec": call.codec,
        "rate": call.rate,
        "channels": call.channels,
        "warned": call.warned,
        "conduct": list(call.conduct),
        "tolerated": list(call.tolerated),
        "must_find": list(call.must_find),
    }


def _finding(mark: Mark, spoken: tuple[Spoken, ...]) -> dict[str, Any]:
    label: dict[str, Any] = {
        "category": mark.category,
        "role": COLLECTOR,
        "channel": 0,
        "phrase": mark.phrase,
        "start_s": None,
        "end_s": None,
    }
    if mark.phrase:
        place = next(part for part in spoken if part.role == COLLECTOR and mark.phrase in part.clause)
        pace = (place.end - place.start) / len(place.clause)
        first = place.clause.index(mark.phrase)
        label["start_s"] = round(place.start + pace * first, 1)
        label["end_s"] = round(place.start + pace * (first + len(mark.phrase)), 1)
    return label


def _utterances(call: Call, spoken: tuple[Spoken, ...]) -> list[dict[str, Any]]:
    turns = []
    for number, line in enumerate(call.lines):
        parts = [part for part in spoken if part.line == number]
        turns.append(
            {
                "role": line.role,
                "channel": 1 if call.channels == 2 and line.role != COLLECTOR else 0,
                "start_s": round(parts[0].start, 1),
                "end_s": round(parts[-1].end, 1),
                "text": "".join(line.clauses),
            }
        )
    return turns


def _write(path: Path, labels: dict[str, Any]) -> None:
    ordered = {"calls": labels.get("calls", []), "chats": labels.get("chats", [])}
    path.write_text(json.dumps(ordered, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
