"""Settings from a file's text and the environment."""

from __future__ import annotations

import pytest

from compline_edge.settings import PREFIX, EdgeSettings
from compline_shared.configuration import InvalidSettings, settings_from


def read(toml: str = "", **environment: str) -> EdgeSettings:
    return settings_from(
        EdgeSettings, toml=toml, source="own.toml", table="edge", environment=environment, prefix=PREFIX
    )


def test_settings_when_nothing_is_set_then_defaults() -> None:
    assert read() == EdgeSettings()


def test_settings_when_file_and_environment_differ_then_environment_wins() -> None:
    settings = read('[edge]\nlanguage = "en"\n', COMPLINE_EDGE_LANGUAGE="zh-CN")
    assert settings.language == "zh-CN"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("LIVE", "false", False), ("COLLECTOR_CHANNEL", "1", 1), ("RECORDINGS", '["a", "b"]', ("a", "b"))],
)
def test_settings_when_a_variable_is_typed_then_it_is_read_as_toml(
    name: str, text: str, value: object
) -> None:
    assert getattr(read(**{PREFIX + name: text}), name.lower()) == value


def test_settings_when_the_environment_is_anothers_then_it_is_ignored() -> None:
    assert read(COMPLINE_HUB_NAME="east", PATH="/bin") == EdgeSettings()


def test_settings_when_a_variable_is_misspelt_then_it_is_refused_beside_the_nearest() -> None:
    with pytest.raises(
        InvalidSettings, match=r"COMPLINE_EDGE_LANGAGE .* did you mean COMPLINE_EDGE_LANGUAGE\?"
    ):
        read(COMPLINE_EDGE_LANGAGE="en")


def test_settings_when_a_variable_is_like_no_setting_then_it_is_refused_beside_all() -> None:
    with pytest.raises(InvalidSettings, match=r"COMPLINE_EDGE_ZZZ .* COMPLINE_EDGE_CHATS, .*RECORDINGS"):
        read(COMPLINE_EDGE_ZZZ="1")


@pytest.mark.parametrize(
    "toml",
    [
        "[edge]\nlanguge = 'en'",
        "[edge]\ncollector_channel = 7",
        "edge = 3",
        "[edge",
        "[edge]\nlive = 'perhaps'",
    ],
)
def test_settings_when_the_file_is_wrong_then_one_sentence_names_it(toml: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^own\.toml.*(edge|TOML)"):
        read(toml)


@pytest.mark.parametrize(("text", "wrong"), [("left", "Expected `int`"), ("7", "<= 1")])
def test_settings_when_a_variable_does_not_fit_then_one_sentence_names_it_and_what_fits(
    text: str, wrong: str
) -> None:
    with pytest.raises(InvalidSettings, match=rf'COMPLINE_EDGE_COLLECTOR_CHANNEL is "{text}": .*{wrong}'):
        read(COMPLINE_EDGE_COLLECTOR_CHANNEL=text)
