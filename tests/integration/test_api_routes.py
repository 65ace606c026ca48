"""Every route of the hub: what it answers, and to whom it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from compline_hub.web.schemas import HandsetsOut, PhrasesOut, SummaryOut, VerdictOut, VerdictsOut
from compline_shared.messages import Verdict
from compline_shared.taxonomy import Category, Kind, Severity
from tests.running_hub import RunningHub, deliver, hub_settings, joined_client, running_hub
from tests.wire_handset import WireHandset, draft, finding

LEXICON = """@pack test
@version 1
@language zh-CN
@category threat
2001 | serious | 我就去你单位 | not: - | 去单位找领导 | threatens to go to the workplace
"""


@dataclass(slots=True)
class Site:
    hub: RunningHub
    handset: WireHandset
    web: httpx.Client

    def send(self, *verdicts: Verdict) -> None:
        first = len(self.handset.verdicts) + 1
        self.handset.judge(*verdicts)
        with joined_client(self.hub, self.handset) as client:
            deliver(client, self.handset, self.handset.frame(first))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    (folder / "test.lex").write_text(LEXICON, encoding="utf-8")
    with running_hub(hub_settings(folder, name="城南网点", lexicons=str(folder))) as hub:
        handset = WireHandset()
        hub.enrol(handset, "七号工位")
        with httpx.Client(base_url=hub.page, timeout=10) as web:
            made = Site(hub, handset, web)
            made.send(
                draft(finding(Category.THREAT, Severity.VETO)),
                draft(finding(Category.ABUSE, Severity.NOTICE), kind=Kind.CHAT, messages=3),
                draft(),
            )
            yield made


def test_verdicts_when_asked_then_newest_come_first(site: Site) -> None:
    answer = msgspec.json.decode(site.web.get("/api/verdicts").content, type=VerdictsOut)

    assert [verdict.seq for verdict in answer.verdicts][-3:] == [3, 2, 1]
    assert answer.last == answer.verdicts[0].arrival


def test_verdicts_when_filtered_then_only_those_that_fit_come(site: Site) -> None:
    answer = site.web.get("/api/verdicts?category=threat&severity=serious&kind=call&after=0&limit=5").json()

    assert [verdict["seq"] for verdict in answer["verdicts"]] == [1]


@pytest.mark.parametrize(
    "query",
    [
        "category=nope",
        "severity=9",
        "kind=fax",
        "limit=0",
        "limit=501",
        "after=-1",
        "after=x",
        "before=yesterday",
    ],
)
def test_verdicts_when_the_query_is_nonsense_then_it_is_a_400_in_a_sentence(site: Site, query: str) -> None:
    answer = site.web.get(f"/api/verdicts?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_verdict_when_asked_by_id_then_it_comes_in_full(site: Site) -> None:
    place = site.handset.grant.place
    answer = site.web.get(f"/api/verdicts/{place.handset}/{place.binding}/1")

    verdict = msgspec.json.decode(answer.content, type=VerdictOut)
    assert (verdict.severity, verdict.findings[0].category) == ("veto", "threat")


@pytest.mark.parametrize("path", ["aaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbb/1", "short/bbbbbbbbbbbbbbbb/1", "a/b/c"])
def test_verdict_when_there_is_none_then_it_is_refused(site: Site, path: str) -> None:
    assert site.web.get(f"/api/verdicts/{path}").status_code in (400, 404)


def test_summary_when_asked_then_it_counts(site: Site) -> None:
    summary = msgspec.json.decode(site.web.get("/api/summary").content, type=SummaryOut)

    assert summary.hub == "城南网点"
    assert summary.kinds["chat"] == 1
    assert summary.severities["veto"] == 1
    assert len(summary.minutes) == 60


def test_handsets_when_asked_then_names_and_presence_come(site: Site) -> None:
    answer = msgspec.json.decode(site.web.get("/api/handsets").content, type=HandsetsOut)

    assert [(handset.name, handset.present) for handset in answer.handsets] == [("七号工位", True)]
    assert answer.alarms == []


def test_phrases_when_a_pack_is_there_then_its_own_words_come(site: Site) -> None:
    answer = msgspec.json.decode(site.web.get("/api/phrases").content, type=PhrasesOut)

    assert answer.phrases["2001"].zh == "去单位找领导"


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/static/page.js", "/static/page.css", "/api/summary", "/none"]
)
def test_answer_when_any_path_is_asked_then_security_headers_stand_on_it(site: Site, path: str) -> None:
    headers = site.web.get(path).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil:80", ""]
)
def test_gate_when_the_host_is_foreign_then_nothing_is_told(site: Site, host: str) -> None:
    answer = site.web.get("/api/verdicts", headers={"host": host})

    assert answer.status_code == 421
    assert "verdict" not in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
def test_gate_when_the_origin_is_foreign_then_nothing_is_told(site: Site, origin: str) -> None:
    assert site.web.get("/api/verdicts", headers={"origin": origin}).status_code == 403


def test_gate_control_when_host_and_origin_are_its_own_then_it_answers(site: Site) -> None:
    port = site.hub.settings.port
    headers = {"host": f"localhost:{port}", "origin": f"http://localhost:{port}"}

    assert site.web.get("/healthz", headers=headers).json() == {"status": "ok"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_routes_when_asked_to_change_something_then_they_refuse(site: Site, method: str) -> None:
    assert site.web.request(method, "/api/verdicts").status_code == 405


def test_static_when_the_path_climbs_out_then_nothing_comes(site: Site) -> None:
    assert site.web.get("/static/%2e%2e/guards.py").status_code == 404


def test_stream_when_resumed_then_what_was_missed_comes_first_and_new_ones_follow(site: Site) -> None:
    with site.web.stream("GET", "/api/stream", headers={"last-event-id": "1"}) as answer:
        events = _events(answer)
        first = [next(events), next(events), next(events)]
        sending = threading.Thread(target=site.send, args=(draft(finding(entry=2002)),))
        sending.start()
        new = next(events)
        sending.join()

    assert [kind for kind, _ in first] == ["hello", "verdict", "verdict"]
    assert [verdict["arrival"] for _, verdict in first[1:]] == [2, 3]
    assert new[1]["findings"][0]["entry"] == 2002


def test_stream_when_opened_without_a_place_then_only_new_ones_come(site: Site) -> None:
    with site.web.stream("GET", "/api/stream") as answer:
        events = _events(answer)
        next(events)
        sending = threading.Thread(target=site.send, args=(draft(finding(entry=2003)),))
        sending.start()
        kind, verdict = next(events)
        sending.join()

    assert (kind, verdict["findings"][0]["entry"]) == ("verdict", 2003)


def _events(answer: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: ") and kind != "tick":
            data = msgspec.json.decode(line.removeprefix("data: "))
            yield kind, data if isinstance(data, dict) else {}
