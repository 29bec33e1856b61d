"""The native API's OpenAPI document: well formed, complete, and true to what the table says."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from longshore.core.errors import Invalid, NotFound, Problem, StorageFull
from longshore.http.kit.openapi import PROBLEM, Json, openapi, problems_of
from longshore.http.kit.operation import Call, Operation, Parameter, Who
from longshore.http.kit.problems import problem_object, status_of
from longshore.http.native.reference import native_reference
from longshore.http.native.table import PREFIX, native_operations

METHODS = {"get", "post", "put", "patch", "delete"}
SCHEMA_TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}


class Handlers:
    """Stands for the services' handlers, which a description never calls."""

    def __getattr__(self, name: str) -> Any:
        return answer_nothing


async def answer_nothing(call: Call[Any]) -> None: ...


@pytest.fixture(scope="module")
def table() -> list[Operation]:
    handlers: Any = Handlers()
    return native_operations(handlers, handlers, handlers, handlers)


@pytest.fixture(scope="module")
def document(table: list[Operation]) -> Json:
    return native_reference(table, server_url="http://files.test")


def described(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def nodes(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from nodes(one)
    elif isinstance(value, list):
        for one in value:
            yield from nodes(one)


def test_the_document_has_the_shape_of_openapi_3_1(document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(document) == {"openapi", "info", "servers", "tags", "paths", "components"}
    assert {"title", "version"} <= set(document["info"])
    assert document["servers"] == [{"url": "http://files.test"}]
    tags = [tag["name"] for tag in document["tags"]]
    assert len(tags) == len(set(tags))
    for path, method, operation in described(document):
        assert path.startswith("/")
        assert method in METHODS
        assert set(operation) <= {
            *("operationId", "summary", "tags", "security", "parameters", "responses", "requestBody")
        }
        assert set(operation["tags"]) <= set(tags)
        assert operation["responses"], operation["operationId"]
        for status, answer in operation["responses"].items():
            assert re.fullmatch("[1-5][0-9][0-9]", status)
            assert isinstance(answer["description"], str)
        for parameter in operation["parameters"]:
            assert parameter["in"] in {"path", "query", "header"}
            assert parameter["required"] is (parameter["in"] == "path")
            assert parameter["schema"]["type"] in SCHEMA_TYPES
        if "requestBody" in operation:
            assert method in {"post", "put", "patch"}
            assert set(operation["requestBody"]["content"]) == {"application/json"}


def test_it_is_json(document: Json) -> None:
    assert msgspec.json.decode(msgspec.json.encode(document)) == document


def test_every_path_parameter_is_described(document: Json) -> None:
    for path, _, operation in described(document):
        named = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
        assert named == re.findall(r"\{(\w+)\}", path)


def test_every_reference_resolves(document: Json) -> None:
    references = {node["$ref"] for node in nodes(document) if "$ref" in node}
    assert references <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert len(references) > 30


def test_no_schema_is_unused(document: Json) -> None:
    used = {node["$ref"].rsplit("/", 1)[1] for node in nodes(document) if "$ref" in node}
    assert set(document["components"]["schemas"]) == used


def test_every_security_scheme_resolves(document: Json) -> None:
    schemes = document["components"]["securitySchemes"]
    used = {name for _, _, operation in described(document) for way in operation["security"] for name in way}
    assert used == set(schemes)


def test_every_operation_is_there_once(document: Json, table: list[Operation]) -> None:
    ids = [operation["operationId"] for _, _, operation in described(document)]
    assert len(ids) == len(set(ids))
    assert sorted(ids) == sorted(operation.id for operation in table)
    for operation in table:
        assert document["paths"][PREFIX + operation.path][operation.method.lower()]["operationId"] == operation.id


def test_every_problem_code_is_listed_under_its_status(document: Json, table: list[Operation]) -> None:
    for operation in table:
        responses = document["paths"][PREFIX + operation.path][operation.method.lower()]["responses"]
        listed = {
            (int(status), code)
            for status, answer in responses.items()
            if int(status) >= 400
            for code in answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"][
                "enum"
            ]
        }
        assert listed == {(status_of(problem()), problem.code) for problem in problems_of(operation)}
        assert {problem.code for problem in operation.problems} <= {code for _, code in listed}


def test_every_problem_code_exists(document: Json) -> None:
    known = {problem.code for problem in leaves(Problem)}
    listed = {
        code
        for _, _, operation in described(document)
        for answer in operation["responses"].values()
        for code in re.findall(r"^- `([^`]+)`: ", answer["description"], re.MULTILINE)
    }
    assert listed <= known


def leaves(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for one in kind.__subclasses__():
        yield from leaves(one)


def test_problem_documents_fit_their_schema() -> None:
    problem = problem_object(NotFound("There is no such file"))

    assert set(PROBLEM["required"]) == set(problem) == set(PROBLEM["properties"])


def test_an_upload_is_requested_alone_or_in_a_batch(document: Json) -> None:
    operation = document["paths"]["/api/v1/uploads"]["post"]

    body = operation["requestBody"]["content"]["application/json"]["schema"]
    one = {"$ref": "#/components/schemas/NewUploadBody"}
    batch = next(way for way in body["anyOf"] if way != one)
    assert one in body["anyOf"]
    assert batch == {"type": "array", "items": one, "minItems": 1, "maxItems": 1000}
    answers = {
        status: operation["responses"][status]["content"]["application/json"]["schema"] for status in ("200", "201")
    }
    assert answers == {
        "200": {"$ref": "#/components/schemas/BatchAnswer"},
        "201": {"$ref": "#/components/schemas/UploadAnswer"},
    }
    assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]


def test_constraints_of_bodies_are_told(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["NewUploadBody"]["additionalProperties"] is False
    assert schemas["NewUploadBody"]["required"] == ["name", "type"]
    assert schemas["NewUploadBody"]["properties"]["position"]["maximum"] == 1_000_000


def test_events_are_told_with_what_they_carry(document: Json) -> None:
    answer = document["paths"]["/api/v1/uploads/{id}/events"]["get"]["responses"]["200"]

    schema = answer["content"]["text/event-stream"]["schema"]
    assert schema["contentSchema"] == {"$ref": "#/components/schemas/UploadStatus"}


def test_servers_only_says_so(document: Json) -> None:
    audit = document["paths"]["/api/v1/audit"]["get"]

    assert audit["security"] == [{"secretKey": []}]
    assert "grant-too-narrow" in audit["responses"]["403"]["description"]


def test_an_operation_without_body_and_answer() -> None:
    class Odd(Invalid):
        code = "odd"
        title = "Odd"

    operation = Operation(
        id="forget",
        method="DELETE",
        path="/things/{name}",
        summary="Forget",
        handler=answer_nothing,
        status=204,
        who=Who.SERVER,
        problems=(Odd, StorageFull),
        query=(Parameter(name="limit", about="How many", pattern="[0-9]+"),),
        tag="things",
    )

    document = openapi([operation], prefix="/p", title="T", version="1", server_url="http://x")

    described = document["paths"]["/p/things/{name}"]["delete"]
    assert described["responses"]["204"] == {"description": "No Content"}
    assert "requestBody" not in described
    assert "Retry-After" in described["responses"]["507"]["headers"]
    assert described["parameters"][1]["schema"] == {"type": "string", "pattern": "[0-9]+"}
    assert "- `odd`: Odd" in described["responses"]["400"]["description"]
