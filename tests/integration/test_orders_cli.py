"""Orders, operators and approvals as a person types them, on the hub's machine and on another one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from compline_hub.app import open_hub
from compline_hub.cli import app
from compline_hub.core.orders import Reason
from compline_hub.core.sentences import english
from compline_hub.settings import HubSettings
from compline_hub.terminal import console
from tests.simulated_handset import SimulatedHandset

PASSPHRASE = "correct horse battery"


class Place:
    """A folder in which the commands run, with an initialised hub and one handset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = HubSettings(data_dir=str(folder / "data"))
        self.environment = {"COMPLINE_HUB_DATA_DIR": self.settings.data_dir}
        (folder / "pass").write_text(f"{PASSPHRASE}\n")
        self.run("init")

    def run(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner(env=self.environment).invoke(app, arguments, input=typed)

    def good(self, *arguments: str, typed: str = "") -> str:
        done = self.run(*arguments, typed=typed)
        assert done.exit_code == 0, done.output
        return " ".join(done.stdout.split())

    def enrol(self, name: str = "七号工位") -> SimulatedHandset:
        handset = SimulatedHandset()
        with open_hub(self.settings) as hub:
            handset.join(hub.enrolment.enrol(handset.request, name=name, collector=handset.id))
        return handset

    def operators(self, *names: str) -> None:
        for name in names:
            self.good("operator", "new", name, "--out", name, "--passphrase-file", "pass")
            self.good("operator", "add", f"{name}.pub")

    def command(self) -> str:
        """Id of the newest order."""
        with open_hub(self.settings) as hub:
            (order,) = hub.reading.orders(None, limit=1)
        return order.id.hex()[:12]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        console, "width", 220
    )  # made when it was imported, whatever the commands' environment says
    return Place(tmp_path)


def test_unbind_when_typed_while_no_hub_runs_then_it_is_ordered_and_listed(place: Place) -> None:
    place.enrol()

    told = place.good("unbind", "七号工位")

    assert "freezes as soon as it hears" in told
    listed = place.good("commands", "七号工位")
    assert "freeze" in listed
    assert "ordered, not yet sent" in listed


def test_name_when_it_holds_brackets_then_it_is_shown_as_it_is(place: Place) -> None:
    place.enrol("Desk [red]7[/]")

    assert "Desk [red]7[/] is being unbound" in place.good("unbind", "Desk [red]7[/]")
    assert "Desk [red]7[/]" in place.good("commands")


def test_unbind_when_waited_for_in_vain_then_it_says_so_and_the_order_stands(place: Place) -> None:
    place.enrol()

    done = place.run("unbind", "七号工位", "--wait", "--wait-seconds", "1")

    assert done.exit_code == 2
    assert "not yet sent" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rebind", "七号工位"], english(Reason.ALREADY_BOUND)),
        (["unbind", "八号工位"], "No handset goes by that name"),
        (["wipe", "七号工位", "--yes"], english(Reason.NO_OPERATORS)),
        (
            ["policy", "strict", "abuse", "--review", "95", "--whisper", "95", "--alarm", "95"],
            "review is 30 to 90",
        ),
        (["policy", "strict", "abuse", "--review", "60", "--whisper", "50", "--alarm", "95"], "none below"),
        (
            ["policy", "strict", "anger", "--review", "60", "--whisper", "80", "--alarm", "95"],
            "categories with points",
        ),
        (["approve", "abcdef", "--out", "r"], "0 pending orders"),
        (["approve", "--request", "none", "--key", "k", "--out", "o"], "none cannot be read"),
        (["approve", "--approval", "pass"], "pass is no approval"),
        (["operator", "add", "none.pub"], "none.pub cannot be read"),
        (["operator", "remove", "nobody"], "operator list"),
        (["operator", "new", "Lin", "--out", "pass", "--passphrase-file", "pass"], "is there already"),
        (["operator", "new", "Lin", "--out", "lin", "--passphrase-file", "none"], "none cannot be read"),
    ],
)
def test_command_when_it_cannot_be_done_then_one_sentence_says_what_to_do(
    place: Place, arguments: list[str], sentence: str
) -> None:
    place.enrol()

    done = place.run(*arguments)

    assert done.exit_code == 1, done.output
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["policy", "set", "--warn", "soon"],
        ["policy", "set", "--warn", "72h", "--freeze", "24h"],
        ["policy", "strict", "abuse", "--review", "60"],
        ["policy", "strict", "rudeness", "--review", "60", "--whisper", "80", "--alarm", "95"],
        ["policy", "silence", "record_deletion", "--yes"],
        ["policy", "reset"],
        ["policy", "reset", "abuse", "--all"],
        ["approve"],
        ["approve", "abcdef"],
        ["approve", "--request", "r", "--approval", "a"],
    ],
)
def test_command_when_it_is_mistyped_then_it_is_told_how(place: Place, arguments: list[str]) -> None:
    assert place.run(*arguments).exit_code == 2


def test_policy_when_set_then_it_is_shown_and_ordered_for_all(place: Place) -> None:
    place.enrol()

    told = place.good("policy", "set", "--warn", "12h", "--freeze", "2d", "--destroy", "20d")

    assert "Ordered for 1 handsets" in told
    assert place.good("policy", "show") == (
        "warn 12h, freeze 48h, destroy 20d every category: as the model's calibration says"
    )


def test_policy_when_categories_are_set_then_shown_audited_and_taken_back_one_or_all(place: Place) -> None:
    place.enrol()

    told = place.good("policy", "strict", "abuse", "--review", "60", "--whisper", "80", "--alarm", "95")
    silenced = place.good("policy", "silence", "manner", typed="manner\n")
    shown = place.good("policy", "show")
    place.good("policy", "reset", "abuse")
    one = place.good("policy", "show")
    place.good("policy", "reset", "--all")

    assert "Ordered for 1 handsets" in told
    assert "nothing of manner is told by any phone" in silenced
    assert shown == (
        "warn 24h, freeze 72h, destroy 30d abuse: review from 60, whisper from 80, alarm from 95 % "
        "manner: silenced, nothing of it is told every other category: as the model's calibration says"
    )
    assert "abuse" not in one
    assert "every category: as" in place.good("policy", "show")
    entries = place.good("audit", "list")
    assert all(
        word in entries for word in ("strictness_set", "abuse 60/80/95", "silenced", "strictness_reset")
    )


def test_policy_when_lease_times_change_then_categories_stay_as_they_are(place: Place) -> None:
    place.good("policy", "strict", "abuse", "--review", "60", "--whisper", "80", "--alarm", "95")

    place.good("policy", "set", "--warn", "12h")

    assert "warn 12h" in place.good("policy", "show")
    assert "abuse: review from 60" in place.good("policy", "show")


def test_policy_when_a_category_is_set_as_it_is_then_nothing_is_ordered(place: Place) -> None:
    place.enrol()

    assert "no handset is to be told" in place.good("policy", "reset", "--all")
    assert "Nothing was ordered" in place.good("commands")


def test_policy_when_the_category_to_silence_is_mistyped_then_nothing_changes(place: Place) -> None:
    done = place.run("policy", "silence", "abuse", typed="manner\n")

    assert done.exit_code == 1
    assert "nothing was changed" in done.stderr
    assert "every category" in place.good("policy", "show")


def test_policy_when_asked_for_help_then_it_teaches_points_silence_and_their_undoing(place: Place) -> None:
    told = place.good("policy", "--help")

    assert all(
        word in told
        for word in (
            "review queue",
            "whispered",
            "policy reset abuse",
            "silence manner",
            "30 to 90",
            "page and phones",
        )
    )


def test_wipe_when_the_name_is_mistyped_then_nothing_is_ordered(place: Place) -> None:
    place.operators("Lin", "Zhao")
    place.enrol()

    done = place.run("wipe", "七号工位", typed="七号\n")

    assert done.exit_code == 1
    assert "destroys every recording" in done.stdout
    assert "Nothing was ordered" in place.good("commands")


def test_remove_when_the_name_is_typed_then_the_handset_is_gone_and_it_is_in_the_audit(place: Place) -> None:
    place.enrol()

    mistyped = place.run("remove", "七号工位", typed="七号\n")
    before = place.good("status")
    told = place.good("remove", "七号工位", typed="七号工位\n")

    assert mistyped.exit_code == 1
    assert "七号工位" in before
    assert "let in no more" in told
    assert "No handset has joined" in place.good("status")
    assert "removed" in place.good("audit", "list")
    assert "No handset goes by that name" in place.run("unbind", "七号工位").stderr


def test_wipe_when_others_worked_with_the_handset_then_it_says_whose_data_goes_and_whose_stays(
    place: Place,
) -> None:
    place.operators("Lin", "Zhao")
    handset = place.enrol()
    with open_hub(place.settings) as hub:
        hub.enrolment.enrol(handset.request, name="七号工位", collector="王芳")

    present = place.good("wipe", "七号工位", "--yes")
    former = place.good("wipe", "七号工位", "--yes", "--collector", handset.id)
    approved = place.good("approve", place.command(), "--key", "Lin", "--passphrase-file", "pass")

    assert "text of 王芳 on it" in present
    assert f"The vault of {handset.id} stays" in present
    assert f"text of {handset.id} on it" in former
    assert "The vault of 王芳 stays" in former
    assert f"WIPE handset 七号工位, of {handset.id}" in approved


def test_wipe_when_approved_here_and_on_another_machine_then_it_may_be_sent(place: Place) -> None:
    place.operators("Lin", "Zhao")
    place.enrol()
    place.good("wipe", "七号工位", typed="七号工位\n")
    command = place.command()

    here = place.good("approve", command, "--key", "Lin", "--passphrase-file", "pass")
    place.good("approve", command, "--out", "request")
    place.environment["COMPLINE_HUB_DATA_DIR"] = str(place.folder / "elsewhere")
    there = place.good(
        "approve", "--request", "request", "--key", "Zhao", "--out", "approval", "--passphrase-file", "pass"
    )
    place.environment["COMPLINE_HUB_DATA_DIR"] = place.settings.data_dir
    back = place.good("approve", "--approval", "approval")

    assert "waits for approvals: 1 of 2" in here
    assert "WIPE handset 七号工位" in there
    assert not (place.folder / "elsewhere").exists()
    assert "ordered, not yet sent" in back


def test_approve_when_the_passphrase_is_wrong_then_the_key_stays_shut(place: Place) -> None:
    place.operators("Lin", "Zhao")
    place.enrol()
    place.good("wipe", "七号工位", "--yes")

    done = place.run("approve", place.command(), "--key", "Lin", typed="not the passphrase\n")

    assert done.exit_code == 1
    assert "passphrase does not open" in done.stderr


def test_operator_key_when_made_then_only_its_owner_reads_it_and_the_private_half_stands_nowhere(
    place: Place,
) -> None:
    place.operators("Lin")

    held = json.loads((place.folder / "Lin").read_text())
    assert (place.folder / "Lin").stat().st_mode & 0o777 == 0o600
    assert set(held) == {"type", "name", "sealed"}
    assert "Lin" in place.good("operator", "list")


def test_operators_when_a_third_comes_then_each_handset_asks_the_present_two(place: Place) -> None:
    place.operators("Lin", "Zhao")
    place.enrol()
    place.good("operator", "new", "Qian", "--out", "Qian", "--passphrase-file", "pass")

    told = place.good("operator", "add", "Qian.pub")
    command = place.command()
    for name in ("Lin", "Zhao"):
        approved = place.good("approve", command, "--key", name, "--passphrase-file", "pass")

    assert "asks its present operators first" in told
    assert "OPERATORS of handset 七号工位" in approved


def test_help_when_asked_then_the_life_of_a_handset_stands_there(place: Place) -> None:
    told = place.good("--help")

    assert all(word in told for word in ("unbind", "rebind", "wipe", "approve", "commands", "policy"))


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_readme_when_it_names_a_command_then_there_is_one(place: Place, page: str) -> None:
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    commands = sorted(set(re.findall(r"bin/compline-hub ([a-z]+(?: (?:new|set))?)", text)))

    assert {"unbind", "rebind", "wipe", "operator new", "policy set", "backup"} <= set(commands)
    assert [name for name in commands if place.run(*name.split(), "--help").exit_code != 0] == []
