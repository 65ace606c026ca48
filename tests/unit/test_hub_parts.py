"""Small parts of the hub, each alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from compline_hub.errors import BrokerFailed, HubNotReady
from compline_hub.link.broker import ChildBroker
from compline_hub.link.broker_files import Listener, mosquitto_files, nats_files, write_files
from compline_hub.logs import close_logs, configure_logs
from compline_hub.phrases import load_phrases, load_sentences
from compline_hub.service.news import News
from compline_hub.store.key_files import KeyFiles
from compline_shared.ids import HandsetId
from compline_shared.p256 import point_of
from compline_shared.topics import down, up
from tests.homes import HubKeys
from tests.running_hub import free_port

HANDSET = HandsetId("a" * 16)
TLS = HubKeys().tls
LISTENER = Listener("127.0.0.1", 8461, Path("/srv/broker"), user="hub")


async def test_news_when_rung_from_a_thread_then_all_that_wait_wake() -> None:
    news = News()
    news.open()
    waiting = [asyncio.create_task(news.wait(seconds=10)) for _ in range(3)]
    await asyncio.sleep(0)

    await asyncio.to_thread(news.ring)

    assert await asyncio.gather(*waiting) == [True, True, True]


async def test_news_when_nothing_comes_then_the_wait_ends_silent() -> None:
    assert not await News().wait(seconds=0.01)


async def test_news_when_closed_then_every_later_wait_returns_at_once() -> None:
    news = News()

    news.close()

    assert await news.wait(seconds=10)
    assert news.closed


async def test_news_when_no_loop_is_open_then_ringing_wakes_nobody() -> None:
    news = News()

    news.ring()

    assert not await news.wait(seconds=0.01)


def test_keys_when_made_twice_then_they_stay_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    first = KeyFiles(tmp_path / "keys").make()

    again = KeyFiles(tmp_path / "keys").make()

    assert again.fingerprint == first.fingerprint
    assert [point_of(key) for key in (again.ca, again.tls)] == [
        point_of(key) for key in (first.ca, first.tls)
    ]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.unlink(), "compline-hub init"),
        (lambda path: path.write_bytes(b"short"), "damaged"),
        (lambda path: path.chmod(0o644), "Others may read"),
    ],
)
def test_keys_when_one_is_unfit_then_the_error_says_what_to_do(
    tmp_path: Path, damage: Callable[[Path], object], sentence: str
) -> None:
    KeyFiles(tmp_path).make()
    damage(tmp_path / "signing.key")

    with pytest.raises(HubNotReady, match=sentence):
        KeyFiles(tmp_path).load()


def test_nats_files_when_made_then_a_handset_has_its_two_subjects_only() -> None:
    text = nats_files(LISTENER, [HANDSET], TLS)["nats.conf"]

    (line,) = [line for line in text.splitlines() if HANDSET in line and "user:" in line]
    assert f'publish: ["compline.1.{HANDSET}.up"]' in line
    assert f'subscribe: ["compline.1.{HANDSET}.down"]' in line
    assert "allowed_connection_types: [MQTT]" in line


def test_mosquitto_files_when_made_then_a_handset_has_its_two_topics_only() -> None:
    files = mosquitto_files(LISTENER, [HANDSET], TLS)

    assert (
        f"user {HANDSET}\ntopic write {up(HANDSET)}\ntopic read {down(HANDSET)}\n" in files["mosquitto.acl"]
    )
    assert files["mosquitto.acl"].count("topic") == 4
    assert "use_username_as_clientid true" in files["mosquitto.conf"]


def test_write_files_when_nothing_changed_then_it_says_so_and_keeps_them_private(tmp_path: Path) -> None:
    first = write_files(tmp_path, {"a.conf": "x"})

    again = write_files(tmp_path, {"a.conf": "x"})

    assert (first, again) == (True, False)
    assert (tmp_path / "a.conf").stat().st_mode & 0o777 == 0o600


async def test_broker_when_its_program_is_missing_then_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline_hub.link.broker.shutil.which", lambda *_args, **_kw: None)
    broker = ChildBroker("mosquitto", Listener("127.0.0.1", free_port(), tmp_path), lambda: TLS)

    with pytest.raises(BrokerFailed, match="mosquitto is not installed"):
        await broker.start([])


async def test_broker_when_it_ends_at_once_then_the_error_points_to_its_log(tmp_path: Path) -> None:
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "jetstream").write_text("a file where the broker wants a folder", encoding="utf-8")
    broker = ChildBroker("nats", Listener("127.0.0.1", free_port(), tmp_path), lambda: TLS)

    with pytest.raises(BrokerFailed, match=r"broker\.log"):
        await broker.start([])


def test_phrases_when_a_file_is_broken_then_the_sound_lines_are_used(tmp_path: Path) -> None:
    (tmp_path / "good.lex").write_text(
        "@pack a\n@version 1\n@language zh-CN\n@category threat\n"
        "2001 | serious | 我就去你单位 | not: - | 去单位找领导 | goes to the workplace\n2002 | nonsense\n",
        encoding="utf-8",
    )
    (tmp_path / "bad.lex").write_bytes(b"\xff\xff")

    assert load_phrases(str(tmp_path)) == {2001: ("去单位找领导", "goes to the workplace")}


@pytest.mark.parametrize(("english", "kept"), [("7", {}), ("8", {7, 8})])
def test_sentences_when_two_packs_use_a_number_otherwise_then_it_is_nobodys_and_logged(
    tmp_path: Path, english: str, kept: set[int]
) -> None:
    pack = (
        "@pack a\n@version 1\n@language {}\n\n{} | threat | serious | {} | threatens\n    when: any(打断腿)\n"
    )
    for language, number, words in (("zh-CN", "7", "威胁。"), ("en", english, "恐吓。")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "own.rules").write_text(
            pack.format(language, number, words) + "    + collector 0-3 打断腿\n    - collector 0-3 你好\n",
            encoding="utf-8",
        )

    with structlog.testing.capture_logs() as logged:
        sentences = load_sentences(str(tmp_path))

    assert set(sentences) == set(kept)
    assert [(event["event"], event["number"]) for event in logged] == ([] if kept else [("packs_clash", 7)])


def test_phrases_when_no_folder_is_set_then_the_shipped_ones() -> None:
    assert len(load_phrases("")) > 500


def test_phrases_when_the_folder_is_empty_then_there_are_none(tmp_path: Path) -> None:
    assert load_phrases(str(tmp_path)) == {}


def test_logs_when_an_event_is_logged_then_it_is_one_json_line_in_a_private_file(tmp_path: Path) -> None:
    logger = configure_logs(tmp_path, level="info")
    structlog.get_logger("compline_hub.test").info("batch_taken", handset=HANDSET, new=3)
    close_logs(logger)

    path = tmp_path / "hub.jsonl"
    (line,) = path.read_text(encoding="utf-8").splitlines()
    event = json.loads(line)
    assert (event["event"], event["handset"], event["new"], event["level"]) == (
        "batch_taken",
        HANDSET,
        3,
        "info",
    )
    assert path.stat().st_mode & 0o777 == 0o600
