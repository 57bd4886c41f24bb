"""The template and the code that it deploys agree on settings and names."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import Any

import pytest

from handler.settings import Settings
from tests.template.reading import ROOT

Template = dict[str, Any]


@pytest.fixture(scope="module")
def variables(template: Template) -> dict[str, Any]:
    """The variables of both functions together: some settings belong to only one function."""
    variables: dict[str, Any] = dict(template["Globals"]["Function"]["Environment"]["Variables"])
    for function in ("ApiFunction", "WorkerFunction"):
        variables |= template["Resources"][function]["Properties"]["Environment"]["Variables"]
    return variables


def ours(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if not name.startswith(("POWERTOOLS_", "BLOCKS_"))}


def constant(path: str, name: str) -> Any:
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name and node.value is not None:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} has no {name}")


def test_every_setting_is_an_environment_variable_and_every_variable_a_setting(variables: dict[str, Any]) -> None:
    assert sorted(ours(variables)) == sorted(name.upper() for name in Settings.model_fields)


def test_a_parameters_default_is_the_default_of_its_setting(template: Template, variables: dict[str, Any]) -> None:
    names = {
        value["Ref"]: name for name, value in ours(variables).items() if isinstance(value, dict) and "Ref" in value
    }
    chosen = {name: parameter for name, parameter in template["Parameters"].items() if name in names}
    assert len(chosen) > 20
    required = {"TABLE_NAME": "t", "BUS_NAME": "b", "QUEUE_URL": "q", "DEAD_LETTER_QUEUE_URL": "d"}
    defaults = {names[name]: str(parameter["Default"]) for name, parameter in chosen.items()}
    assert Settings.from_environment({**required, **defaults}) == Settings.from_environment(required)


def test_a_parameter_that_is_named_like_a_setting_is_its_value(template: Template, variables: dict[str, Any]) -> None:
    """A parameter that reached no function would be accepted without any effect."""
    settings = {name.replace("_", ""): name for name in ours(variables)}
    chosen = {name: settings[name.upper()] for name in template["Parameters"] if name.upper() in settings}
    assert len(chosen) > 40
    for parameter, setting in chosen.items():
        if setting == "PAGE":  # only with JWT, so it depends on a condition
            continue
        assert variables[setting] == {"Ref": parameter}, setting


def test_every_parameter_says_what_it_is_and_is_used_and_has_its_place_in_the_console(template: Template) -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    placed = [name for group in groups for name in group["Parameters"]]
    assert sorted(placed) == sorted(template["Parameters"])
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"].endswith("."), name
        assert re.search(rf"!Ref {name}\b", text), name


def test_the_handler_is_a_function_that_exists(template: Template) -> None:
    module, _, function = template["Globals"]["Function"]["Handler"].rpartition(".")
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_both_functions_are_the_same_code(template: Template) -> None:
    for name in ("ApiFunction", "WorkerFunction"):
        function = template["Resources"][name]
        assert function["Metadata"] == {"BuildMethod": "makefile"}
        assert {"Handler", "CodeUri", "Runtime"}.isdisjoint(function["Properties"])


def test_each_function_takes_only_the_events_it_is_meant_for(template: Template) -> None:
    doors = {
        function: template["Resources"][function]["Properties"]["Environment"]["Variables"]["DOORS"]
        for function in ("ApiFunction", "WorkerFunction")
    }
    assert doors == {"ApiFunction": "http", "WorkerFunction": "sqs,schedule,direct"}


def test_the_build_is_for_the_runtime_and_processor_of_the_template(template: Template) -> None:
    assert template["Globals"]["Function"]["Runtime"] == f"python{constant('.ci/build.py', 'LAMBDA_PYTHON')}"
    assert template["Globals"]["Function"]["Architectures"] == ["arm64"]
    assert constant(".ci/build.py", "LAMBDA_PLATFORM").startswith("aarch64")


def test_a_call_over_http_ends_before_its_function_and_that_before_the_gateway_gives_up(template: Template) -> None:
    timeout = template["Resources"]["ApiFunction"]["Properties"]["Timeout"]
    body = template["Resources"]["Api"]["Properties"]["DefinitionBody"]
    integration = body["paths"]["/$default"]["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
    assert template["Parameters"]["HttpSeconds"]["MaxValue"] <= timeout < integration["timeoutInMillis"] / 1000 <= 30


def test_each_override_of_samconfig_is_a_parameter(template: Template) -> None:
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    for environment in ("default", "dev", "prod"):
        overrides = configuration[environment]["deploy"]["parameters"]["parameter_overrides"]
        for pair in overrides.split():
            assert pair.split("=")[0] in template["Parameters"], (environment, pair)
