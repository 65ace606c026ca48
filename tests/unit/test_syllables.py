"""The inventory, readings and fuzzy classes of syllables."""

from __future__ import annotations

import numpy as np
import pytest

from compline_edge.core.syllables import (
    INDEX,
    SYLLABLES,
    fuzzy,
    fuzzy_class,
    primary_table,
    reading,
    readings,
    spell,
    token_matrix,
)


def _names(indices: tuple[int, ...]) -> set[str]:
    return {SYLLABLES[index] for index in indices}


def test_inventory_when_read_then_blank_is_first_and_the_rest_in_order() -> None:
    assert (SYLLABLES[0], len(SYLLABLES), list(SYLLABLES[1:])) == ("<blank>", 412, sorted(set(SYLLABLES[1:])))


def test_inventory_when_models_were_trained_then_it_has_not_moved() -> None:
    assert [INDEX[name] for name in ("a", "da", "ni", "shi", "zuo")] == [1, 57, 219, 299, 411]


def test_readings_when_character_has_several_then_the_usual_one_is_first() -> None:
    assert [SYLLABLES[index] for index in readings("行")] == ["xing", "hang", "heng"]


@pytest.mark.parametrize(("char", "syllable"), [("嗯", "en"), ("哼", "heng"), ("绿", "lv"), ("你", "ni")])
def test_reading_when_character_is_chinese_then_it_is_the_usual_one(char: str, syllable: str) -> None:
    assert SYLLABLES[reading(char)] == syllable


@pytest.mark.parametrize("char", ["a", "，", "カ", ""])
def test_reading_when_it_is_no_chinese_character_then_there_is_none(char: str) -> None:
    assert (readings(char), reading(char)) == ((), 0)


def test_token_matrix_when_tokens_are_mixed_then_each_reading_has_a_one() -> None:
    matrix = token_matrix(["<blank>", "<unk>", "行", "a"])
    assert (matrix.shape, matrix.sum(axis=1).tolist(), matrix[0, 0]) == ((4, 412), [1, 0, 3, 0], 1.0)


def test_primary_table_when_looked_up_then_it_agrees_with_reading() -> None:
    text = "还行重长都得调乐传率弹曾给单嗯呣"  # of the last the first readings are no syllables
    assert primary_table()[[ord(char) for char in text]].tolist() == [reading(char) for char in text]


@pytest.mark.parametrize(
    ("syllable", "others"),
    [
        ("si", {"shi"}),
        ("ni", {"li"}),
        ("fu", {"hu"}),
        ("zhang", {"zan", "zang", "zhan"}),
        ("huang", {"fan", "fang", "huan"}),
        ("wo", set()),
    ],
)
def test_fuzzy_when_asked_then_it_names_what_people_confuse(syllable: str, others: set[str]) -> None:
    assert _names(fuzzy(INDEX[syllable])) == others


def test_fuzzy_when_asked_of_all_then_it_is_mutual() -> None:
    pairs = {(one, other) for one in range(1, len(SYLLABLES)) for other in fuzzy(one)}
    assert pairs == {(other, one) for one, other in pairs}


def test_fuzzy_class_when_blank_then_it_has_none() -> None:
    assert (fuzzy_class(0), fuzzy(0)) == ("", ())


@pytest.mark.parametrize(
    ("letters", "syllables"),
    [("qunidanwei", ["qu", "ni", "dan", "wei"]), ("xian", ["xian"]), ("lvse", ["lv", "se"]), ("", [])],
)
def test_spelling_when_letters_are_pinyin_then_they_are_cut(letters: str, syllables: list[str]) -> None:
    found = spell(letters) or ()
    assert ([SYLLABLES[index] for index, _ in found], sum(size for _, size in found)) == (
        syllables,
        len(letters),
    )


@pytest.mark.parametrize("letters", ["tmd", "hello", "nim"])
def test_spelling_when_letters_are_no_pinyin_then_there_is_none(letters: str) -> None:
    assert spell(letters) is None


def test_token_matrix_when_there_are_no_tokens_then_it_is_empty() -> None:
    assert token_matrix([]).shape == (0, len(SYLLABLES))


def test_token_matrix_when_made_then_it_is_single_precision() -> None:
    assert token_matrix(["<blank>"]).dtype == np.float32
