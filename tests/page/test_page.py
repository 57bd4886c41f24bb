"""The page in a browser, on jobs that ran through `conduit serve`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conftest import IMAGES, Served
from playwright.sync_api import expect

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"
Open = Callable[..., Any]


def join(step_id: str, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"}, **more}


def until(served: Served) -> dict[str, Any]:
    return {"id": "wait", "action": "SLOW.UNTIL", "parameters": {"file": str(served.gate)}}


def test_a_run_is_live_and_goes_on_after_serve_was_killed_in_the_middle(served: Served, open_page: Open) -> None:
    served.send({"id": "order-1", "name": "Monthly report", "steps": [join("first"), until(served), join("last")]})
    served.wait("order-1", "RUNNING")
    page = open_page("#/jobs/order-1")
    expect(page.locator(".badge.RUNNING").first).to_be_visible()
    page.screenshot(path=IMAGES / "run.png")

    served.kill()
    served.gate.touch()
    served.start()

    expect(page.locator("dl .badge.SUCCEEDED")).to_be_visible(timeout=60_000)
    expect(page.locator(".step .badge.DONE")).to_have_count(3)
    served.gate.unlink()


def test_a_failed_run_shows_its_whole_error_and_is_redriven(served: Served, open_page: Open) -> None:
    served.send(
        {
            "id": "failed-1",
            "name": "Charge the card",
            "steps": [join("receipt"), {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": False}}],
        }
    )
    job = served.wait("failed-1", "FAILED")
    page = open_page("#/jobs/failed-1")
    expect(page.locator("pre.failed")).to_have_text(job["steps"][1]["error"]["message"])
    page.screenshot(path=IMAGES / "failed.png")

    page.get_by_role("button", name="Redrive", exact=True).click()
    page.get_by_role("button", name="Yes").click()

    expect(page.locator("summary", has_text="2 runs")).to_be_visible(timeout=30_000)


def test_a_loop_of_500_items_is_a_grid_of_squares(served: Served, open_page: Open) -> None:
    loop = {"id": "each", "for_each": "{= range(500) =}", "as": "n", "do": [join("line")]}
    served.send({"id": "loop-1", "name": "Send 500 letters", "steps": [loop]})
    served.wait("loop-1", "SUCCEEDED")
    page = open_page("#/jobs/loop-1")
    page.locator(".step > button").first.click()
    while page.get_by_role("button", name="Load more items").is_visible():
        before = page.locator(".squares button").count()
        page.get_by_role("button", name="Load more items").click()
        expect(page.locator(".squares button")).not_to_have_count(before)
    expect(page.locator(".squares button")).to_have_count(500)
    page.locator(".squares button").nth(7).click()
    expect(page.get_by_text("Item 7", exact=True)).to_be_visible()
    page.screenshot(path=IMAGES / "loop.png")


def test_a_result_of_markup_stays_text(served: Served, open_page: Open) -> None:
    step = {"id": "hostile", "action": "TEXT.JOIN", "parameters": {"text1": HOSTILE, "text2": ""}}
    served.send({"id": "hostile-1", "name": HOSTILE, "steps": [step]})
    served.wait("hostile-1", "SUCCEEDED")
    page = open_page("#/jobs/hostile-1")
    page.locator(".step > button").first.click()
    expect(page.locator("pre", has_text=HOSTILE).first).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.title() == "hostile-1 · Conduit"


def test_a_job_is_cancelled(served: Served, open_page: Open) -> None:
    served.send({"id": "cancel-1", "name": "Import", "steps": [until(served), join("last")]})
    served.wait("cancel-1", "RUNNING")
    page = open_page("#/jobs/cancel-1")
    page.get_by_role("button", name="Cancel").click()
    with page.expect_response(re.compile("/cancel$")):
        page.get_by_role("button", name="Yes").click()
    served.gate.touch()
    expect(page.locator("dl .badge.CANCELLED")).to_be_visible(timeout=30_000)
    served.gate.unlink()


def test_a_run_of_1000_steps_is_drawn_in_a_moment(served: Served, open_page: Open) -> None:
    served.send({"id": "long-1", "steps": [join(f"s{number}") for number in range(1000)]})
    served.wait("long-1", "SUCCEEDED")
    page = open_page("#/jobs/long-1")
    expect(page.locator(".step")).to_have_count(1000)
    page.locator(".step > button").last.click()
    expect(page.locator(".detail:visible")).to_have_count(1)


def test_the_list_is_filtered_and_used_with_the_keyboard_alone(served: Served, open_page: Open) -> None:
    assert len(served.ask("GET", "/jobs")["jobs"]) > 1  # those of the tests above
    page = open_page()
    expect(page.locator("tbody tr").first).to_be_visible()
    page.screenshot(path=IMAGES / "list.png")
    page.get_by_label("Name begins with").focus()
    page.keyboard.type("Import")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/jobs/cancel-1$"))
    expect(page.locator(".step").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".step > button").first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("tbody tr").first).to_be_visible()


def test_the_page_is_dark_where_the_system_is(served: Served, open_page: Open) -> None:
    step = {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": False}}
    served.send({"id": "dark-1", "name": "Charge the card", "steps": [join("receipt"), step]})
    served.wait("dark-1", "FAILED")
    page = open_page("#/jobs/dark-1", color_scheme="dark")
    expect(page.locator("pre.failed").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 29)"
    page.screenshot(path=IMAGES / "dark.png")
