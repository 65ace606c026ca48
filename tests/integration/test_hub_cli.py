"""The hub's commands as a person types them."""

from __future__ import annotations

import dataclasses
import io
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from compline_hub.cli import app
from compline_hub.code_shown import NotPaired, show
from compline_hub.core.offer import OfferState
from compline_hub.office import only_one, open_hub
from compline_hub.settings import HubSettings, load_settings
from compline_shared.pairing_code import Invitation, read_code, read_invitation
from tests.pairing_hub import handset, joined, listening
from tests.running_hub import free_port


class Place:
    """A folder in which the commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "COMPLINE_HUB_DATA_DIR": str(folder / "data"),
            "COLUMNS": "200",
            "TERMINAL_WIDTH": "200",
        }

    def run(self, *arguments: str) -> Result:
        return CliRunner(env=self.environment).invoke(app, arguments)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def test_pair_when_the_hub_does_not_run_then_it_says_to_start_it(place: Place) -> None:
    place.run("init")

    done = place.run("pair", "--name", "七号工位", "--collector", "李伟")

    assert done.exit_code == 1
    assert "compline-hub serve" in done.stderr


@pytest.fixture
def served(place: Place) -> Iterator[Place]:
    """The commands beside a hub that runs, or so they must think."""
    place.environment["COMPLINE_HUB_PAIRING_PORT"] = str(free_port())
    place.run("init")
    settings = load_settings(None, place.environment)
    with only_one(settings.data), open_hub(settings) as hub, listening(hub):
        yield place


def test_pair_when_asked_once_then_code_and_uri_are_printed_and_it_joins(served: Place) -> None:
    done = served.run("pair", "--name", "七号工位", "--collector", "李伟", "--once")

    (_, code), (_, uri) = (line.split() for line in done.stdout.splitlines())
    assert done.exit_code == 0
    assert read_invitation(uri).code == read_code(code)
    joined(handset(served.folder), read_invitation(uri))
    assert "七号工位" in served.run("status").stdout


def test_pair_when_a_handset_joins_then_it_says_so_and_ends(served: Place) -> None:
    codes: queue.Queue[Invitation] = queue.Queue()
    phone = threading.Thread(target=lambda: joined(handset(served.folder), codes.get(timeout=20)))
    phone.start()
    settings = load_settings(None, served.environment)
    with open_hub(settings) as hub:
        given = hub.pairing.offer(handset_name="七号工位", collector_name="李伟")
        codes.put(given.invitation)
        console = Console(file=io.StringIO(), force_terminal=True, width=120)

        show(given, hub.pairing, console)

    phone.join()
    assert isinstance(console.file, io.StringIO)
    printed = console.file.getvalue()
    assert given.invitation.code.text in printed
    assert "3 tries left" in printed
    assert printed.rstrip().endswith("joined; 李伟 works with it.")


@pytest.mark.parametrize(
    ("end", "sentence"),
    [("withdraw", "called off"), ("expire", "five minutes are over"), ("spend", "three times")],
)
def test_pair_when_no_handset_joins_then_it_says_why(served: Place, end: str, sentence: str) -> None:
    with open_hub(load_settings(None, served.environment)) as hub:
        given = hub.pairing.offer(handset_name="七号工位", collector_name="李伟")
        with hub.store.transaction() as ledger:
            offer = ledger.offers.offer(given.offer)
            assert offer is not None
            ended = {
                "withdraw": offer.withdrawn(),
                "expire": dataclasses.replace(offer, expires=offer.made),
                "spend": dataclasses.replace(offer, tries_left=1).tried_wrong(),
            }
            ledger.offers.put(ended[end])

        with pytest.raises(NotPaired, match=sentence):
            show(given, hub.pairing, Console(file=io.StringIO()))


def test_pair_when_a_name_holds_brackets_then_it_is_shown_as_it_is(served: Place) -> None:
    with open_hub(load_settings(None, served.environment)) as hub:
        given = hub.pairing.offer(handset_name="Desk [red]7[/]", collector_name="Li [Wei]")
        with hub.store.transaction() as ledger:
            offer = ledger.offers.offer(given.offer)
            assert offer is not None
            ledger.offers.put(offer.joined())
        screen = io.StringIO()

        show(given, hub.pairing, Console(file=screen, width=200))

    assert "Desk [red]7[/] joined; Li [Wei] works with it." in screen.getvalue()


def test_pair_when_interrupted_then_the_code_is_called_off(
    served: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_hub(load_settings(None, served.environment)) as hub:
        given = hub.pairing.offer(handset_name="七号工位", collector_name="李伟")
        monkeypatch.setattr("compline_hub.code_shown.time.sleep", _interrupt)

        with pytest.raises(NotPaired, match="called off"):
            show(given, hub.pairing, Console(file=io.StringIO()))

        outcome = hub.pairing.outcome(given.offer)
        assert outcome is not None
        assert outcome.state is OfferState.WITHDRAWN


def _interrupt(_seconds: float) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["status"], "run `compline-hub init` first"),
        (["pair", "--name", "x", "--collector", "y"], "run `compline-hub init` first"),
        (["serve", "--config", "none.toml"], "no settings file none.toml"),
    ],
)
def test_command_when_something_is_missing_then_one_sentence_says_what_to_do(
    place: Place, arguments: list[str], sentence: str
) -> None:
    done = place.run(*arguments)

    assert done.exit_code == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["Desk\x1b[2J", "Desk\n7", "Desk\u202e7"], ids=["escape", "line-end", "right-to-left"]
)
def test_pair_when_a_name_has_unseen_characters_then_it_is_refused_and_not_echoed(
    served: Place, name: str
) -> None:
    done = served.run("pair", "--name", name, "--collector", "Li Wei", "--once")
    assert done.exit_code == 1
    assert "printable characters" in done.output
    assert name not in done.output


@pytest.mark.parametrize("command", ["init", "serve", "status"])
def test_command_when_the_data_folder_cannot_be_used_then_one_sentence_names_it(
    place: Place, command: str
) -> None:
    (place.folder / "file").touch()
    place.environment["COMPLINE_HUB_DATA_DIR"] = str(place.folder / "file" / "data")

    done = place.run(command)

    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (1, True)
    assert done.stderr.startswith(f"Error: {place.folder}/file/data")
    assert len(done.stderr.splitlines()) == 1


def test_init_when_run_twice_then_the_fingerprint_stays(place: Place) -> None:
    first = place.run("init")

    again = place.run("init")

    assert (first.exit_code, again.stdout) == (0, first.stdout)
    assert {path.stat().st_mode & 0o777 for path in (place.folder / "data" / "keys").iterdir()} == {0o600}


def test_help_when_asked_then_it_teaches_the_first_steps(place: Place) -> None:
    done = place.run("--help")

    assert done.exit_code == 0
    assert all(
        step in done.stdout
        for step in ("compline-hub init", "compline-hub serve", "compline-hub pair", "127.0.0.1")
    )


def test_help_when_asked_then_it_names_every_setting(place: Place) -> None:
    told = place.run("--help").stdout

    assert [name for name in HubSettings.__struct_fields__ if name not in told] == []


def test_version_when_asked_then_it_is_told(place: Place) -> None:
    assert place.run("--version").stdout == "compline-hub 0.1.0\n"
