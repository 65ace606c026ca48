"""The page in a real browser: fills by itself, speaks both languages, survives a lost hub."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from compline_hub.app import open_hub
from compline_shared.messages import Verdict, Voice
from compline_shared.strictness import points_of, silenced
from compline_shared.taxonomy import Category, Pass, Severity
from tests.running_hub import RunningHub, deliver, hub_settings, joined_client, running_hub
from tests.wire_handset import WireHandset, draft, finding

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the path (apt-get install chromium fonts-noto-cjk)"
)
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

    def send(self, *verdicts: Verdict) -> None:
        first = len(self.handset.verdicts) + 1
        self.handset.judge(*verdicts)
        with joined_client(self.hub, self.handset) as client:
            deliver(client, self.handset, self.handset.frame(first))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "test.lex").write_text(LEXICON, encoding="utf-8")
    with running_hub(hub_settings(tmp_path, name="城南网点", lexicons=str(tmp_path))) as hub:
        handset = WireHandset()
        hub.enrol(handset, "七号工位")
        yield Site(hub, handset)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1280, "height": 800}
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console", lambda message: faults.append(message.text) if "Content Security" in message.text else None
    )
    page.on(
        "request",
        lambda request: None if request.url.startswith(site.hub.page) else faults.append(request.url),
    )
    page.goto(site.hub.page)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    yield page
    context.close()
    assert faults == []


def test_page_when_a_verdict_arrives_then_it_stands_there_without_a_reload(page: Page, site: Site) -> None:
    expect(page.locator("#empty")).to_contain_text("还没有判定")

    site.send(draft(finding(Category.THREAT, Severity.SERIOUS)))

    row = page.locator("#rows tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("威胁")
    expect(row).to_contain_text("去单位找领导")
    expect(row).to_contain_text("七号工位")
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator(".tile.findings > b")).to_have_text("1")


def test_page_when_the_language_is_switched_then_all_of_it_is_english_and_stays_so(
    page: Page, site: Site
) -> None:
    site.send(draft(finding()))
    expect(page.locator("#rows tr")).to_contain_text("威胁")

    page.get_by_role("button", name="English").click()
    page.reload()

    expect(page.locator("#rows tr")).to_contain_text("Threat")
    expect(page.locator("#rows tr")).to_contain_text("threatens to go to the workplace")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_page_when_policy_silences_and_sets_categories_then_it_says_so_until_they_are_reset(
    page: Page, site: Site
) -> None:
    expect(page.locator("#silenced")).to_be_hidden()
    expect(page.locator("#graded")).to_be_hidden()
    with open_hub(site.hub.settings) as hub:
        hub.orders.grade(silenced(Category.MANNER), by="ada")
        hub.orders.grade(points_of(Category.ABUSE, review=60, whisper=80, alarm=95), by="ada")
    page.reload()

    expect(page.locator("#silenced")).to_contain_text("以下类别不再判定")
    expect(page.locator("#silenced")).to_contain_text("通话方式")
    expect(page.locator("#graded")).to_contain_text("辱骂 60/80/95")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#silenced")).to_contain_text(
        "nothing of these categories is told by any phone: Manner"
    )

    with open_hub(site.hub.settings) as hub:
        hub.orders.reset(by="ada")
    page.reload()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#silenced")).to_be_hidden()
    expect(page.locator("#graded")).to_be_hidden()


def test_page_when_a_full_pass_follows_then_the_live_row_is_folded_into_it(page: Page, site: Site) -> None:
    site.send(draft(finding(), pass_=Pass.LIVE))
    expect(page.locator("#rows .badge.live")).to_have_count(1)

    page.evaluate(
        """() => {
            window.seen = new Set();
            const rows = document.querySelector("#rows");
            const look = () => rows.querySelectorAll("tr").forEach((row) => window.seen.add(row.className));
            new MutationObserver(look).observe(rows, { subtree: true, childList: true, attributes: true });
        }"""
    )

    site.send(draft(finding(), finding(Category.ABUSE, Severity.VETO), supersedes=1))

    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#rows tr .pass")).to_contain_text("+1")
    page.wait_for_function("() => window.seen.has('veto fresh')")  # until the next change of the table


def test_page_when_a_row_is_opened_by_keys_then_all_findings_are_told_and_escape_returns(
    page: Page, site: Site
) -> None:
    voice = Voice(loudness=-30, peak_loudness=-12, rate=5, angry=4)
    site.send(draft(finding(offset=12), finding(Category.ABUSE, Severity.VETO, offset=40), voice=voice))
    row = page.locator("#rows tr")
    row.focus()

    page.keyboard.press("Enter")

    drawer = page.get_by_role("dialog")
    expect(drawer.locator("ol li")).to_have_count(2)
    expect(drawer).to_contain_text("5 音节/秒")
    expect(drawer).to_contain_text("听起来愤怒的话音占比约 40%")
    expect(drawer).to_contain_text("双方同时说话占比未判断")
    expect(drawer).to_contain_text("本页不能显示的")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(row).to_be_focused()


def test_page_when_findings_have_many_categories_then_each_has_its_bar(page: Page, site: Site) -> None:
    many = list(Category)[:14]

    site.send(draft(*(finding(category, Severity.NOTICE) for category in many)))

    expect(page.locator("#categories .bar")).to_have_count(len(many))


def test_page_when_times_are_shown_then_their_zone_is_named(page: Page, site: Site) -> None:
    site.send(draft(finding()))

    expect(page.locator("th.c-time")).to_have_text("到达（GMT+8）")
    expect(page.locator("#rows tr td.c-time .pair")).to_have_attribute("title", re.compile(r":\d\d GMT\+8$"))


def test_page_when_filtered_then_only_rows_that_fit_stay(page: Page, site: Site) -> None:
    site.send(
        draft(finding(Category.THREAT, Severity.VETO)),
        draft(finding(Category.ABUSE, Severity.NOTICE)),
        draft(),
    )
    expect(page.locator("#rows tr")).to_have_count(3)

    page.locator("#filter-severity").select_option("serious")

    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_role("button", name="清除筛选").click()
    expect(page.locator("#rows tr")).to_have_count(3)


def test_page_when_it_is_phone_wide_then_nothing_runs_over_the_side(page: Page, site: Site) -> None:
    many = [finding(category, Severity.SERIOUS) for category in list(Category)[:8]]
    site.send(draft(*many))
    expect(page.locator("#rows tr")).to_have_count(1)

    page.set_viewport_size({"width": 360, "height": 780})

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_page_when_the_hub_goes_and_comes_back_then_it_says_so_and_misses_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    settings = hub_settings(tmp_path)
    handset = WireHandset()
    page = browser.new_page()
    with running_hub(settings) as hub:
        hub.enrol(handset)
        site = Site(hub, handset)
        page.goto(hub.page)
        site.send(draft(finding()))
        expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#lost")).to_be_visible()

    with running_hub(msgspec.structs.replace(settings)) as hub:
        Site(hub, handset).send(draft(finding(offset=3)))
        expect(page.locator("#rows tr")).to_have_count(2, timeout=20_000)
        expect(page.locator("#lost")).to_be_hidden()
        page.close()
