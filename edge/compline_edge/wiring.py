"""Builds from the settings what listens and what carries: models, lexicon, spotter, courier."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from compline_edge.core.lack_words import Lack
from compline_edge.core.rules import compile_rules
from compline_edge.core.spotter import Spotter
from compline_edge.core.spotter_thresholds import Thresholds
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.core.voiceprint import Voiceprint
from compline_edge.link.certificate_keeper import CertificateKeeper
from compline_edge.link.conditions import MachineConditions, charging
from compline_edge.link.courier import CourierLoop
from compline_edge.link.discovery import Door, Finder, find_hub
from compline_edge.link.mqtt import MqttCarrier
from compline_edge.link.renewal import RenewalLoop
from compline_edge.pipeline import CallListener, Hearing
from compline_edge.ports import Address, Clock, Orders, Surroundings, TextClassifier, Transcriber
from compline_edge.reading import TextReader
from compline_edge.senses.language_model import KIND as NGRAM
from compline_edge.senses.model_store import ModelStore, NoModel, user_models
from compline_edge.senses.packs import load_packs
from compline_edge.senses.rule_packs import RULES, load_rules
from compline_edge.senses.speaker_model import KIND as SPEAKER
from compline_edge.senses.text_model import KIND as TEXT
from compline_edge.senses.voice_activity import WebrtcVoiceActivity
from compline_edge.senses.voice_model import KIND as VOICE
from compline_edge.settings import EdgeSettings
from compline_edge.vault.certificate_store import CertificateStore
from compline_edge.vault.file_slot import FileSlot
from compline_edge.vault.home import Home, SlotAt
from compline_edge.vault.tpm_slot import TpmSlot
from compline_shared.configuration import InvalidSettings
from compline_shared.errors import ComplineError
from compline_shared.lexicon import Entry
from compline_shared.messages import Versions
from compline_shared.taxonomy import Category

_SHIPPED = Path(__file__).parents[2] / "models"
_SYSTEM = Path("/usr/share/compline/models")


class NoLexicon(ComplineError):
    """There is no usable lexicon for the language, so that nothing said in it could be judged."""


class NoModelsFolder(ComplineError):
    """There is no models folder: name one with --models or in compline.toml, [edge] models."""


@dataclass(frozen=True, slots=True)
class Instruments:
    """Everything that judges, and one sentence for each thing that is not as it should be."""

    listener: CallListener
    versions: Versions
    problems: tuple[str, ...]
    lacks: tuple[Lack, ...] = ()  # what it goes without
    while_charging: Hearing | None = (
        None  # what hears finished recordings on the charger, where that is another
    )

    def instead(self, voice: Callable[[], Voiceprint | None]) -> Callable[[], Hearing | None]:
        """Return what says who hears a finished recording now instead, and knows the collector by his voice."""
        second = self.while_charging
        known = second and Hearing(second.listener.knowing(voice), second.versions)
        return lambda: known if known and charging() else None


def models_folder(settings: EdgeSettings) -> Path:
    """Return the folder of models and lexicons: the one set, the one shipped beside the program, or the system's.

    Raises:
        NoModelsFolder: none of them is there.
    """
    if settings.models:
        chosen = Path(settings.models).expanduser()
        if not chosen.is_dir():
            raise NoModelsFolder(f"{chosen} is not a folder: name the models folder with --models.")
        return chosen
    for candidate in (_SHIPPED, _SYSTEM):
        if candidate.is_dir():
            return candidate
    raise NoModelsFolder(NoModelsFolder.__doc__)


def instruments(settings: EdgeSettings) -> Instruments:
    """Load model, lexicon and thresholds; a missing model or a broken line is a problem and the rest works.

    Raises:
        ModelDamaged: the files of a model or of operating points are not what their manifest says.
        BadCalibration, BadSpeakerCalibration: a model's operating points cannot be used.
        NoModelsFolder: there is nothing to load from.
        NoLexicon: without one all would look clean.
    """
    models = models_folder(settings)
    store = ModelStore((models, user_models()))
    loaded = load_packs(models, settings.language)
    rules = load_rules(models, settings.language)
    problems = [*loaded.problems, *rules.problems]
    if not loaded.packs:
        raise NoLexicon(_no_lexicon(settings, models, problems))
    transcriber: Transcriber | None = None
    try:
        transcriber = store.transcriber(settings.language, kind=settings.recogniser)
    except NoModel as missing:
        problems.append(str(missing))
    classifier = store.text_classifier(settings.language)
    entries = {entry.id: entry for pack in loaded.packs for entry in pack.entries}
    listener = CallListener(
        transcriber=transcriber,
        spotters=_spotters(entries.values(), store.thresholds()) if transcriber else (),
        texts=TextReader(TextMatcher(loaded.packs), classifier),
        entries=entries,
        voice_activity=WebrtcVoiceActivity,
        collector_channel=settings.collector_channel,
        rules=tuple(map(compile_rules, rules.packs)),
        doubt=store.doubt(),
        feelings=store.voice_model(settings.language),
        encoder=store.voice_encoder(),
    )
    versions = Versions(
        model=_models_number(transcriber, classifier), lexicon=loaded.version, rules=rules.version
    )
    second: Hearing | None = None
    try:
        second = _while_charging(store, settings, listener, versions)
    except NoModel as missing:
        problems.append(str(missing))
    lacks = _lacks(store, settings, ruled=bool(rules.packs))
    return Instruments(listener, versions, tuple(problems), lacks, second)


def _while_charging(
    store: ModelStore, settings: EdgeSettings, listener: CallListener, versions: Versions
) -> Hearing | None:
    """Load the recogniser for finished recordings on the charger; None where it is none, or the usual one.

    Raises:
        NoModel, ModelDamaged: it is asked for and cannot be had.
    """
    asked = settings.charging_transcriber
    if not asked or asked in store.kinds(settings.language, transcriber=settings.recogniser):
        return None
    transcriber = store.transcriber(settings.language, kind=asked)
    spotters = listener.spotters or _spotters(listener.entries.values(), store.thresholds())
    model = _models_number(transcriber, listener.texts.classifier)
    return Hearing(
        replace(listener, transcriber=transcriber, spotters=spotters),
        msgspec.structs.replace(versions, model=model),
    )


def lacks_of(settings: EdgeSettings) -> tuple[Lack, ...]:
    """Return what judging goes without, by what lies in the models folders; nothing is loaded.

    Raises:
        NoModelsFolder, ModelDamaged: nothing is judged then.
    """
    models = models_folder(settings)
    ruled = any((models / RULES.folder / settings.language).glob(f"*.{RULES.suffix}"))
    return _lacks(ModelStore((models, user_models())), settings, ruled=ruled)


def _lacks(store: ModelStore, settings: EdgeSettings, *, ruled: bool) -> tuple[Lack, ...]:
    """Return the parts that are not there; a language model only where the recogniser reads with one."""
    kinds = store.kinds(settings.language, transcriber=settings.recogniser)
    there = {
        Lack.CLASSIFIER: TEXT in kinds,
        Lack.RULES: ruled,
        Lack.LANGUAGE_MODEL: NGRAM in kinds or "ctc" not in kinds,
        Lack.EMOTION: VOICE in kinds,
        Lack.VOICES: SPEAKER in kinds,
        Lack.DOUBT: store.doubts(),
    }
    return tuple(lack for lack in Lack if not there[lack])


def _models_number(transcriber: Transcriber | None, classifier: TextClassifier | None) -> int:
    """The models on the wire: the recogniser's version in the low byte, the text classifier's in the high one."""
    return (transcriber.version if transcriber else 0) + 256 * (classifier.version if classifier else 0)


def _no_lexicon(settings: EdgeSettings, models: Path, problems: Sequence[str]) -> str:
    packs = sorted(models.glob("lexicons/*/*.lex"))
    if any(pack.parent.name == settings.language for pack in packs):
        return f"No lexicon in {models} can be used: {'; '.join(problems)}."
    there = ", ".join(sorted({pack.parent.name for pack in packs})) or "none"
    return (
        f"There is no lexicon for the language {settings.language} in {models} (there are: {there}): "
        "choose another with --language, or put a .lex file for it there."
    )


def slot_at(settings: EdgeSettings) -> SlotAt:
    """Return the kind of key slot that is set."""
    match settings.slot:
        case "file":
            return FileSlot
        case "tpm":
            return TpmSlot


def keeper_of(settings: EdgeSettings, home: Home, clock: Clock) -> CertificateKeeper:
    """Wire what speaks TLS with the hub by which the handset was bound."""
    store = CertificateStore(settings.home_folder)
    return CertificateKeeper(store, hub=lambda: home.hub_keys, key=home.identity.tls, clock=clock)


def link(
    settings: EdgeSettings,
    home: Home,
    keeper: CertificateKeeper,
    clock: Clock,
    orders: Orders | None = None,
    surroundings: Surroundings | None = None,
    alarm: Callable[[], object] = lambda: None,
) -> CourierLoop:
    """Wire the courier of an enrolled handset to the hub it was bound by; ``orders`` hears what the hub commands."""
    return CourierLoop(
        home.outbox,
        identity=home.identity.signing,
        place=home.grant.place,
        hub=lambda: home.hub_keys,
        carrier=MqttCarrier(home.place.handset, keeper),
        find=_finder(settings, home, Door.BROKER),
        clock=clock,
        orders=orders,
        surroundings=surroundings,
        alarm=alarm,
    )


def surroundings_of(settings: EdgeSettings, home: Home) -> MachineConditions:
    """Wire what looks at network and battery."""
    host = settings.hub.rpartition(":")[0] or home.grant.mqtt_host or ""
    return MachineConditions(hub=host, metered=settings.metered)


def renewal(settings: EdgeSettings, home: Home, keeper: CertificateKeeper) -> RenewalLoop:
    """Wire the renewal of an enrolled handset's certificate."""
    return RenewalLoop(
        keeper,
        identity=home.identity,
        handset=home.place.handset,
        hub=lambda: home.hub_keys,
        find=pairing_ports(settings, home),
    )


def pairing_ports(settings: EdgeSettings, home: Home) -> Callable[[], Awaitable[Sequence[Address]]]:
    """Return what says where the hub's pairing port may be."""
    return _finder(settings, home, Door.PAIRING)


def _spotters(entries: Collection[Entry], thresholds: Thresholds) -> tuple[Spotter, ...]:
    """Return the spotter of what must not be said, and that of the notices, which get the benefit of the doubt."""
    notices = [entry for entry in entries if entry.category is Category.MISSING_DISCLOSURE]
    accusing = [entry for entry in entries if entry.category is not Category.MISSING_DISCLOSURE]
    return Spotter(accusing, thresholds), Spotter(notices, thresholds.lenient())


def _finder(settings: EdgeSettings, home: Home, door: Door) -> Callable[[], Awaitable[Sequence[Address]]]:
    if settings.hub and door is Door.BROKER:
        return partial(_fixed, _broker_address(settings.hub))
    interfaces = (settings.discovery_interface,) if settings.discovery_interface else None
    discover = partial(find_hub, home.grant.hub_name, door=door, interfaces=interfaces)
    grant = home.grant
    broker = door is Door.BROKER
    host, port = (grant.mqtt_host, grant.mqtt_port) if broker else (grant.pairing_host, grant.pairing_port)
    return Finder(Address(host, port) if host and port else None, discover)


def _broker_address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidSettings(f'settings [edge]: hub is "{text}"; write host:port, or leave it empty.')
    return Address(host.strip("[]"), int(port))


async def _fixed(address: Address) -> Sequence[Address]:
    return (address,)
