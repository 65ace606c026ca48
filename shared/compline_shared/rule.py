"""A rule of a pack: the conditions under which it fires, as a tree, and the dialogues that show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TypeAlias

from compline_shared.taxonomy import Category, Role, Severity
from compline_shared.template import Template

IDENTITY_RULE = 1
"""Id of the rule that nobody said who calls, as it has been on the wire from the first."""
RECORDING_RULE = 2
"""Id of the rule that nobody said that the call is recorded."""


@unique
class Comparison(Enum):
    """Which side of a bound a measure must lie on; the bound itself is on neither."""

    ABOVE = "above"
    BELOW = "below"


@unique
class Relation(Enum):
    """Where a hit must lie to what it is anchored to."""

    BEFORE = "before"
    AFTER = "after"
    NEAR = "of"  # within so many seconds on either side


@unique
class Feeling(Enum):
    """Emotions that a rule may ask for, by the names that emotion models use."""

    ANGRY = "angry"
    DISGUSTED = "disgusted"
    FEARFUL = "fearful"
    HAPPY = "happy"
    NEUTRAL = "neutral"
    SAD = "sad"
    SURPRISED = "surprised"


@unique
class Medium(Enum):
    """How people talked: in a call, or in a chat."""

    SPOKEN = "spoken"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Wording:
    """A phrase in the template language of lexicons, `text` as its author wrote it."""

    text: str
    template: Template = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entries:
    """What the lexicon noticed: entries `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class OfCategory:
    """What lexicon or classifier noticed of one category."""

    category: Category


Saying: TypeAlias = Wording | Entries | OfCategory


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these is said; `who` None: by anybody, here and below."""

    who: Role | None
    sayings: tuple[Saying, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each of these is said."""

    who: Role | None
    sayings: tuple[Saying, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """None of these is said, and what it is anchored to did happen."""

    who: Role | None
    sayings: tuple[Saying, ...]


@dataclass(frozen=True, slots=True)
class Similar:
    """Something sounds like one of these; at most 100 - `percent` % of its syllables differ, are missing or added."""

    who: Role | None
    percent: int
    wordings: tuple[Wording, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """These are said `times` times in all, `within` so many seconds where that is not None."""

    who: Role | None
    times: int
    within: float | None
    sayings: tuple[Saying, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody speaks for longer than `seconds`; with a role, after the other side spoke last."""

    who: Role | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Rate:
    """Somebody speaks faster or slower than so many syllables a second."""

    who: Role | None
    comparison: Comparison
    syllables: float  # a second


@dataclass(frozen=True, slots=True)
class Interruptions:
    """Somebody begins `times` times before the other side has ended, `within` so many seconds where not None."""

    who: Role | None
    times: int
    within: float | None


@dataclass(frozen=True, slots=True)
class LongInterruption:
    """Somebody begins before the other side has ended, and both speak for longer than `seconds`."""

    who: Role | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Level:
    """A voice is louder or softer than so many dBFS for at least `lasting` seconds."""

    who: Role | None
    comparison: Comparison
    dbfs: float
    lasting: float


@dataclass(frozen=True, slots=True)
class RelativeLevel:
    """A voice lies more than so many dB above or below its own median for at least `lasting` seconds."""

    who: Role | None
    comparison: Comparison
    decibels: float
    lasting: float


@dataclass(frozen=True, slots=True)
class Emotion:
    """An emotion has more than this share of what a role said."""

    who: Role | None
    feeling: Feeling
    percent: int


@dataclass(frozen=True, slots=True)
class Duration:
    """The call or conversation is longer (ABOVE) or shorter than so many seconds."""

    comparison: Comparison
    seconds: float


@dataclass(frozen=True, slots=True)
class Through:
    """This is a call, or this is a chat."""

    medium: Medium


@dataclass(frozen=True, slots=True)
class Anchor:
    """A relation to the hits of another condition; `within` None: to its first hit, at any distance."""

    relation: Relation
    within: float | None  # s
    target: Condition


@dataclass(frozen=True, slots=True)
class Anchored:
    """Only those hits of a test count that stand in these relations."""

    test: Test
    anchors: tuple[Anchor, ...]


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Test: TypeAlias = (
    AnyOf
    | AllOf
    | NoneOf
    | Similar
    | Repeated
    | Silence
    | Rate
    | Interruptions
    | LongInterruption
    | Level
    | RelativeLevel
    | Emotion
    | Duration
    | Through
)
Condition: TypeAlias = Test | Anchored | And | Or | Not


def happens(condition: Condition) -> bool:
    """Whether a condition that holds does so at some moment of the call, so that others can be anchored to it."""
    match condition:
        case (
            AnyOf()
            | AllOf()
            | Similar()
            | Repeated()
            | Silence()
            | Rate()
            | Interruptions()
            | LongInterruption()
            | Level()
            | RelativeLevel()
        ):
            return True
        case NoneOf() | Emotion() | Duration() | Through() | Not():
            return False
        case Anchored(test=test):
            return happens(test)
        case And(parts=parts):
            return any(happens(part) for part in parts)
        case Or(parts=parts):
            return all(happens(part) for part in parts)


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody says something; all times of an example are seconds from the start."""

    role: Role
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nobody says anything."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Loud:
    """How loud somebody is."""

    role: Role
    start: float
    end: float
    dbfs: float


@dataclass(frozen=True, slots=True)
class Felt:
    """Which share of what a role said an emotion has."""

    role: Role
    feeling: Feeling
    percent: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """What lexicon or classifier noticed; the examples of a pack are run without either."""

    role: Role
    start: float
    end: float
    what: Entries | OfCategory


@dataclass(frozen=True, slots=True)
class Unclear:
    """A side that the transcriber could not follow."""

    role: Role


@unique
class Recording(Enum):
    """How an example reached the agent, where it is not two channels of 16 kHz."""

    MIXED = "mixed"  # both sides in one channel
    NARROW = "narrow"  # 8 kHz
    WRITTEN = "written"  # a chat


Scene: TypeAlias = Said | Pause | Loud | Felt | Sighting | Unclear | Recording


@dataclass(frozen=True, slots=True)
class Example:
    """A dialogue on which a rule must fire, or must not."""

    fires: bool
    scenes: tuple[Scene, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires where each of its conditions is true."""

    id: int
    category: Category
    severity: Severity
    sentence: str  # what a page shows, Chinese
    gloss: str  # the same in English
    conditions: tuple[Condition, ...]
    examples: tuple[Example, ...]
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class RulePack:
    """A versioned pack of rules for one language."""

    name: str
    version: int
    language: str
    slots: tuple[tuple[str, tuple[str, ...]], ...]
    rules: tuple[Rule, ...]
    file: str = field(compare=False)  # what messages call it

    @property
    def sentences(self) -> dict[int, tuple[str, str]]:
        """Chinese and English sentence of each rule id."""
        return {rule.id: (rule.sentence, rule.gloss) for rule in self.rules}
