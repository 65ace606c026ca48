"""A working day of one made-up person, laid out as a phone would, the same day for whoever the person is."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

SAMPLE_DAY = Path(__file__).parents[2] / "packaging" / "sample-day"
MIDNIGHT = 1_795_104_000  # 2026-11-20 00:00 +08:00, Unix s
VIOLATION = "把钱直接转到我个人的支付宝就行"
"""What the collector writes in everybody's day; the lexicon knows it."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Whom the day is about; all strings of one field have the same length for everybody."""

    name: str
    number: str
    account: str
    card: str
    case: str
    words: str  # that no rule matches

    @property
    def canaries(self) -> tuple[str, ...]:
        """Everything personal that is planted in the day."""
        return (self.name, self.number, self.account, self.card, self.case, self.words)


RUOXI = Persona(
    name="欧阳若汐",
    number="15400007788",
    account="wmOuyangRuoxi88",
    card="6200540000778812",
    case="XJ-2026-778812",
    words="昨天下午在河边公园散步时看到了三只白鹭",
)
ZIXUAN = Persona(
    name="司马子轩",
    number="15400006655",
    account="wmSimaZixuan055",
    card="6200540000665534",
    case="XJ-2026-665534",
    words="上周周末去城西菜场闲逛还买回了两盆茉莉",
)


def lay_out(folder: Path, persona: Persona, *, calls: dict[str, Path]) -> None:
    """Write the persona's recordings, a broken one among them, and chats into `folder`."""
    recordings = folder / "Sounds" / "CallRecord"
    recordings.mkdir(parents=True, exist_ok=True)
    for clock, source in calls.items():
        name = f"{persona.name}@{persona.number}_20261120{clock}{source.suffix}"
        partial = recordings / f".{name}.part"
        shutil.copyfile(source, partial)
        partial.rename(recordings / name)
    (recordings / f"{persona.name}@{persona.number}_20261120180000.m4a").write_bytes(
        b"not a recording at all" * 40
    )
    chats = folder / "chats"
    chats.mkdir(exist_ok=True)
    (chats / ".wecom.part").write_text(_archive(persona), encoding="utf-8")
    (chats / ".wecom.part").rename(chats / f"{persona.name}.jsonl")


def recording(call: str) -> Path:
    """Return a recording of the sample day by its id."""
    labels = json.loads((SAMPLE_DAY / "expected.json").read_text(encoding="utf-8"))
    return next(SAMPLE_DAY / str(entry["path"]) for entry in labels["calls"] if entry["id"] == call)


def _archive(persona: Persona) -> str:
    said = (
        ("linjing", f"{persona.name}您好，您尾号的卡{persona.card}本月账单已出，案件{persona.case}"),
        (persona.account, f"{persona.words}，电话还是{persona.number}"),
        ("linjing", VIOLATION),
        (persona.account, persona.words),
        ("linjing", f"那就这样说定了，{persona.words}"),
    )
    lines = (
        {
            "msgid": f"{7_000 + place}_external",
            "action": "send",
            "from": sender,
            "tolist": [persona.account if sender == "linjing" else "linjing"],
            "roomid": "",
            "msgtime": (MIDNIGHT + 36_000 + 40 * place) * 1000,
            "msgtype": "text",
            "text": {"content": text},
        }
        for place, (sender, text) in enumerate(said)
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
