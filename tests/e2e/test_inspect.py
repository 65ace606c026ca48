"""`compline-edge inspect` as a person runs it: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge_program import (
    FEATURES,
    MODELS,
    PATIENCE,
    SAMPLE_DAY,
    Inspected,
    edge,
    environment,
    inspect,
    program,
)

CALL = SAMPLE_DAY / "calls/Sounds/CallRecord/郑凯@15400001903_20261120113620.wav"
ABUSE = "你这个老赖，你去死吧"
GREETING = "您好，请问您什么时候方便"
NO_NETWORK = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("network was used", file=sys.stderr)
        sys.exit(99)
sys.addaudithook(refuse)
"""


def archived(number: int, content: str) -> str:
    message = {
        "msgid": f"m{number}",
        "action": "send",
        "from": "collector01",
        "tolist": ["wmContact01"],
        "roomid": "",
        "msgtime": 1_795_100_000_000 + 1_000 * number,
        "msgtype": "text",
        "text": {"content": content},
    }
    return json.dumps(message, ensure_ascii=False) + "\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("inspect")
    day = place / "day"
    (day / "b").mkdir(parents=True)
    shutil.copyfile(CALL, day / "b" / "call.wav")
    (day / "a.jsonl").write_text(archived(1, GREETING) + archived(2, ABUSE), encoding="utf-8")
    (day / "c.txt").write_text(f"{GREETING}\n\n{ABUSE}\n", encoding="utf-8")
    (day / "picture.png").write_bytes(b"\x89PNG")
    (day / ".hidden.txt").write_text(ABUSE, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def plain(place: Path) -> Inspected:
    return inspect(place / "day", home=place / "home")


@pytest.fixture(scope="module")
def spoken(place: Path) -> Inspected:
    return inspect("--show-text", place / "day", home=place / "home-text")


def test_inspect_when_a_folder_is_named_then_its_files_come_in_sorted_order_line_by_line(
    plain: Inspected, place: Path
) -> None:
    assert [(row["path"], row["line"]) for row in plain.rows] == [
        (str(place / "day/a.jsonl"), 1),
        (str(place / "day/a.jsonl"), 2),
        (str(place / "day/b/call.wav"), None),
        (str(place / "day/c.txt"), 1),
        (str(place / "day/c.txt"), 3),
    ]


def test_inspect_when_all_is_well_then_each_row_has_the_stable_fields_in_order(plain: Inspected) -> None:
    assert {(row["kind"], tuple(row)) for row in plain.rows} == {
        ("chat", FEATURES),
        ("call", (*FEATURES, "quality")),
    }


def test_inspect_when_a_call_is_heard_then_its_quality_is_told(plain: Inspected) -> None:
    (row,) = [row for row in plain.rows if row["kind"] == "call"]
    assert tuple(row["quality"]) == ("snr_db", "clipped", "band_hz", "lost")


def test_inspect_when_text_is_asked_for_then_it_follows_the_findings(spoken: Inspected) -> None:
    assert {(row["kind"], tuple(row)) for row in spoken.rows} == {
        ("chat", (*FEATURES, "text")),
        ("call", (*FEATURES, "text", "quality")),
    }


def test_inspect_when_something_is_found_then_a_finding_has_the_stable_fields_in_order(
    plain: Inspected,
) -> None:
    found = [finding for row in plain.rows for finding in row["findings"]]
    assert {tuple(finding) for finding in found} == {
        ("category", "severity", "confidence", "offset_s", "rule", "term")
    }


def test_inspect_when_judged_then_kind_coverage_and_confidence_keep_their_bounds(plain: Inspected) -> None:
    assert [row["kind"] for row in plain.rows] == ["chat", "chat", "call", "chat", "chat"]
    assert {row["coverage"] for row in plain.rows} == {1.0}
    sure = [finding["confidence"] for row in plain.rows for finding in row["findings"]]
    assert all(isinstance(confidence, int) and 0 < confidence <= 100 for confidence in sure)


def test_inspect_when_an_insult_is_written_then_it_is_abuse_and_the_greeting_is_clean(
    plain: Inspected,
) -> None:
    assert [
        [f["category"] for f in row["findings"]][:1] for row in (*plain.of("a.jsonl"), *plain.of("c.txt"))
    ] == [
        [],
        ["abuse"],
        [],
        ["abuse"],
    ]


def test_inspect_when_a_rule_of_the_shipped_pack_holds_in_a_chat_then_it_stands_at_the_message_that_ends_it(
    tmp_path: Path,
) -> None:
    asked = json.loads(archived(1, "你们不要再给我打电话了")) | {
        "from": "wmContact01",
        "tolist": ["collector01"],
    }
    lines = [
        json.dumps(asked, ensure_ascii=False) + "\n",
        archived(2, "那你先把欠款处理了"),
        archived(3, "好"),
    ]
    (tmp_path / "chat.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "control.jsonl").write_text("".join(lines[1:]), encoding="utf-8")

    chat, control = (
        inspect(tmp_path / name, home=tmp_path / "home") for name in ("chat.jsonl", "control.jsonl")
    )

    assert {tuple(row) for row in chat.rows} == {FEATURES}
    assert [[f["rule"] for f in row["findings"]] for row in chat.rows] == [[], [103], []]
    assert [[f["rule"] for f in row["findings"]] for row in control.rows] == [[], []]


def test_inspect_when_a_call_asks_for_a_private_account_then_that_is_found_where_it_is_said(
    plain: Inspected,
) -> None:
    (row,) = plain.of("call.wav")
    offsets = [f["offset_s"] for f in row["findings"] if f["category"] == "improper_payment"]
    assert offsets
    assert all(0 < offset < row["duration_s"] for offset in offsets)
    assert row["duration_s"] == pytest.approx(44.23, abs=0.1)


def test_inspect_when_text_stays_hidden_then_terms_are_entry_ids_and_no_word_is_printed(
    plain: Inspected,
) -> None:
    terms = [f["term"] for row in plain.rows for f in row["findings"] if f["term"] is not None]
    assert all(isinstance(term, int) for term in terms)
    assert not re.search("[一-鿿]", json.dumps(plain.rows, ensure_ascii=False))


def test_inspect_when_text_is_shown_then_terms_are_phrases_and_messages_stand_as_written(
    spoken: Inspected,
) -> None:
    terms = [f["term"] for row in spoken.rows for f in row["findings"] if f["term"] is not None]
    assert all(re.search("[一-鿿]", term) for term in terms)
    assert [row["text"] for row in spoken.of("c.txt")] == [GREETING, ABUSE]
    assert spoken.of("call.wav")[0]["text"].startswith("[0.")


def test_inspect_when_there_are_findings_and_no_failure_then_it_exits_0(plain: Inspected) -> None:
    assert plain.code == 0


def test_inspect_when_files_of_other_kinds_lie_there_then_one_line_says_how_many(plain: Inspected) -> None:
    assert [line for line in plain.sentences if "Left alone" not in line] == []
    assert "2 files" in plain.sentences[0]


def test_inspect_when_run_twice_then_it_says_the_same(plain: Inspected, spoken: Inspected) -> None:
    assert [(len(row["findings"]), row["duration_s"]) for row in plain.rows] == [
        (len(row["findings"]), row["duration_s"]) for row in spoken.rows
    ]


@pytest.mark.usefixtures("plain")
def test_inspect_when_home_was_empty_then_it_still_is(place: Path) -> None:
    assert list((place / "home").iterdir()) == []


def without_network(tail: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    home.mkdir()
    return subprocess.run(
        [sys.executable, "-c", NO_NETWORK + tail, *arguments],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_inspect_when_the_network_is_refused_then_it_works(place: Path, tmp_path: Path) -> None:
    command = "from compline_edge.cli import app; app()"
    done = without_network(command, "inspect", str(place / "day" / "c.txt"), home=tmp_path / "home")
    assert (done.returncode, done.stderr) == (0, "")
    assert "abuse" in done.stdout


def test_inspect_when_something_used_the_network_then_that_check_would_tell(tmp_path: Path) -> None:
    reach = "import socket; socket.create_connection(('127.0.0.1', 9), timeout=1)"
    done = without_network(reach, home=tmp_path / "home")
    assert done.returncode == 99


def test_inspect_when_it_prints_a_table_then_codes_stand_whole_in_80_columns_and_no_word_said(
    place: Path, tmp_path: Path
) -> None:
    done = edge("inspect", place / "day", home=tmp_path / "home", COLUMNS="80")
    assert done.returncode == 0
    assert {"abuse", "improper_payment", "serious"} <= set(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "5 inspected, 3 with findings, 0 not judged in full, 0 with an error" in done.stdout
    assert not re.search("[一-鿿]", done.stdout)


def test_inspect_when_text_is_shown_in_a_table_then_brackets_in_it_are_no_markup(tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text(f"[/b] {ABUSE} [bold]\n", encoding="utf-8")
    done = edge("inspect", "--show-text", tmp_path / "chat.txt", home=tmp_path / "home")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"[/b] {ABUSE} [bold]" in done.stdout


def test_inspect_when_only_stderr_is_a_terminal_then_progress_goes_there_and_rows_into_the_file(
    place: Path, tmp_path: Path
) -> None:
    terminal, side = pty.openpty()
    (tmp_path / "home").mkdir()
    with (tmp_path / "out.jsonl").open("wb") as out:
        running = subprocess.Popen(
            [program("compline-edge"), "inspect", "--format", "jsonl", str(place / "day")],
            cwd=tmp_path,
            env=environment(tmp_path / "home", TERM="xterm"),
            stdout=out,
            stderr=side,
            stdin=side,
        )
        os.close(side)
        shown = drain(terminal)
        assert running.wait(PATIENCE) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(rows) == 5
    assert "call.wav" in shown
    assert '"path"' not in shown


def drain(terminal: int) -> str:
    """All that is written to the terminal until nobody holds it any more."""
    shown = b""
    try:
        while piece := os.read(terminal, 65_536):
            shown += piece
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(terminal)
    return shown.decode(errors="replace")


def test_inspect_when_a_file_name_is_no_utf_8_then_it_is_judged_all_the_same(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\x1b[31m.txt")
    (tmp_path / name).write_text(ABUSE, encoding="utf-8")
    found = inspect(tmp_path / name, home=tmp_path / "home")
    assert found.code == 0
    assert found.rows[0]["path"].endswith("\ufffd\x1b[31m.txt")


def test_inspect_when_models_are_named_then_those_are_used(tmp_path: Path) -> None:
    lexicon = tmp_path / "models" / "lexicons" / "zh-CN" / "own.lex"
    lexicon.parent.mkdir(parents=True)
    lexicon.write_text(
        "@pack own\n@version 1\n@language zh-CN\n@category threat\n"
        "2001 | serious | 方便 | not: - | 方便 | convenient | text\n",
        encoding="utf-8",
    )
    for part in ("zh-ctc-telephone", "spotter"):
        (tmp_path / "models" / part).symlink_to(MODELS / part)
    (tmp_path / "chat.txt").write_text(GREETING, encoding="utf-8")
    found = inspect("--models", tmp_path / "models", tmp_path / "chat.txt", home=tmp_path / "home")
    assert found.code == 0
    assert [f["term"] for f in found.rows[0]["findings"]] == [2001]
