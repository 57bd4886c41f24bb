"""Facts that must be written in two places, because neither can be derived from the other, are the same in both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from handler.caller import Caller
from handler.engine import Conduit
from handler.engine.limits import Limits
from handler.http.openapi.shapes import components
from handler.jobs.listing import FILTERS, WAITS
from handler.jobs.view import job_view, step_view, summary
from handler.payload.parse import PayloadLimits
from handler.recording.step_record import failed_step
from handler.settings import Settings
from infra.jobs.job_items import job_item
from infra.jobs.records import FINISHED, JOB_STATUSES, JobKey, JobRecord, JobSummary, StepRecord
from infra.table.items import BY_TENANT
from tests.docs.scripts import script

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = Settings(table_name="t", bus_name="b", queue_url="q", dead_letter_queue_url="d")
KEY = JobKey("tenant", "job")
JOB = JobRecord(
    KEY, "name", "FAILED", "payload", "hash", 1.0, 9, due=3.0, lease="1-a", lease_until=2.0, leases=((0, "1-a"),)
)
STEP = StepRecord(KEY, 0, "1-a", "id", "id", "TEXT.JOIN", "DONE", 0, "1", None, 1, 1.0, 2.0, 1000.0, None, 9)


def required(shape: str) -> set[str]:
    """The required fields of an answer of the API."""
    return set(components()[shape]["required"])


def test_the_page_knows_each_status_of_a_job_each_filter_and_each_thing_to_wait_for() -> None:
    page = (ROOT / "handler" / "http" / "page.html").read_text(encoding="utf-8")

    def constant(name: str) -> str:
        (found,) = re.findall(rf"^const {name} = (.*);$", page, re.MULTILINE)
        return str(found)

    assert json.loads(constant("STATUSES")) == list(JOB_STATUSES)
    assert set(re.findall(r'"(\w+)"', constant("FINISHED"))) == FINISHED
    assert sorted(json.loads(constant("FILTERS"))) == sorted(FILTERS)
    assert sorted(re.findall(r"(\w+):", constant("WAITS"))) == sorted(WAITS)


def test_a_step_has_the_same_fields_in_answers_in_the_openapi_document_and_on_the_bus() -> None:
    on_the_bus = {name for name, field in script("events_page").STEP.items() if field.always and "." not in name}
    assert required("Step") == set(step_view(STEP)) == on_the_bus


def test_a_job_has_the_same_fields_in_answers_and_in_the_openapi_document() -> None:
    assert required("Job") == set(job_view(JOB, {"steps": []}, []))
    assert required("JobSummary") == set(summary(JOB.summary))


def test_the_step_that_failed_a_job_has_the_same_fields_in_its_record_on_the_bus_and_in_the_openapi_document() -> None:
    events = script("events_page").FIELDS["Job Finished"]
    on_the_bus = {name.split(".")[2] for name in events if name.startswith("job.failed_step.")}
    job = Conduit.from_dict({"steps": [{"action": "NO.SUCH"}]})
    assert required("FailedStep") == on_the_bus == set(json.loads(failed_step(job.steps[0])))


def test_the_index_that_lists_jobs_holds_the_fields_of_a_list_and_no_more() -> None:
    keys = {"tenant", "created_at", "key"}
    assert set(BY_TENANT.shows) == set(JobSummary._fields) - keys


def test_the_page_on_records_explains_every_attribute_of_a_job() -> None:
    text = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    table = text.partition("### `JOB`")[2].partition("\n\n`JOB` has at most")[0]
    times = ["ends_at", "finished_at", "resume_at", "started_at", "timeout_at"]
    counts = ["hand_overs", "sweeps", "tries", "woken"]
    texts = ["failed_step", "last_error", "redriven_by", "secret", "sender", "waiting", "workflow"]
    other: dict[str, Any] = {"started": True, "cancel": True, "idle": ((1.0, 2.0),), "signals": (("a", "b"),)}
    full = JOB._replace(**dict.fromkeys(times + counts, 1), **dict.fromkeys(texts, "{}"), **other)
    assert [name for name, value in full._asdict().items() if value in (None, ())] == [], "every field has a value"
    named = set(re.findall(r"`(\w+)`", table)) | {"pk", "sk"}
    assert {name.partition(":")[0] for name in job_item(full)} - {"signal"} <= named


@pytest.mark.parametrize(
    ("setting", "default"),
    [
        ("payload_limit", PayloadLimits().size),
        ("payload_limit", Caller(tenant="t").payload_limit),
        ("nesting_limit", PayloadLimits().nesting),
        ("nesting_limit", Limits().nesting),
        ("step_limit", PayloadLimits().steps),
        ("record_limit", Limits().record),
        ("results_limit", Limits().results),
        ("variables_limit", Limits().variables),
        ("items_limit", Limits().items),
        ("records_limit", Limits().loop_records),
    ],
)
def test_a_limit_has_one_default(setting: str, default: int) -> None:
    assert getattr(SETTINGS, setting) == default
