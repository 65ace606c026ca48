"""The API gives out pairing codes, says how they stand, and answers nobody else's site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest

from compline_hub.web.schemas import GivenOut
from compline_shared.pairing_code import read_code, read_invitation
from tests.pairing_hub import handset, joined
from tests.running_hub import RunningHub, hub_settings, running_hub

NAMES = {"handset": "七号工位", "collector": "李伟"}


@dataclass(slots=True)
class Site:
    hub: RunningHub
    web: httpx.Client
    folder: Path

    def give(self, **names: str) -> GivenOut:
        answer = self.web.post("/api/offers", json=NAMES | names)
        assert answer.status_code == 201, answer.text
        return msgspec.json.decode(answer.content, type=GivenOut)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    with (
        running_hub(hub_settings(folder)) as hub,
        httpx.Client(base_url=hub.page, timeout=10) as web,
    ):
        yield Site(hub, web, folder)


def test_offer_when_given_then_code_and_uri_say_the_same_and_the_qr_is_drawn(site: Site) -> None:
    given = site.give()

    assert read_invitation(given.uri).code == read_code(given.code)
    assert read_invitation(given.uri).address == ("127.0.0.1", site.hub.settings.pairing_port)
    assert (given.seconds, given.tries) == (300, 3)
    assert given.qr_side > 20
    assert given.qr_path.startswith("M2 2h1v1h-1z")


def test_offer_when_asked_about_then_its_secret_is_not_told_again(site: Site) -> None:
    given = site.give()

    answer = site.web.get(f"/api/offers/{given.id}")

    assert answer.json()["state"] == "open"
    assert given.code not in answer.text
    assert given.code.replace("-", "") not in answer.text


def test_offer_when_a_handset_joins_then_the_page_can_say_so(site: Site) -> None:
    given = site.give(collector="王芳")

    joined(handset(site.folder, "phone"), read_invitation(given.uri))

    outcome = site.web.get(f"/api/offers/{given.id}").json()
    assert (outcome["state"], outcome["handset"], outcome["collector"]) == ("joined", "七号工位", "王芳")
    assert site.give(collector="王芳").holder == "七号工位"


def test_offer_when_called_off_then_it_is_over(site: Site) -> None:
    given = site.give()

    assert site.web.delete(f"/api/offers/{given.id}").status_code == 204

    assert site.web.get(f"/api/offers/{given.id}").json()["state"] == "withdrawn"


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"handset": "x"},
        {"handset": "", "collector": "y"},
        {"handset": "x" * 61, "collector": "y"},
        {"handset": "x", "collector": "y", "more": "z"},
        {"handset": 7, "collector": "y"},
    ],
)
def test_offer_when_the_names_are_nonsense_then_a_400(site: Site, names: dict[str, object]) -> None:
    assert site.web.post("/api/offers", json=names).status_code == 400


@pytest.mark.parametrize("name", ["   ", "a\nb"])
def test_offer_when_a_name_is_not_for_people_then_the_sentence_says_what_is(site: Site, name: str) -> None:
    answer = site.web.post("/api/offers", json=NAMES | {"handset": name})

    assert answer.status_code == 409
    assert "printable characters" in answer.json()["error"]


@pytest.mark.parametrize("path", ["0123456789abcdef", "short", "a/b"])
def test_offer_when_there_is_none_then_refused(site: Site, path: str) -> None:
    assert site.web.get(f"/api/offers/{path}").status_code in (400, 404)


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_offer_when_another_site_asks_then_none_is_given(site: Site, headers: dict[str, str]) -> None:
    answer = site.web.post("/api/offers", json=NAMES, headers=headers)

    assert answer.status_code in (403, 421)
    assert "code" not in answer.text
