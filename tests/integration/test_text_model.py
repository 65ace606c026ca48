"""The text classifier that is shipped: tells misconduct from lawful talk, also disguised; refused when altered."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from compline_edge.core.text_calibration import BadCalibration
from compline_edge.core.text_features import CATEGORIES, FINE_ROWS, MOST_TOKENS, RUN_ROWS, features
from compline_edge.core.text_matcher import TextMatcher
from compline_edge.reading import TextReader
from compline_edge.senses.model_manifest import ModelDamaged
from compline_edge.senses.packs import load_packs
from compline_edge.senses.text_model import TfliteTextClassifier
from compline_shared.taxonomy import Category, Role

MODEL = Path(__file__).parents[2] / "models" / "zh-text"
LARGEST = 2_000_000  # bytes

SAID = {
    Category.THREAT: "今天不还，晚上就有人到你家门口等你，你走夜路小心点",
    Category.THIRD_PARTY: "再拖下去我就给你单位同事挨个打电话，让他们都知道你欠钱不还",
    Category.IMPERSONATION: "我这里是法院执行局的，你的案子明天就开庭了",
    Category.IMPROPER_PAYMENT: "钱别打对公账户了，直接转到我个人微信上",
    Category.PRIVACY: "把你手机的登录密码和验证码发给我",
    Category.OFF_CHANNEL: "这个电话有录音，你加我私人微信，我们在那边说",
}
LAWFUL = (
    "您好，我这边是贷后服务中心的，本次通话会全程录音",
    "好的，那您周五之前通过官方的软件还款就可以",
    "我们不会联系您的家人，也不会告诉您的单位",
)


@pytest.fixture(scope="module")
def classifier() -> TfliteTextClassifier:
    return TfliteTextClassifier(MODEL)


def probability(classifier: TfliteTextClassifier, text: str, category: Category) -> float:
    logit = classifier.logits(text, Role.COLLECTOR, heard=False)[category]
    return classifier.calibration.of(category).probability(logit)


@pytest.mark.parametrize("category", SAID)
def test_classifier_when_misconduct_is_said_then_its_category_is_the_likeliest(
    classifier: TfliteTextClassifier, category: Category
) -> None:
    told = {each: probability(classifier, SAID[category], each) for each in CATEGORIES}
    assert max(told, key=lambda each: told[each]) is category
    assert told[category] >= classifier.calibration.of(category).points.review


@pytest.mark.parametrize("text", LAWFUL)
def test_classifier_when_talk_is_lawful_then_no_category_reaches_an_alarm(
    classifier: TfliteTextClassifier, text: str
) -> None:
    for category in CATEGORIES:
        assert probability(classifier, text, category) < classifier.calibration.of(category).points.alarm


@pytest.mark.parametrize(
    "disguised",
    [
        "把你手機的登錄密碼和驗證碼發給我",
        "把你手机的登录mi ma和验证码发给我",
        "把你手-机-的-登-录-密-码-和-验-证-码-发给我",
        "把你手机的登陆蜜玛和验证马发给我",
    ],
)
def test_classifier_when_words_are_disguised_then_they_are_told_all_the_same(
    classifier: TfliteTextClassifier, disguised: str
) -> None:
    of = classifier.calibration.of(Category.PRIVACY)
    assert probability(classifier, disguised, Category.PRIVACY) >= of.points.review


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("你就是个辶畐养的贝戋人，欠钱不还", Category.ABUSE),
        ("你这种🐶东西也配借钱，垃🐔", Category.ABUSE),
        ("你就是个sb，废wu", Category.ABUSE),
    ],
)
def test_classifier_when_words_are_hidden_then_the_open_reading_counts(
    classifier: TfliteTextClassifier, text: str, category: Category
) -> None:
    place = CATEGORIES.index(category)
    alone = classifier.network.run(text, Role.COLLECTOR)
    assert alone is not None
    assert classifier.logits(text, Role.COLLECTOR, heard=False)[category] > float(alone[place])
    assert classifier.logits(text, Role.COLLECTOR, heard=True)[category] == float(alone[place])
    assert probability(classifier, text, category) >= classifier.calibration.of(category).points.review


@pytest.mark.parametrize("text", LAWFUL)
def test_control_classifier_when_nothing_is_hidden_then_only_the_network_speaks(
    classifier: TfliteTextClassifier, text: str
) -> None:
    alone = classifier.network.run(text, Role.COLLECTOR)
    assert alone is not None
    assert (
        list(classifier.logits(text, Role.COLLECTOR, heard=False).values())
        == alone[: len(CATEGORIES)].tolist()
    )


def test_features_when_runs_are_numbered_finely_then_the_coarse_rows_follow() -> None:
    found = features("钱打到我自己的卡上就行")
    assert found is not None
    assert (found.runs == found.fine // (FINE_ROWS // RUN_ROWS)).all()
    assert set(found.fine.tolist()) <= set(range(FINE_ROWS))


@pytest.mark.parametrize("text", ["", " ", "。！？", "\n", "\u200b"])
def test_classifier_when_a_text_holds_nothing_then_it_tells_nothing(
    classifier: TfliteTextClassifier, text: str
) -> None:
    assert classifier.logits(text, Role.COLLECTOR, heard=False) == {}


POLITE = "您好，这里是贷后服务中心，本次通话会录音。{}。好的，感谢您的来电，祝您生活愉快，再见。"


def test_reader_when_polite_words_stand_around_then_no_phrase_of_the_lexicon_is_lost(
    classifier: TfliteTextClassifier,
) -> None:
    matcher = TextMatcher(load_packs(MODEL.parent, "zh-CN").sound())
    phrases = [
        entry.canonical for pack in load_packs(MODEL.parent, "zh-CN").sound() for entry in pack.entries
    ]
    for phrase in phrases:
        text = POLITE.format(phrase)
        alone = {(n.category, n.entry, n.severity) for n in matcher.find(text, Role.COLLECTOR)}
        both = TextReader(matcher, classifier).find(text, Role.COLLECTOR)
        kept = {(n.category, n.entry): n.severity for n in both}
        for category, entry, severity in alone:
            assert kept[category, entry] >= severity, phrase


def test_classifier_when_a_text_is_longer_than_it_reads_then_its_beginning_is_read(
    classifier: TfliteTextClassifier,
) -> None:
    text = "你好吗" * MOST_TOKENS
    found = features(text)
    assert found is not None
    assert len(found.characters) == len(found.sounds) == MOST_TOKENS
    assert classifier.logits(text, Role.COLLECTOR, heard=False) == classifier.logits(
        text[:MOST_TOKENS], Role.COLLECTOR, heard=False
    )


def test_classifier_when_many_threads_ask_then_each_has_its_own_answer(
    classifier: TfliteTextClassifier,
) -> None:
    texts = [*SAID.values(), *LAWFUL]
    alone = [classifier.logits(text, Role.COLLECTOR, heard=False) for text in texts]
    found: dict[int, list[object]] = {}

    def ask(number: int) -> None:
        found[number] = [classifier.logits(text, Role.COLLECTOR, heard=False) for text in texts]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [alone] * 4


def test_model_when_shipped_then_it_is_small() -> None:
    assert (MODEL / "model.tflite").stat().st_size <= LARGEST


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def other_answers(folder: Path) -> None:
    """Known answers that vouch for another network, in a manifest that knows them."""
    path = folder / "known_answers.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    known["logits"][0][0] += 1.0
    path.write_text(json.dumps(known), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["known_answers.json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: flip(folder / "model.tflite"), "not the file that its manifest names: restore"),
        (lambda folder: flip(folder / "calibration.json"), "not the file that its manifest names: restore"),
        (lambda folder: flip(folder / "disguises.json"), "not the file that its manifest names: restore"),
        (lambda folder: (folder / "known_answers.json").unlink(), "missing: restore"),
        (other_answers, "computes wrong results"),
    ],
)
def test_model_when_damaged_or_swapped_then_it_is_refused_with_what_to_do(
    tmp_path: Path, damage: Callable[[Path], object], sentence: str
) -> None:
    folder = tmp_path / "zh-text"
    shutil.copytree(MODEL, folder)
    damage(folder)
    with pytest.raises(ModelDamaged, match=sentence):
        TfliteTextClassifier(folder)


def test_control_model_when_only_copied_then_it_loads(tmp_path: Path) -> None:
    shutil.copytree(MODEL, tmp_path / "zh-text")
    assert 1 <= TfliteTextClassifier(tmp_path / "zh-text").version <= 255


def test_model_when_its_points_do_not_ascend_then_it_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "zh-text"
    shutil.copytree(MODEL, folder)
    path = folder / "calibration.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["written"]["threat"]["points"]["review"] = 0.99
    path.write_text(json.dumps(content), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["calibration.json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BadCalibration, match="threat must ascend"):
        TfliteTextClassifier(folder)
