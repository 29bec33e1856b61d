"""The description of a table of operations: OpenAPI 3.1, made from the same lines that decode and route.

Schemas come from msgspec (JSON Schema 2020-12, which 3.1 speaks natively). Problems are one schema, and each response
of an operation lists the codes that it can carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from longshore.core.errors import Busy, Problem, Throttled, Unauthenticated
from longshore.core.principal import GrantTooNarrow, TokenExpired, TokenInvalid
from longshore.http.kit.operation import Operation, Parameter, Who
from longshore.http.kit.problems import BodyInvalid, BodyTooLong, QueryInvalid, status_of

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_ANSWERS_LATER = {429, 503, 507}

#: How a caller proves who it is, as `services/access.py` tells them apart.
SECURITY: Mapping[str, Json] = {
    "secretKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "A project's secret key. For servers only: it may do everything in its project.",
    },
    "uploadToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A short-lived JWT that the application signs for one uploader: HS256 with the SHA-256 digest "
        "of a secret key, `iss` the public key, `aud` `longshore`, `sub` the uploader, `exp`.",
    },
    "ownToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The write token or the read token that an upload was answered with; good for that upload only.",
    },
    "publicKey": {
        "type": "apiKey",
        "in": "query",
        "name": "pub_key",
        "description": "A project's public key: for browsers, allows what the project lets everybody do.",
    },
}

PROBLEM: Json = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). Switch on `code`; `detail` is a sentence for people. Some codes come "
    "with further members.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "`urn:longshore:problem:` and the code"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code"],
    "additionalProperties": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What the table's line does not say: further answers by status, and request headers."""

    answers: Mapping[int, Any] = field(default_factory=dict[int, Any])
    headers: tuple[Parameter, ...] = ()


def openapi(
    operations: Sequence[Operation],
    *,
    prefix: str,
    title: str,
    version: str,
    server_url: str,
    description: str = "",
    extras: Mapping[str, Extra] | None = None,
) -> Json:
    """The document as JSON-safe values, paths and tags in the order of the table. `extras` goes by operation id."""
    given = extras or {}
    types = [_types(operation, given.get(operation.id, Extra())) for operation in operations]
    schemas, components = msgspec.json.schema_components(
        [one for many in types for one in many], schema_hook=_anything, ref_template=_REF
    )
    made = iter(schemas)
    paths: Json = {}
    for operation, its_types in zip(operations, types, strict=True):
        its_schemas = [next(made) for _ in its_types]
        paths.setdefault(prefix + operation.path, {})[operation.method.lower()] = _operation(
            operation, its_schemas, given.get(operation.id, Extra())
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": server_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "securitySchemes": dict(SECURITY),
        },
    }


def _anything(unknown: type) -> Json:
    if unknown is object:
        return {"description": "Any JSON value"}
    raise NotImplementedError


def _types(operation: Operation, extra: Extra) -> list[Any]:
    """Body, answer, further answers: those that there are, in this order."""
    return [one for one in (operation.body, operation.answer, *extra.answers.values()) if one is not None]


def _operation(operation: Operation, schemas: Sequence[Json], extra: Extra) -> Json:
    left = iter(schemas)
    body = next(left) if operation.body is not None else None
    answer = next(left) if operation.answer is not None else None
    responses = {str(operation.status): _answer(operation.status, answer, operation.answer_type)}
    responses |= {str(status): _answer(status, next(left)) for status in extra.answers}
    described: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [{name: []} for name in _security(operation)],
        "parameters": [
            *(_path_parameter(name) for name in _PARAMETER.findall(operation.path)),
            *(_parameter(one, "query") for one in operation.query),
            *(_parameter(one, "header") for one in extra.headers),
        ],
        "responses": {**dict(sorted(responses.items())), **_problems(problems_of(operation))},
    }
    if body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return described


def _security(operation: Operation) -> Sequence[str]:
    if operation.who is Who.SERVER:
        return ("secretKey",)
    if "{id}" in operation.path:
        return ("secretKey", "uploadToken", "ownToken")
    return ("secretKey", "uploadToken", "publicKey")


def _path_parameter(name: str) -> Json:
    schema: Json = {"type": "string"}
    if name == "id":
        schema["format"] = "uuid"
    elif name.endswith("_id") and name != "record_id":
        schema = {"type": "integer"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(parameter: Parameter, place: str) -> Json:
    return {
        "name": parameter.name,
        "in": place,
        "required": False,
        "description": parameter.about,
        "schema": {"type": "string"} | ({"pattern": parameter.pattern} if parameter.pattern != ".*" else {}),
    }


def _answer(status: int, schema: Json | None, media_type: str = "application/json") -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        if media_type != "application/json":
            # what stands in each event's `data`
            schema = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
        answer["content"] = {media_type: {"schema": schema}}
    return answer


def problems_of(operation: Operation) -> Sequence[type[Problem]]:
    """The operation's own problems and those that every operation of its sort can answer, each once."""
    ordinary: list[type[Problem]] = [Unauthenticated, TokenExpired, TokenInvalid]
    if operation.who is Who.SERVER:
        ordinary.append(GrantTooNarrow)
    if operation.body is not None:
        ordinary += [BodyInvalid, BodyTooLong]
    if operation.query:
        ordinary.append(QueryInvalid)
    return tuple(dict.fromkeys([*operation.problems, *ordinary, Throttled, Busy]))


def _problems(problems: Iterable[type[Problem]]) -> Json:
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        by_status.setdefault(status_of(problem()), []).append(problem)
    return {str(status): _problem_answer(status, by_status[status]) for status in sorted(by_status)}


def _problem_answer(status: int, problems: Sequence[type[Problem]]) -> Json:
    codes = "\n".join(f"- `{problem.code}`: {problem.title}" for problem in problems)
    schema: Json = {
        "allOf": [
            {"$ref": _REF.format(name="Problem")},
            {
                "properties": {
                    "status": {"const": status},
                    "code": {"enum": [problem.code for problem in problems]},
                }
            },
        ]
    }
    answer: Json = {"description": codes, "content": {"application/problem+json": {"schema": schema}}}
    if status in _ANSWERS_LATER:
        answer["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    return answer
