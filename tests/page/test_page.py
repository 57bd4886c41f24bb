"""The page in a browser, with jobs that were run by `conduit serve`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conftest import IMAGES, Served
from playwright.sync_api import expect

expect.set_options(timeout=30_000)
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"
Open = Callable[..., Any]
MONTH_END = {
    "id": "month-end-2026-11",
    "name": "Month end",
    "parameters": {"month": "2026-11", "customers": 500},
    "steps": [
        {
            "id": "invoices",
            "for_each": "{= range(parameters.customers) =}",
            "as": "number",
            "do": [
                {"id": "line", "action": "TEXT.JOIN", "parameters": {"text1": "Invoice", "text2": "no. {% number %}"}}
            ],
        },
        {"id": "total", "set": {"invoices": "{= len(steps.invoices.result) =}"}},
        {"id": "export", "action": "SHOP.EXPORT", "parameters": {"month": "{< month >}"}},
        {"id": "charge", "action": "SHOP.CHARGE", "parameters": {"file": "{: export :}"}},
        {
            "id": "approve",
            "wait_for": {
                "timeout": 604800,
                "message": "Send {# invoices #} invoices for {< month >}?",
                "form": {
                    "type": "object",
                    "properties": {
                        "copies": {"type": "integer", "minimum": 1, "description": "Copies of each"},
                        "format": {"enum": ["PDF", "HTML"], "description": "Format"},
                    },
                    "required": ["copies"],
                },
            },
        },
        {
            "id": "send",
            "action": "TEXT.JOIN",
            "parameters": {"text1": "Sent as", "text2": "{= steps.approve.result.value.format =}"},
        },
    ],
    "output": {"sent": "{# invoices #}", "copies": "{= steps.approve.result.value.copies =}"},
}


def join(step_id: str, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "action": "TEXT.JOIN", "parameters": {"text1": "a", "text2": "b"}, **more}


def picture(page: Any, name: str) -> None:
    page.wait_for_timeout(50)
    page.screenshot(path=IMAGES / name, full_page=True, animations="disabled")


def step(page: Any, path: str) -> Any:
    """The row of a step."""
    return page.locator(".step > button").filter(has=page.locator(".path", has_text=re.compile(f"^{re.escape(path)}$")))


def say_yes(page: Any) -> None:
    page.get_by_role("button", name="Yes").click()


def test_a_run_is_followed_through_a_kill_a_failure_a_redrive_and_an_answer(served: Served, open_page: Open) -> None:
    page = live_through_a_kill(served, open_page)
    fail(served, page, open_page)
    redrive_and_answer(served, page)
    look_into_the_loop(page)
    list_jobs(served, open_page)


def live_through_a_kill(served: Served, open_page: Open) -> Any:
    served.send(MONTH_END)
    served.wait("month-end-2026-11", "RUNNING")
    page = open_page("#/jobs/month-end-2026-11")
    expect(step(page, "export").locator(".badge.RUNNING")).to_be_visible()

    served.kill()
    expect(page.locator("#live.off")).to_be_visible()
    expect(page.locator("main .note").first).to_have_text("The API does not answer.")
    served.start()

    expect(page.locator("#live.on")).to_be_visible()
    expect(step(page, "export").locator(".badge.RUNNING")).to_be_visible()
    expect(step(page, "invoices").locator(".badge")).to_have_text("DONE 500/500")
    picture(page, "run.png")
    return page


def fail(served: Served, page: Any, open_page: Open) -> None:
    served.open_gate("export")
    expect(page.locator("pre.failed")).to_have_text(
        "The payment service did not take exports/2026-11.csv: 503, maintenance until 18:00."
    )
    expect(page.locator(".strip")).to_contain_text("Failed at step charge, CALL_FAILED: The payment service")
    dark = open_page("#/jobs/month-end-2026-11", color_scheme="dark")
    expect(dark.locator("pre.failed")).to_be_visible()
    assert dark.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 29)"
    picture(dark, "dark.png")


def redrive_and_answer(served: Served, page: Any) -> None:
    served.open_gate("charge")
    page.get_by_role("button", name="Redrive", exact=True).click()
    say_yes(page)

    expect(page.locator(".question")).to_have_text("Send 500 invoices for 2026-11?")
    expect(page.locator("summary", has_text="2 runs")).to_be_visible()
    expect(step(page, "approve").locator(".badge.WAITING")).to_be_visible()
    page.get_by_label("Copies of each").fill("2")
    page.get_by_label("Format").select_option("PDF")
    step(page, "charge").click()  # the page opened it when it failed
    page.locator("h1").click()
    picture(page, "answer.png")
    page.get_by_role("button", name="Accept").click()

    expect(page.locator("dl .badge.SUCCEEDED")).to_be_visible()
    expect(page.locator(".step .path")).to_have_text(
        ["invoices", "total", "export", "charge", "approve", "send", "output"]
    )
    expect(page.locator(".step .badge.DONE")).to_have_count(7)  # the output is a step too
    expect(page.locator("details", has=page.locator("summary", has_text="Output")).locator("pre")).to_have_text(
        '{\n  "sent": 500,\n  "copies": 2\n}'
    )
    expect(page.locator("#live")).to_have_text("Finished")


def look_into_the_loop(page: Any) -> None:
    step(page, "invoices").click()
    squares = page.locator(".squares button")
    expect(squares).to_have_count(500)
    squares.nth(7).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Item 8", exact=True)).to_be_visible()
    page.locator("h2").first.hover()
    picture(page, "loop.png")


def list_jobs(served: Served, open_page: Open) -> None:
    for number, name in enumerate(("Order 1042", "Order 1043"), start=1042):
        served.send({"id": f"order-{number}", "name": name, "steps": [join("pack"), join("ship")]})
        served.wait(f"order-{number}", "SUCCEEDED")
    ask = {"id": "ok", "wait_for": {"timeout": 86400, "message": "Refund it?"}}
    served.send({"id": "refund-17", "name": "Refund of order 1037", "steps": [ask]})
    served.send(
        {"id": "import-eu", "name": "Import", "steps": [{"id": "pause", "wait": {"seconds": 900}}, join("load")]}
    )
    served.close_gate("charge")
    served.send(
        {
            "id": "charge-1041",
            "name": "Order 1041",
            "steps": [{**MONTH_END["steps"][3], "parameters": {"file": "1041"}}],
        }
    )  # type: ignore[index] # a list of objects
    served.wait("charge-1041", "FAILED")
    listed = open_page()
    expect(listed.locator(".badge.WAITING")).to_have_count(2)
    listed.get_by_role("link", name="import-eu").click()
    listed.get_by_role("button", name="Cancel").click()
    say_yes(listed)
    expect(listed.locator("dl .badge.CANCELLED")).to_be_visible()
    expect(listed.locator(".strip")).to_contain_text("Cancelled: the job stopped at step pause")
    listed.goto(f"{served.address}/")
    expect(listed.locator("tbody tr")).to_have_count(6)
    expect(listed.locator("tbody tr", has_text="import-eu")).to_contain_text("stopped at step pause")
    picture(listed, "list.png")


def test_a_rejected_question_fails_its_step_with_the_reason(served: Served, open_page: Open) -> None:
    served.send({"id": "reject-1", "steps": [{"id": "ok", "wait_for": {"timeout": 600}}]})
    page = open_page("#/jobs/reject-1")
    page.get_by_label("Reason").fill("too expensive")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("pre.failed")).to_have_text("too expensive")
    expect(page.locator(".strip")).to_contain_text("Failed at step ok, REJECTED")


def test_an_answer_that_does_not_fit_is_explained_and_the_input_stays(served: Served, open_page: Open) -> None:
    form = {"type": "object", "properties": {"limits": {"type": "array"}}, "required": ["limits"]}
    form["properties"] = {"limits": {"type": "object"}}
    served.send({"id": "misfit-1", "steps": [{"id": "ok", "wait_for": {"timeout": 600, "form": form}}]})
    page = open_page("#/jobs/misfit-1")
    page.get_by_label("limits").fill("{,}")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("main form .note")).to_have_text("This is not JSON: {,}")
    page.get_by_label("limits").fill("[1]")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("main form .note")).to_have_text(re.compile("^/value/limits: .*expected object"))
    expect(page.get_by_label("limits")).to_have_value("[1]")
    served.ask("POST", "/jobs/misfit-1/cancel")


def test_the_items_of_a_long_loop_come_page_by_page_and_the_failed_one_is_open(served: Served, open_page: Open) -> None:
    check = {"id": "check", "action": "LOGIC.ASSERT", "parameters": {"value": "{= loop.index != 550 =}"}}
    served.send(
        {"id": "loop-1", "steps": [{"id": "each", "for_each": "{= range(600) =}", "do": [join("line"), check]}]}
    )
    job = served.wait("loop-1", "FAILED")
    assert job["items_omitted"]
    page = open_page("#/jobs/loop-1")
    expect(page.locator(".squares button")).to_have_count(600)
    expect(page.locator(".squares button.bad")).to_have_count(1)
    expect(page.get_by_text("Item 550", exact=True)).to_be_visible()
    expect(page.locator("pre.failed").last).to_be_visible()


def test_a_result_of_markup_stays_text(served: Served, open_page: Open) -> None:
    hostile = {"id": "hostile", "action": "TEXT.JOIN", "parameters": {"text1": HOSTILE, "text2": ""}}
    ask = {"id": "ok", "wait_for": {"timeout": 600, "message": HOSTILE}}
    served.send({"id": "hostile-1", "name": HOSTILE, "parameters": {HOSTILE: HOSTILE}, "steps": [hostile, ask]})
    page = open_page("#/jobs/hostile-1")
    expect(page.locator(".question")).to_have_text(HOSTILE)
    step(page, "hostile").click()
    expect(page.locator("pre", has_text=HOSTILE).first).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.title() == "hostile-1 · Conduit"
    page.goto(f"{served.address}/")
    expect(page.locator(".name", has_text=HOSTILE)).to_be_visible()
    assert page.locator("img").count() == 0
    served.ask("POST", "/jobs/hostile-1/cancel")


def test_a_run_is_cancelled_while_a_step_runs(served: Served, open_page: Open) -> None:
    served.close_gate("export")
    export = {"id": "export", "action": "SHOP.EXPORT", "parameters": {"month": "2026-10"}}
    served.send({"id": "cancel-1", "name": "Export", "steps": [export, join("last")]})
    served.wait("cancel-1", "RUNNING")
    page = open_page("#/jobs/cancel-1")
    page.get_by_role("button", name="Cancel").click()
    with page.expect_response(re.compile("/cancel$")):
        say_yes(page)
    served.open_gate("export")
    expect(page.locator("dl .badge.CANCELLED")).to_be_visible()
    expect(page.locator(".strip")).to_contain_text("stopped at step last")
    page.get_by_role("button", name="Run again").click()
    say_yes(page)
    expect(page).not_to_have_url(re.compile("cancel-1$"))
    expect(page.locator("dl .badge.SUCCEEDED")).to_be_visible()


def test_a_run_of_1000_steps_is_drawn_in_a_moment(served: Served, open_page: Open) -> None:
    served.send(
        {
            "id": "long-1",
            "steps": [join(f"s{number}") for number in range(999)]
            + [{"id": "end", "action": "LOGIC.FAIL", "parameters": {"message": "the last"}}],
        }
    )
    served.wait("long-1", "FAILED")
    page = open_page("#/jobs/long-1")
    expect(page.locator(".step")).to_have_count(1000)
    expect(page.locator(".detail:visible")).to_have_count(1)
    took = page.evaluate("""async () => {
        const began = performance.now();
        document.querySelector(".strip button").click();
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        return performance.now() - began;
    }""")
    expect(step(page, "end")).to_be_in_viewport()
    assert took < 2000, took  # finds a frozen page, not a slow one: the machine may be busy


def test_the_list_is_filtered_and_used_with_the_keyboard_alone(served: Served, open_page: Open) -> None:
    served.send({"id": "keys-1", "name": "Keyboard", "steps": [join("first"), join("second")]})
    served.wait("keys-1", "SUCCEEDED")
    page = open_page()
    expect(page.locator("tbody tr", has_text="keys-1")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Status")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name begins with")).to_be_focused()
    page.keyboard.type("Keyb")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/jobs/keys-1$"))
    expect(page.locator(".step").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(step(page, "second")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("tbody tr").first).to_be_visible()


def test_each_filter_is_sent_and_one_that_finds_nothing_says_so(served: Served, open_page: Open) -> None:
    served.send({"id": "filter-1", "name": "Filtered", "steps": [{"id": "ok", "wait_for": {"timeout": 600}}]})
    served.send({"id": "filter-2", "name": "Filtered", "steps": [join("a")]})
    served.wait("filter-2", "SUCCEEDED")
    page = open_page()
    page.get_by_label("Name begins with").fill("Filtered")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Waits for").select_option("answer")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("filter-1")
    page.get_by_label("Status").select_option("FAILED")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No job matches these filters.")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Created after").fill("2099-01-01T00:00:00")
    with page.expect_request(re.compile("created_after=2098-12-31T23%3A00%3A00.000Z")):  # Berlin is an hour ahead
        page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("Created after")).to_have_value("2099-01-01T00:00")
    expect(page.get_by_text("No job matches these filters.")).to_be_visible()


def test_a_filter_that_the_api_refuses_shows_its_message(open_page: Open) -> None:
    page = open_page()
    page.get_by_label("Workflow").fill("a b")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("main .note")).to_have_text(re.compile("^/workflow: A workflow's name has"))


def test_a_job_that_is_not_there_says_so_and_leads_back(open_page: Open) -> None:
    page = open_page("#/jobs/missing")
    expect(page.locator("main .note")).to_contain_text("There is no job 'missing'.")
    page.get_by_role("link", name="All jobs").click()
    expect(page.locator("tbody tr").first).to_be_visible()


def test_nothing_is_cut_off_in_a_window_of_400_pixels(served: Served, open_page: Open) -> None:
    long = "x" * 64
    message = "no-spaces-" * 60
    served.send(
        {
            "id": long,
            "name": "y" * 120,
            "steps": [{"id": "z" * 64, "action": "LOGIC.FAIL", "parameters": {"message": message}}],
        }
    )
    served.wait(long, "FAILED")
    form = {"type": "object", "properties": {"limit": {"type": "number"}, "why": {"type": "string"}}}
    ask = {"id": "ok", "wait_for": {"timeout": 600, "message": message, "form": form}}
    loop = {"id": "each", "for_each": "{= range(100) =}", "do": [join("x")]}
    served.send({"id": "narrow-1", "steps": [loop, ask]})
    for path in ("", f"#/jobs/{long}", "#/jobs/narrow-1"):
        page = open_page(path, viewport={"width": 400, "height": 800})
        expect(page.locator(".badge").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, path


def test_every_time_names_its_zone(served: Served, open_page: Open) -> None:
    served.send({"id": "zone-1", "steps": [join("a")]})
    page = open_page("#/jobs/zone-1")
    created = page.locator("dl time").first
    expect(created).to_have_text(re.compile(r"^\d+ \w+, \d\d:\d\d:\d\d CES?T$"))
    expect(created).to_have_attribute("title", re.compile(r"^\d{4}-.*Z$"))


def test_an_empty_list_says_how_to_send_a_job(served: Served, open_page: Open) -> None:
    page = open_page("#/jobs/none")
    page.route("**/jobs?*", lambda route: route.fulfill(json={"jobs": [], "cursor": None}))
    page.goto(f"{served.address}/#/")
    expect(page.get_by_text("conduit jobs submit job.json")).to_be_visible()


def test_a_deployed_page_asks_for_a_token_and_keeps_it_in_memory_alone(served: Served, open_page: Open) -> None:
    page = open_page("#/jobs/none")
    sent: list[str | None] = []

    def guard(route: Any) -> None:
        sent.append(route.request.headers.get("authorization"))
        if sent[-1] == "Bearer good":
            route.continue_(headers={**route.request.headers, "authorization": ""})
        else:
            route.fulfill(status=401, json={"title": "Authentication required"})

    page.route("**/jobs?*", guard)
    page.goto(f"{served.address}/#/")
    page.get_by_label("Bearer token").fill("bad")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#refused")).to_contain_text("does not accept this token")
    page.get_by_label("Bearer token").fill("good")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    assert sent[:3] == [None, "Bearer bad", "Bearer good"]
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
