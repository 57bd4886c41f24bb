"""Parsing payloads: which are accepted, which are refused, and the messages of refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.payload.parse import InvalidJsonError, InvalidPayloadError, PayloadLimits, PayloadTooLargeError, parse
from handler.payload.problem import Problem


def problems(body: Any, **limits: int) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPayloadError) as raised:
        parse(body, PayloadLimits(**limits))
    return [(problem.pointer, problem.code) for problem in raised.value.problems]


def message(body: Any) -> str:
    with pytest.raises(InvalidPayloadError) as raised:
        parse(body)
    return raised.value.problems[0].message


def nested(levels: int) -> str:
    """A payload with that many levels: the job, its variables, and lists in one of them."""
    return '{"steps":[],"variables":{"v":' + "[" * (levels - 2) + "]" * (levels - 2) + "}}"


def padded(size: int) -> bytes:
    """A payload of that many bytes."""
    empty = b'{"steps":[],"name":""}'
    return b'{"steps":[],"name":""' + b" " * (size - len(empty)) + b"}"


def test_a_job_with_every_field_is_taken_as_it_is() -> None:
    retry = {"attempts": 3, "delay": 1.0, "backoff": 2.0, "max_delay": 30.0, "jitter": True}
    retry["on"] = ["ASSERTION_ERROR", "CALL_REFUSED", {"http": [409, 423]}, {"code": ["Throttling"]}]
    step = {"id": "a", "action": "TEXT.JOIN", "parameters": {"text1": "x"}, "if": ["{# v #}", "y"], "forced": True}
    step |= {"timeout": 5.0, "retry": retry, "allow_failure": True}
    job = {"id": "order-42", "name": "N", "parameters": {"p": 1}, "variables": {"v": [None]}, "steps": [step]}
    assert parse(job).as_job() == job


@pytest.mark.parametrize("condition", ["text", "", ["a", "b"], [], True, False, None])
def test_a_condition_is_a_text_a_list_of_texts_or_a_boolean(condition: Any) -> None:
    assert parse({"steps": [{"action": "A", "if": condition}]}).steps[0]["if"] == condition


def test_parameters_go_by_the_librarys_name_too() -> None:
    assert parse('{"local_values":{"a":1},"steps":[]}').parameters == {"a": 1}


def test_parameters_under_both_names_are_refused() -> None:
    assert problems({"local_values": {}, "parameters": {}, "steps": []}) == [("/local_values", "CONFLICTING_FIELDS")]


@pytest.mark.parametrize("field", ["tags", "global_values", "step_limit", "block_limit_overrides", "blocks"])
def test_a_field_that_the_deployment_decides_is_refused_and_the_message_says_so(field: str) -> None:
    job = {"steps": [], field: None}
    assert problems(job) == [(f"/{field}", "RESERVED_FIELD")]
    assert "comes from the deployment" in message(job)


def test_every_problem_is_reported_at_once_with_its_place() -> None:
    steps = [
        {"action": "A"},
        {"id": "a.b"},
        7,
        {"action": 1, "if": ["a", 3], "timeout": 0, "forced": "yes", "retry": {"attempts": 0, "on": ["X"], "z": 1}},
        {"action": "A", "if": {}, "parameters": []},
    ]
    assert problems({"id": "é", "steps": steps, "lokal_values": {}}) == [
        ("/id", "INVALID_ID"),
        ("/steps/1", "INVALID_FIELD"),
        ("/steps/1/id", "INVALID_ID"),
        ("/steps/2", "INVALID_FIELD"),
        ("/steps/3/action", "INVALID_FIELD"),
        ("/steps/3/if/1", "INVALID_FIELD"),
        ("/steps/3/forced", "INVALID_FIELD"),
        ("/steps/3/timeout", "INVALID_FIELD"),
        ("/steps/3/retry/attempts", "INVALID_FIELD"),
        ("/steps/3/retry/on/0", "INVALID_FIELD"),
        ("/steps/3/retry/z", "UNKNOWN_FIELD"),
        ("/steps/4/parameters", "INVALID_FIELD"),
        ("/steps/4/if", "INVALID_FIELD"),
        ("/lokal_values", "UNKNOWN_FIELD"),
    ]


def test_a_field_that_is_nearly_right_is_suggested() -> None:
    assert "did you mean 'forced'?" in message({"steps": [{"action": "A", "force": True}]})


def test_a_pointer_escapes_as_in_rfc_6901() -> None:
    assert problems({"steps": [], "a/b~c": 1}) == [("/a~1b~0c", "UNKNOWN_FIELD")]


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "1"])
def test_json_that_is_not_an_object_is_not_a_job(body: str) -> None:
    assert problems(body) == [("", "INVALID_FIELD")]


@pytest.mark.parametrize("id_", ["a", "A_b-9", "x" * 64])
def test_a_job_id_has_up_to_64_plain_characters(id_: str) -> None:
    assert parse({"id": id_, "steps": []}).id == id_


@pytest.mark.parametrize("id_", ["", "x" * 65, "a b", "a#b", "a.b", "é", "a\n", 5])
def test_any_other_job_id_is_refused(id_: Any) -> None:
    assert problems({"id": id_, "steps": []}) == [("/id", "INVALID_ID")]


@pytest.mark.parametrize("id_", ["a", "é", "a b", "a_b", "x" * 64, "日" * 64, "a/b#c"])
def test_a_step_id_is_any_text_that_tags_can_reach(id_: str) -> None:
    assert parse({"steps": [{"action": "A", "id": id_}]}).steps[0]["id"] == id_


@pytest.mark.parametrize("id_", ["", "a.b", "_a", "a_", "_", "x" * 65])
def test_a_step_id_that_no_tag_could_reach_is_refused(id_: str) -> None:
    assert problems({"steps": [{"action": "A", "id": id_}]}) == [("/steps/0/id", "INVALID_ID")]


@pytest.mark.parametrize(("levels", "taken"), [(31, True), (32, True), (33, False)])
def test_lists_and_objects_may_nest_32_levels_deep(levels: int, taken: bool) -> None:
    if taken:
        parse(nested(levels))
    else:
        assert problems(nested(levels)) == [("/variables/v" + "/0" * (levels - 3), "NESTING_LIMIT_EXCEED")]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000, '{"steps":' + "[" * 900 + "]" * 900 + "}"])
def test_a_text_of_brackets_is_refused_without_using_up_the_stack(body: str) -> None:
    assert [code for _, code in problems(body)] == ["NESTING_LIMIT_EXCEED"]


@pytest.mark.parametrize(("size", "taken"), [(255, True), (256, True), (257, False)])
def test_a_payload_has_no_more_bytes_than_the_limit(size: int, taken: bool) -> None:
    if taken:
        parse(padded(size), PayloadLimits(size=256))
    else:
        with pytest.raises(PayloadTooLargeError):
            parse(padded(size), PayloadLimits(size=256))


def test_bytes_are_counted_and_not_characters() -> None:
    with pytest.raises(PayloadTooLargeError):
        parse('{"steps":[],"name":"' + "é" * 100 + '"}', PayloadLimits(size=200))


@pytest.mark.parametrize(
    "body", ["", "  ", "{", '{"steps":[]} x', "{'steps':[]}", b"\xff{}", '{"steps":[NaN]}', "\ud800"]
)
def test_malformed_json_and_json_that_is_not_a_job_are_different_errors(body: Any) -> None:
    with pytest.raises(InvalidJsonError) as raised:
        parse(body)
    assert raised.value.problems[-1].code == "INVALID_JSON"


@pytest.mark.parametrize("number", ["1e400", "-1e999", "9" * 4301, "-" + "9" * 4301])
def test_a_number_that_cannot_be_kept_is_refused_with_its_place(number: str) -> None:
    body = '{"steps":[],"variables":{"a":[0,' + number + "]}}"
    assert problems(body) == [("/variables/a/1", "UNUSABLE_VALUE")]


def test_an_integer_of_4300_digits_is_kept_exactly() -> None:
    number = int("9" * 4300)
    assert parse('{"steps":[],"variables":{"a":' + "9" * 4300 + "}}").variables == {"a": number}


def test_half_of_a_surrogate_pair_is_refused_with_its_place() -> None:
    body = r'{"steps":[],"variables":{"a":"\ud800","b\udc00":1,"c":"\ud83d\ude00"}}'
    assert problems(body) == [("/variables", "UNUSABLE_VALUE"), ("/variables/a", "UNUSABLE_VALUE")]


def test_a_key_that_comes_twice_is_refused_since_two_readers_could_see_two_jobs() -> None:
    body = '{"steps":[{"action":"SAFE","action":"OTHER"}],"steps":[]}'
    assert problems(body)[0] == ("/steps", "DUPLICATE_KEY")


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(b'\xef\xbb\xbf{"steps":[]}').steps == []


def test_problems_never_add_up_to_more_than_an_answer_holds() -> None:
    body = json.dumps({"steps": [], "variables": {"k" * 50_000: [float("inf")] * 5_000}}).replace("Infinity", "1e400")
    with pytest.raises(InvalidPayloadError) as raised:
        parse(body)
    assert sum(len(problem.pointer) for problem in raised.value.problems) < 2_000_000
    assert "more problems" in raised.value.problems[-1].message


@pytest.mark.parametrize(("count", "taken"), [(11, True), (12, True), (13, False)])
def test_numbers_that_grow_when_they_are_written_out_count_as_stored(count: int, taken: bool) -> None:
    body = '{"steps":[],"variables":{"v":[' + ",".join(["9e15"] * count) + "]}}"
    limits = PayloadLimits(size=len('"v":[') + 12 * len("9000000000000000.0,"))
    if taken:
        parse(body, limits)
    else:
        with pytest.raises(PayloadTooLargeError):
            parse(body, limits)


def test_the_same_job_written_differently_has_the_same_canonical_text() -> None:
    one = '{"steps":[{"action":"A","id":"\\u0061","timeout":5}],"id":"x","local_values":{}}'
    other = '{ "id" : "x", "parameters": {}, "steps" : [ {"id":"a", "timeout":5.0, "action":"A"} ] }'
    assert parse(one).canonical() == parse(other).canonical()


def test_the_order_of_a_users_own_keys_is_part_of_the_job() -> None:
    one, other = parse('{"steps":[],"variables":{"a":1,"b":2}}'), parse('{"steps":[],"variables":{"b":2,"a":1}}')
    assert one.canonical() != other.canonical()


def test_a_job_given_an_id_from_elsewhere_is_the_job_that_was_sent_with_it() -> None:
    assert parse({"steps": []}).with_id("k").canonical() == parse({"id": "k", "steps": []}).canonical()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_any_json_a_user_keeps_in_a_variable_comes_back_from_the_canonical_text(variables: dict[str, Any]) -> None:
    payload = parse(json.dumps({"steps": [], "variables": variables}))
    assert parse(payload.canonical()).variables == variables


def refusals(body: str | bytes) -> list[Problem] | None:
    """The problems of the body, or ``None`` if it is a job."""
    try:
        parse(body)
    except InvalidPayloadError as error:
        return error.problems
    return None


@settings(deadline=None)
@given(json_values | st.fixed_dictionaries({"steps": st.lists(json_values, max_size=3)}))
def test_any_json_is_a_job_or_a_list_of_problems_with_places(value: Any) -> None:
    found = refusals(json.dumps(value))
    assert found is None or (found and all(p.pointer == "" or p.pointer.startswith("/") for p in found))


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_a_job_or_a_list_of_problems(body: bytes | str) -> None:
    found = refusals(body)
    assert found is None or found
