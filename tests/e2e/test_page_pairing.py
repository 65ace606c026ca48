"""The page's dialog pairs a phone: names in, QR and code out, a countdown, and 'joined'."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from compline_shared.pairing_code import Invitation, read_code
from tests.e2e.test_page_live import CHROMIUM
from tests.pairing_hub import handset, joined, mistyped
from tests.running_hub import RunningHub, hub_settings, running_hub

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the path (apt-get install chromium fonts-noto-cjk)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(hub_settings(tmp_path_factory.mktemp("site"))) as hub:
        yield hub


@pytest.fixture
def page(browser: Browser, hub: RunningHub) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console", lambda message: faults.append(message.text) if "Content Security" in message.text else None
    )
    page.goto(hub.page)
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    yield page
    context.close()
    assert faults == []


def invited(page: Page, hub: RunningHub, collector: str) -> Invitation:
    """Ask for a code and read it off the page."""
    page.get_by_role("button", name="Pair a phone").click()
    page.get_by_label("Name of the phone").fill("Desk 7")
    page.get_by_label("Collector's name").fill(collector)
    page.get_by_role("button", name="Show a code").click()
    code = page.locator("#pair-code").inner_text()
    return Invitation(read_code(code), ("127.0.0.1", hub.settings.pairing_port))


def test_dialog_when_a_phone_joins_then_it_says_so(page: Page, hub: RunningHub, tmp_path: Path) -> None:
    invitation = invited(page, hub, "Li Wei")
    expect(page.locator("dialog .qr path")).to_have_attribute("d", re.compile("^M2 2h1v1h-1z"))
    expect(page.locator("#pair-left")).to_contain_text(re.compile(r"Good for [45]:\d\d, one use, 3 tries"))

    joined(handset(tmp_path), invitation)

    expect(page.locator("dialog .outcome")).to_have_text("“Desk 7” joined; Li Wei works with it.")


def test_dialog_when_wrong_tries_come_then_it_counts_them_and_says_when_the_code_is_spent(
    page: Page, hub: RunningHub, tmp_path: Path
) -> None:
    invitation = mistyped(invited(page, hub, "Wang Fang"))
    for _ in range(2):
        with pytest.raises(Exception, match="wrong"):
            joined(handset(tmp_path), invitation)
    expect(page.locator("#pair-left")).to_contain_text("1 tries left")

    with pytest.raises(Exception, match="wrong"):
        joined(handset(tmp_path), invitation)

    expect(page.locator("dialog .outcome")).to_contain_text("tried wrong three times")
    page.get_by_role("button", name="Show another").click()
    expect(page.get_by_label("Name of the phone")).to_be_visible()


def test_dialog_when_closed_then_the_code_is_called_off(page: Page, hub: RunningHub, tmp_path: Path) -> None:
    invitation = invited(page, hub, "Zhao Min")

    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.keyboard.press("Escape")

    with pytest.raises(Exception, match="called off"):
        joined(handset(tmp_path), invitation)


def test_dialog_when_the_language_changes_then_it_speaks_chinese(page: Page, hub: RunningHub) -> None:
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="配对手机").click()

    expect(page.locator("dialog")).to_contain_text("催收员姓名")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
