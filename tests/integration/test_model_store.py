"""Finding models in several places and picking one by language."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from compline_edge.core.spotter_thresholds import BadThresholds, parse_thresholds
from compline_edge.senses.ctc_transcriber import CtcTranscriber
from compline_edge.senses.model_manifest import ModelDamaged
from compline_edge.senses.model_store import ModelStore, NoModel, user_models

SHIPPED = Path(__file__).parents[2] / "models"


def vosk_folder(root: Path, name: str) -> Path:
    folder = root / name
    (folder / "am").mkdir(parents=True)
    return folder


def test_store_when_only_the_shipped_models_are_there_then_mandarin_is_the_default() -> None:
    transcriber = ModelStore([SHIPPED]).transcriber()

    assert isinstance(transcriber, CtcTranscriber)
    assert transcriber.language == "zh-CN"


@pytest.mark.parametrize("language", ["zh", "zh-TW", "ZH-cn"])
def test_store_when_a_tag_of_the_same_language_is_asked_then_it_is_found(language: str) -> None:
    assert ModelStore([SHIPPED]).transcriber(language).language == "zh-CN"


def test_store_when_no_model_speaks_the_language_then_it_says_what_is_installed() -> None:
    with pytest.raises(NoModel, match=r"language fr-FR .*installed: zh-ctc-telephone \(ctc, zh-CN\)"):
        ModelStore([SHIPPED]).transcriber("fr-FR")


def test_store_when_only_another_kind_is_installed_then_it_says_which_and_how_to_have_it() -> None:
    with pytest.raises(NoModel, match=r"No vosk model .*installed: zh-ctc-telephone .*--transcriber auto"):
        ModelStore([SHIPPED]).transcriber("zh-CN", kind="vosk")


def test_store_when_places_do_not_exist_then_nothing_is_installed(tmp_path: Path) -> None:
    store = ModelStore([tmp_path / "none"])

    assert store.installed() == ()
    with pytest.raises(NoModel, match="installed: none"):
        store.transcriber()
    with pytest.raises(NoModel, match=r"thresholds\.json is not installed"):
        store.thresholds()


def test_store_when_vosk_folders_are_there_then_their_names_tell_the_language(tmp_path: Path) -> None:
    vosk_folder(tmp_path, "vosk-model-small-cn-0.22")
    vosk_folder(tmp_path, "vosk-model-en-us-0.22-lgraph")
    vosk_folder(tmp_path, "vosk-model-small-tlh-0.1")

    found = ModelStore([SHIPPED, tmp_path]).installed()

    assert [(one.kind, one.language) for one in found] == [
        ("ctc", "zh-CN"),
        ("speaker", "und"),
        ("voice", "zh-CN"),
        ("ngram", "zh-CN"),
        ("text", "zh-CN"),
        ("vosk", "en-US"),
        ("vosk", "zh-CN"),
    ]


def test_store_when_a_vosk_folder_is_empty_then_the_sentence_names_it(tmp_path: Path) -> None:
    vosk_folder(tmp_path, "vosk-model-small-en-us-0.15")

    with pytest.raises(ModelDamaged, match=r"vosk-model-small-en-us-0\.15 is no Vosk model folder"):
        ModelStore([tmp_path]).transcriber("en-US")


def test_thresholds_when_shipped_then_they_fit_the_shipped_model() -> None:
    assert ModelStore([SHIPPED]).thresholds().model == "zh-ctc-telephone"


OPERATING_POINTS = ["spotter/thresholds.json", "doubt/points.json"]


def loaded(root: Path, name: str) -> object:
    store = ModelStore([root])
    return store.thresholds() if name.startswith("spotter") else store.doubt()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("spotter", "doubt"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", OPERATING_POINTS)
def test_points_when_they_are_as_shipped_then_they_load(copied: Path, name: str) -> None:
    assert loaded(copied, name)


@pytest.mark.parametrize("name", OPERATING_POINTS)
def test_points_when_one_byte_differs_then_they_are_refused_with_how_to_restore_them(
    copied: Path, name: str
) -> None:
    path = copied / name
    content = path.read_bytes()
    place = next(k for k, byte in enumerate(content) if byte in b"12345678")
    path.write_bytes(content[:place] + bytes([content[place] + 1]) + content[place + 1 :])
    with pytest.raises(
        ModelDamaged, match=r"not the file that its manifest names: restore .*git checkout -- models"
    ):
        loaded(copied, name)


@pytest.mark.parametrize("name", OPERATING_POINTS)
@pytest.mark.parametrize("gone", ["file", "manifest"])
def test_points_when_a_part_is_missing_then_they_are_refused(copied: Path, name: str, gone: str) -> None:
    path = copied / name
    (path if gone == "file" else path.with_name("manifest.json")).unlink()
    with pytest.raises(ModelDamaged, match=r"restore the folder"):
        loaded(copied, name)


def test_points_when_another_folders_file_lies_in_their_place_then_it_is_refused(copied: Path) -> None:
    shutil.copy(copied / "doubt" / "points.json", copied / "spotter" / "thresholds.json")
    with pytest.raises(ModelDamaged, match=r"thresholds\.json of the model spotter is not the file"):
        loaded(copied, "spotter")


def test_doubt_when_no_place_has_points_then_there_are_none(tmp_path: Path) -> None:
    assert ModelStore([tmp_path]).doubt() is None


def test_store_when_folders_hold_operating_points_then_they_are_no_models_to_hear_with(copied: Path) -> None:
    assert ModelStore([copied]).installed() == ()


def test_thresholds_when_a_syllable_does_not_exist_then_it_is_named() -> None:
    stored = json.loads((SHIPPED / "spotter" / "thresholds.json").read_text())
    stored["commonness"]["blorp"] = 0.1

    with pytest.raises(BadThresholds, match="blorp"):
        parse_thresholds(json.dumps(stored).encode())


def test_thresholds_when_huge_then_they_are_not_parsed() -> None:
    with pytest.raises(BadThresholds, match="larger than"):
        parse_thresholds(b" " * 2_000_000)


def test_user_models_when_a_data_folder_is_set_then_they_lie_there() -> None:
    assert user_models({"XDG_DATA_HOME": "/data"}) == Path("/data/compline/models")
    assert user_models({"HOME": "/home/x"}) == Path("/home/x/.local/share/compline/models")
