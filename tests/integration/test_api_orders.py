"""The routes for orders: what they take, what they answer, and to whom they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compline_hub.core.orders import OrderState, Reason
from compline_hub.core.sentences import english
from compline_hub.service.desk import Desk
from compline_hub.service.news import News
from compline_hub.web.application import make_application
from tests.branch_store import Branch, branch
from tests.simulated_handset import SimulatedHandset

PORT = 8460


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Branch]:
    with branch(tmp_path) as made:
        yield made


@pytest.fixture
def keys(office: Branch) -> list[Ed25519PrivateKey]:
    return [office.operator("Lin"), office.operator("Zhao")]


@pytest.fixture
def handset(office: Branch, keys: list[Ed25519PrivateKey]) -> SimulatedHandset:
    return office.simulated("七号工位")


@pytest.fixture
async def web(office: Branch) -> AsyncIterator[httpx.AsyncClient]:
    desk = Desk(
        hub="hub",
        reading=office.hub.reading,
        phrases={},
        sentences={},
        news=News(),
        refused=office.intake.refused,
    )
    application = make_application(desk, office.hub.pairing, office.orders, port=PORT)
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"http://localhost:{PORT}") as client:
        yield client


async def test_freeze_when_posted_then_the_handset_freezes_and_the_list_says_done(
    web: httpx.AsyncClient, office: Branch, handset: SimulatedHandset
) -> None:
    answer = await web.post(f"/api/handsets/{handset.id}/freeze")
    office.meet(handset)
    listed = await web.get(f"/api/commands?handset={handset.id}")

    assert answer.status_code == 201
    assert (answer.json()["state"], answer.json()["by"]) == ("ordered", "page")
    assert [(order["kind"], order["state"]) for order in listed.json()["commands"]] == [("freeze", "done")]
    assert handset.readable is None


async def test_rebind_when_the_handset_is_bound_then_it_is_a_409_in_a_sentence_with_its_code(
    web: httpx.AsyncClient, handset: SimulatedHandset
) -> None:
    answer = await web.post(f"/api/handsets/{handset.id}/rebind")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_bound")
    assert answer.json()["error"] == english(Reason.ALREADY_BOUND)


async def test_wipe_when_the_name_is_typed_and_two_approve_then_it_is_sent(
    web: httpx.AsyncClient, office: Branch, handset: SimulatedHandset, keys: list[Ed25519PrivateKey]
) -> None:
    answer = await web.post(f"/api/handsets/{handset.id}/wipe", json={"name": "七号工位"})
    (order,) = office.hub.reading.orders(handset.id, limit=1)
    for key in keys:
        given = office.sign(order, key)
        body = {"operator": given.operator.hex(), "signature": given.signature.hex()}
        approved = await web.post(f"/api/commands/{answer.json()['id']}/approvals", json=body)
    office.meet(handset)

    assert answer.json()["approvals_needed"] == 2
    assert len(approved.json()["approved_by"]) == 2
    assert office.now_of(order).state is OrderState.DONE


async def test_wipe_when_another_name_is_typed_then_nothing_is_ordered(
    web: httpx.AsyncClient, office: Branch, handset: SimulatedHandset
) -> None:
    answer = await web.post(f"/api/handsets/{handset.id}/wipe", json={"name": "八号工位"})

    assert answer.status_code == 400
    assert list(office.hub.reading.orders(handset.id, limit=9)) == []


async def test_policy_when_posted_then_it_is_ordered_and_told(
    web: httpx.AsyncClient, handset: SimulatedHandset
) -> None:
    times = {"warn": 7_200, "freeze": 10_800, "destroy": 864_000}

    posted = await web.post("/api/policy", json=times)
    told = await web.get("/api/policy")

    assert [order["kind"] for order in posted.json()["commands"]] == ["policy"]
    assert {name: told.json()[name] for name in times} == times
    assert len(told.json()["operators"]) == 2


async def test_strictness_when_posted_then_it_is_ordered_told_and_taken_back(
    web: httpx.AsyncClient, office: Branch, handset: SimulatedHandset
) -> None:
    points = {"category": "abuse", "review": 60, "whisper": 80, "alarm": 95}

    set_ = await web.post("/api/policy/strictness", json=points)
    await web.post("/api/policy/silence", json={"category": "manner", "typed": "manner"})
    office.meet(handset)
    told = await web.get("/api/policy")
    taken_back = await web.post("/api/policy/reset", json={"category": None})
    after = await web.get("/api/policy")

    assert [order["kind"] for order in set_.json()["commands"]] == ["policy"]
    assert told.json()["strictness"] == [
        points | {"silenced": False},
        {"category": "manner", "silenced": True, "review": None, "whisper": None, "alarm": None},
    ]
    assert [str(each) for each in handset.life.terms.strictness] == ["abuse 60/80/95", "manner silenced"]
    assert len(taken_back.json()["commands"]) == 1
    assert after.json()["strictness"] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("handsets/aaaaaaaaaaaaaaaa/freeze", None, 404),
        ("handsets/nonsense/freeze", None, 400),
        ("handsets/aaaaaaaaaaaaaaaa/wipe", {"name": "x", "yes": True}, 400),
        (f"commands/{'a' * 32}/approvals", {"operator": "b" * 16, "signature": "c" * 128}, 404),
        (f"commands/{'a' * 32}/approvals", {"operator": "b", "signature": "c"}, 400),
        ("policy", {"warn": 7_200, "freeze": 3_600, "destroy": 864_000}, 400),
        ("policy", {"warn": "soon"}, 400),
        ("policy/strictness", {"category": "abuse", "review": 95, "whisper": 95, "alarm": 95}, 400),
        ("policy/strictness", {"category": "rude", "review": 60, "whisper": 80, "alarm": 95}, 400),
        ("policy/strictness", {"category": "abuse", "review": "strict", "whisper": 80, "alarm": 95}, 400),
        ("policy/silence", {"category": "abuse", "typed": "threat"}, 400),
        ("policy/silence", {"category": "record_deletion", "typed": "record_deletion"}, 400),
        ("policy/reset", {}, 400),
    ],
)
async def test_route_when_the_request_is_wrong_then_it_says_so_in_a_sentence(
    web: httpx.AsyncClient, handset: SimulatedHandset, path: str, body: object, status: int
) -> None:
    answer = await web.post(f"/api/{path}", json=body)

    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "handsets/{}/freeze",
        "handsets/{}/rebind",
        "handsets/{}/wipe",
        "policy",
        "policy/strictness",
        "policy/silence",
        "policy/reset",
        "commands/{}/approvals",
    ],
)
async def test_route_when_another_site_asks_then_it_is_refused_and_nothing_is_ordered(
    web: httpx.AsyncClient, office: Branch, handset: SimulatedHandset, path: str
) -> None:
    url = f"/api/{path.format(handset.id)}"
    answer = await web.post(url, headers={"origin": "http://evil.example"}, json={})

    assert answer.status_code == 403
    assert list(office.hub.reading.orders(None, limit=9)) == []
