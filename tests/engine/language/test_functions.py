"""The functions of expressions: the details of each, and the arguments that it refuses."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from handler.engine.language.functions import FUNCTIONS

VALUES = """
abs(-2.5) = 2.5
ceil(1.2) = 2
floor(-1.2) = -2
int(2.9) = 2
int(-2.9) = -2
int('12.7') = 12
int('1e3') = 1000
int('x', 7) = 7
int(true, null) = null
int('-0.4') = 0
int('-12345') = -12345
range(3.0) = [0, 1, 2]
parse_json(5, default=1) = 1
float('2') = 2.0
float(3) = 3.0
float('1e999', 'big') = "big"
min(3, 1.5, 2) = 1.5
max([1, 2]) = 2
max('a', 'b') = "b"
sum([]) = 0
sum([0.1, 0.2, 1]) = 1.3
round(2.5) = 3
round(-2.5) = -3
round(2.675, 2) = 2.68
round(1.5, 0) = 2.0
round(25, -1) = 30.0
round(12345, -2) = 12300.0
round(-0.001, 2) = 0.0
round(7) = 7
fixed(2.675, 2) = "2.68"
fixed(2, 2) = "2.00"
fixed(2.5, 0) = "3"
fixed(-0.001, 2) = "0.00"
fixed(1e21, 0) = "1000000000000000000000"
fixed(155, -1) = "160"
str(true) = "true"
str([1, 'a', null]) = "[1, \\"a\\", null]"
str(2.0) = "2.0"
str('x') = "x"
str({'ä': 1}) = "{\\"ä\\": 1}"
len('äö') = 2
len({'a': 1}) = 1
lower('ÄB') = "äb"
upper('straße') = "STRASSE"
trim('  a ') = "a"
split('a  b ') = ["a", "b"]
split('a,b', sep=',') = ["a", "b"]
join([1, true, 'x', null], ', ') = "1, true, x, null"
join(x for x in ['a', 'b']) = "ab"
replace('aaa', 'a', 'bb') = "bbbbbb"
replace('ab', '', '-') = "-a-b-"
startswith('abc', 'ab') = true
endswith('abc', 'bc') = true
contains('abc', 'b') = true
matches('order 42', '[0-9]+') = true
matches('order', '^\\\\d') = false
find('a1b22', '\\\\d+') = "1"
find('abc', 'x') = null
find_all('a1b22', '\\\\d+') = ["1", "22"]
find_all('ab', '(a)(b)') = ["ab"]
sub('a1b22', '(\\\\d+)', '<\\\\1>') = "a<1>b<22>"
first([], 1) = 1
first([2, 3]) = 2
first([]) = null
last([2, 3]) = 3
last([], default='x') = "x"
sorted([3, 1.5, 2]) = [1.5, 2, 3]
sorted(['b', 'a'], reverse=true) = ["b", "a"]
[r.n for r in sorted(parameters.rows, 'k')] = [1, 2, 1]
[r.n for r in sorted(parameters.rows, 'k', true)] = [2, 1, 1]
[r.k for r in sorted(parameters.rows, key='n')] = ["a", "b", "b"]
unique([1, 1.0, true, '1', [1], [1.0], {'a': 1, 'b': 2}, {'b': 2, 'a': 1}]) = [1, true, "1", [1], {"a": 1, "b": 2}]
flatten([1, [2, [3]], []]) = [1, 2, [3]]
range(3) = [0, 1, 2]
range(1, 3) = [1, 2]
range(-1) = []
range(3, 1) = []
any([0, '', 1]) = true
all([]) = true
count([1, 1.0, true], 1) = 2
group(parameters.rows, 'k').b[1].n = 1
group([{'k': true}, {'k': 1.5}], 'k') = {"true": [{"k": true}], "1.5": [{"k": 1.5}]}
index(parameters.rows, 'k').b.n = 1
keys({'a': 1}) = ["a"]
values({'a': 1}) = [1]
items({'a': 1}) = [{"key": "a", "value": 1}]
merge({'a': 1, 'b': 1}, {'b': 2}) = {"a": 1, "b": 2}
get({'a': [{'b': null}]}, 'a.0.b', 1) = null
get([1, 2], '-1') = 2
get([1, 2], 5, 'd') = "d"
get('abc', '0') = "a"
get(job, 'id') = "j"
default(null, 1) = 1
default(0, 1) = 0
type(1) + type('') + type(true) + type(null) + type([]) + type({}) = "numberstringbooleannulllistobject"
type(job) = "object"
try(int('x'), 0) = 0
json('a"b') = "\\"a\\\\\\"b\\""
json({'a': [1, 2]}) = "{\\"a\\": [1, 2]}"
parse_json('{"a": 1e2}') = {"a": 100.0}
parse_json('x', null) = null
now() = "2026-11-26T19:00:00.250Z"
epoch('1970-01-01T01:00:10.5+01:00') = 10.5
epoch(now()) = 1795719600.25
time(0) = "1970-01-01T00:00:00.000Z"
time(epoch('2024-02-29T12:00:00Z')) = "2024-02-29T12:00:00.000Z"
"""

REFUSALS = """
abs('1') | takes a number, not a string
round(true) | takes a number, not a boolean
round(1, 31) | between -30 and 30
round(1, 0.5) | whole number
round(1, 10000000000000000000000) | between -30 and 30
int('1_0') | JSON number
int(' 1') | JSON number
int(null) | not null
float([]) | not a list
float('1e999') | too large
min([]) | empty list
min([1, 'a']) | cannot compare a number with a string
max(true, false) | has no order
max(1) | takes a list
sum(['a']) | takes a number
sum([1e308, 1e308]) | too large
len(5) | not a number
lower(null) | takes a string, not null
split('a', '') | not empty
join('abc') | takes a list
contains([1], 1) | write `x in list`
startswith('a', 1) | takes a string
matches('a', '(') | not a valid regular expression
sub('a', 'a', '\\\\2') | group
sorted([1, 'a']) | cannot compare
sorted([[1], [2]]) | a list has no order
sorted([true]) | a boolean has no order
sorted([{'a': 1}, {'b': 1}], 'a') | item 1 has no `a`
sorted([1], 'a') | item 0 is a number
sorted([1], reverse=1) | true or false
group([{'a': 1}, {}], 'a') | item 1 has no `a`
index([5], 'a') | item 0 is a number
group([{'a': 1}], 1) | name of a key
range(1.5) | whole number
range('3') | whole number
first('abc') | takes a list
keys([1]) | takes an object
merge({}, []) | takes an object, not a list
get({}, true) | path
parse_json('nope') | not JSON
parse_json('NaN') | not JSON
parse_json('[1e999]') | too large
parse_json(5) | takes a string
epoch('2026-11-26T19:00:00') | offset
epoch('2026-02-30T19:00:00Z') | no such time
epoch(5) | takes a string
time(1e15) | years 1 and 9999
time('x') | takes a number
"""


@pytest.mark.parametrize("line", VALUES.strip().splitlines())
def test_a_function_gives(evaluate: Callable[..., Any], line: str) -> None:
    text, value = line.rsplit(" = ", 1)
    assert json.dumps(evaluate(text), sort_keys=True) == json.dumps(json.loads(value), sort_keys=True)


@pytest.mark.parametrize("line", REFUSALS.strip().splitlines())
def test_a_function_refuses(refusal: Callable[..., str], line: str) -> None:
    text, message = line.rsplit(" | ", 1)
    said = refusal(text)
    assert message in said
    assert said.startswith("column 4: "), said


def test_the_parameters_of_a_function_are_those_of_its_code() -> None:
    for name, function in FUNCTIONS.items():
        if function.call is None or function.most is None:
            continue
        meter, *parameters = inspect.signature(function.call).parameters.values()
        assert meter.name == "meter"
        assert tuple(parameter.name for parameter in parameters) == function.parameters, name
        optional = sum(parameter.default is not inspect.Parameter.empty for parameter in parameters)
        assert len(parameters) - optional == function.required, name
