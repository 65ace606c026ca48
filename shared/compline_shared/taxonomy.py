"""The closed vocabularies of wire, tables and reports; numbers are for ever, codes are what people read."""

from __future__ import annotations

from enum import IntEnum, unique


class Coded(IntEnum):
    """An enum whose number goes on the wire and whose lower-case name is the code people read."""

    @property
    def code(self) -> str:
        """Lower-case name, e.g. ``third_party``."""
        return self.name.lower()

    @classmethod
    def from_code(cls, code: str) -> "Coded":
        """Return the member called ``code``.

        Raises:
            KeyError: no member has that code.
        """
        return cls[code.upper()]


@unique
class Category(Coded):
    """What a finding is about (speech and chat, conduct, behaviour)."""

    ABUSE = 1
    THREAT = 2
    THIRD_PARTY = 3
    IMPERSONATION = 4
    OVER_PROMISE = 5
    IMPROPER_PAYMENT = 6
    PRIVACY = 7
    OFF_CHANNEL = 8
    MISSING_DISCLOSURE = 9
    ANGER = 10
    MANNER = 11  # interrupting, too fast, silent when it is one's turn: how somebody speaks, where nothing is forbidden
    QUIET_HOURS = 20
    OVER_CONTACT = 21
    CONTACT_REFUSED = 22
    RECORD_DELETION = 30
    CONTACT_DELETION = 31
    MESSAGE_RECALL = 32
    MEDIA_SENDING = 33
    APP_VIOLATION = 34
    POLICY_DRIFT = 35


SPEECH_CATEGORIES: frozenset[Category] = frozenset(c for c in Category if c <= Category.ANGER)


@unique
class Severity(Coded):
    """How grave a finding is; `serious` and above are urgent on the link."""

    NOTICE = 1
    WARNING = 2
    SERIOUS = 3
    VETO = 4


@unique
class Kind(Coded):
    """What a verdict is about."""

    CALL = 1
    CHAT = 2
    SMS = 3
    DEVICE = 4


@unique
class Pass(Coded):
    """`live` is judged while it happens, `full` when the recording is complete; a full pass supersedes the live one."""

    LIVE = 1
    FULL = 2


@unique
class Direction(Coded):
    """Who began the call or conversation, seen from the handset."""

    UNKNOWN = 0
    OUTGOING = 1
    INCOMING = 2


@unique
class Role(Coded):
    """Who speaks; unknown never raises a veto."""

    UNKNOWN = 0
    COLLECTOR = 1
    OTHER = 2


@unique
class Abstention(Coded):
    """Why a call or conversation, or a part of it, was not judged."""

    UNREADABLE = 1  # not audio, or damaged beyond decoding
    ENCRYPTED = 2  # a container that we recognise and may not open
    EMPTY = 3  # no bytes, or no samples
    SILENT = 4  # decodes, and nobody speaks
    TOO_LONG = 5  # longer than the policy's limit; the rest was not analysed
    TOO_LARGE = 6  # a message or file above the size limit
    TRUNCATED = 7  # ended before its container said; the readable part was judged
    NO_MODEL = 8  # no transcriber for the language of the call
    FROZEN = 9  # the binding was frozen before the analysis
    POOR_AUDIO = 10  # speech that the transcriber cannot follow
    UNSUPPORTED = 11  # a message type that carries no text (picture, file, voice)
    OTHER_LANGUAGE = 12  # speech in a language or dialect that the transcriber does not know
    MUSIC = 13  # music, and nobody to be understood in it
    TONES = 14  # signals of the line: ringing, busy, touch tones, fax
    NOISY = 15  # speech that noise drowns
    CLIPPED = 16  # speech cut off at the recorder's limit until it cannot be followed
    LOSSY = 17  # a part of the sound was lost on the way


@unique
class Technique(Coded):
    """How a finding was made."""

    LEXICON_TEXT = 1  # characters matched
    LEXICON_PINYIN = 2  # the pinyin sequence matched
    LEXICON_AUDIO = 3  # phrase scored on the posteriors
    CONDUCT = 4  # a rule on times and counts
    ABSENCE = 5  # something required was not said
    CLASSIFIER = 6  # the text classifier alone, with no phrase of a pack
    RULE = 7  # a rule of a pack
