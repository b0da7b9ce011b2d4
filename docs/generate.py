"""Writes the pages that the code itself documents: `make docs`."""

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jobs.database import embedded_url
from jobs.engine import JobQueue
from jobs.renderings import Renderings
from jobs.stores import open_store
from pipeline.media.sandbox import Sandbox
from service.app import create_app
from service.errors import INTERNAL_ERROR, KINDS, InvalidRequest
from service.settings import FORMER_PREFIX, PREFIX, Settings

Schema = Mapping[str, Any]

FOLDER = Path(__file__).parent
PROBLEM = "application/problem+json"
DEFAULT_DESCRIPTION = "Successful Response"
FILES = "GET /jobs/{job_id}/files/"
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
NOTE = "<!-- Written by `make docs` from the code: change it there. -->"
CONFIGURATION = f"""
Settings are environment variables, the same for the API and the workers; with a value out of range
the service refuses to start, and the log warns of each unknown name that starts with `{PREFIX}`.
The prefix of earlier versions, `{FORMER_PREFIX}`, is read for one more release. Names end in their
unit (`_S`: seconds). More on [API keys](operations.md#api-keys),
[webhooks](operations.md#webhooks), the [object store](operations.md#object-store) and
[devices](performance.md#cpu).
"""
ERRORS = """
Every error is a problem of RFC 9457, `application/problem+json`:

```json
{example}
```

`type` is an address that explains it; `detail` says what was received and what is wanted, `faults`
the same for each wrong value of a request, `job_id` which job it is about. A job that fails has one
as its `problem`, such as `broken-video`, `decoder-failed` or `job-timeout`. The last part of `type`
never changes and is one of:
"""
API = """
With examples at `/docs`, from `/openapi.json`; the [guide](guide.md) shows its use. `X-Request-ID`
(up to 64 letters, digits, `.`, `_`, `-`) is kept or made, and stands in the answer, in
[errors](errors.md) and in the log. Where there are [API keys](operations.md#api-keys), `/segment`
and `/jobs` need `Authorization: Bearer KEY`; most requests to them may answer"""


def configuration() -> str:
    """Return the page of settings, from the class that holds them."""
    settings = Settings.model_json_schema()["properties"]
    # Without their kinds and bounds: who gets one wrong is told what is wanted.
    lines = (
        _described(PREFIX + name.upper(), schema | {"type": None})
        for name, schema in settings.items()
    )
    return _page("Configuration", CONFIGURATION, "\n".join(lines))


def errors() -> str:
    """Return the page of errors, from the table that answers them."""
    meanings = {kind: inspect.getdoc(error) or "" for error, kind in KINDS.items()}
    meanings[INTERNAL_ERROR] = "A fault of the service; the log has it under this `request_id`."
    wrong = KINDS[InvalidRequest]
    example = {
        "type": wrong.type,
        "title": wrong.title,
        "status": wrong.status,
        "detail": wrong.example,
        "request_id": "5f0c3b1e9a7d4c62",
    }
    lines = (
        f"- `{kind.slug}` ({kind.status}): {_first(meanings[kind])}"
        for kind in sorted(meanings, key=lambda kind: (kind.status, kind.slug))
    )
    return _page("Errors", ERRORS.format(example=json.dumps(example, indent=2)), "\n".join(lines))


def api() -> str:
    """Return the page of requests and of what they answer, from the OpenAPI document."""
    document = openapi_document()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    of_jobs = [each for name, each in operations.items() if re.search("/segment|/jobs", name)]
    counts = Counter(problem for each in of_jobs for problem in _problems(each))
    usual = {problem for problem, count in counts.items() if 2 * count > len(of_jobs)}
    schemas = document["components"]["schemas"]
    for operation in of_jobs:
        for body in operation.get("requestBody", {}).get("content", {}).values():
            name = body["schema"].get("$ref", "VideoOptions").rpartition("/")[2]
            body["schema"] = schemas[name]  # of a bare video: the options in the query
    named = sorted(_reached(operations["POST /segment"]["responses"], schemas))
    files = [each for name, each in operations.items() if name.startswith(FILES)]
    others = {name: each for name, each in operations.items() if not name.startswith(FILES)}
    return _page(
        "API",
        f"{API.strip()} {', '.join(sorted(usual))}.",
        *("\n".join(_operation(name, each, usual)) for name, each in others.items()),
        "\n".join(_files(files, usual)),
        "## Objects",
        "\n".join(_object(name, schemas[name]) for name in named),
    )


PAGES = {"api.md": api, "configuration.md": configuration, "errors.md": errors}


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the service as it is by default."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store(folder, None, 0)
        with closing(JobQueue(embedded_url(folder), store)) as queue, closing(Sandbox()) as sandbox:
            return create_app(Settings(), queue, Renderings(store, 1), sandbox).openapi()


def _operation(name: str, operation: Mapping[str, Any], usual: set[str]) -> Iterator[str]:
    yield f"## {name}\n"
    yield f"{operation['summary']}. {_first(operation.get('description', ''))}".rstrip() + "\n"
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "Prefer" and name != "POST /segment":
            yield f"- `{parameter['name']}`"
        elif parameter["in"] != "path":
            yield _described(parameter["name"], parameter["schema"] | parameter)
    yield from _body(operation.get("requestBody", {}).get("content", {}))
    for status, answer in sorted(operation["responses"].items()):
        if status < "400":
            words = _line(answer["description"]).removesuffix(".").replace(DEFAULT_DESCRIPTION, "")
            yield f"- **{status}** {': '.join(filter(None, [words, _content(answer)]))}"
    if problems := [each for each in _problems(operation) if each not in usual]:
        yield f"- **Errors** {', '.join(problems)}"


def _files(operations: Iterable[Mapping[str, Any]], usual: set[str]) -> Iterator[str]:
    """Describe what the files that a result may become have in common."""
    yield f"## {FILES}NAME\n"
    yield "Get a result in one of the [formats](formats.md), waited for as `Prefer` says.\n"
    problems = dict.fromkeys(each for operation in operations for each in _problems(operation))
    yield f"- **Errors**, by format: {', '.join(each for each in problems if each not in usual)}"


def _problems(operation: Mapping[str, Any]) -> list[str]:
    """Return the errors that an operation may answer, by status."""
    return [
        f"`{slug}`"
        for status, answer in sorted(operation["responses"].items())
        for slug in sorted(answer.get("content", {}).get(PROBLEM, {}).get("examples", ()))
        if status != "default"
    ]


def _body(content: Mapping[str, Any]) -> Iterator[str]:
    """Describe a request's body: what differs between its media types, then what they share."""
    fields = {kind: each["schema"].get("properties", {}) for kind, each in content.items()}
    shared = set.intersection(*map(set, fields.values())) if fields else set()
    for kind, properties in fields.items():
        for name, schema in properties.items():
            if name not in shared:
                yield _described(name, schema, f"`{kind}`")
    for name, schema in next(iter(fields.values()), {}).items():
        if name in shared:
            yield _described(name, schema)


def _content(answer: Mapping[str, Any]) -> str:
    """Name what an answer holds: its schemas, or else its media types."""
    content = answer.get("content", {}).items()
    kinds = [_type(each.get("schema", {})) or f"`{kind}`" for kind, each in content]
    return ", ".join(dict.fromkeys(kinds))


def _object(name: str, schema: Schema) -> str:
    fields = ", ".join(f"`{field}`" for field in schema.get("properties", {}))
    values = " or ".join(f"`{value}`" for value in schema.get("enum", ()))
    return f"- **{name}**: {fields or values}"


def _described(name: str, schema: Schema, media_type: str = "") -> str:
    """Return a line on a parameter, an option, a setting or a field."""
    facts = [media_type, _type(schema)]
    if schema.get("default") not in (None, [], ""):
        facts.append(f"default `{json.dumps(schema['default']).strip(chr(34))}`")
    known = ", ".join(filter(None, facts))
    text = _line(schema.get("description", ""))
    return f"- `{name}`" + (f" ({known})" if known else "") + (f": {text}" if text else "")


def _type(schema: Schema) -> str:
    """Name what a schema allows, with its bounds; nothing where that goes without saying."""
    text = ""
    match schema:
        case {"$ref": str(reference)}:
            text = reference.rpartition("/")[2]
        case {"const": str(value)}:
            text = f"`{value}`"
        case {"enum": values}:
            text = " or ".join(f"`{value}`" for value in values)
        case {"anyOf": choices} | {"oneOf": choices}:
            text = " or ".join(filter(None, map(_type, choices)))
        case {"items": {"$ref": _} as items}:
            text = f"list of {_type(items)}"
        case {"type": "number" | "integer" as kind}:
            bounds = [f"{sign} {schema[key]:.9g}" for key, sign in BOUNDS.items() if key in schema]
            text = f"{kind} {', '.join(bounds)}".strip()
    return text


def _reached(node: object, schemas: Mapping[str, Schema]) -> set[str]:
    """Find the schemas that a part of the document refers to, and those that these refer to."""
    match node:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return {name} | _reached(schemas[name], schemas)
        case Mapping():
            return set().union(*(_reached(each, schemas) for each in node.values()))
        case list():
            return set().union(*(_reached(each, schemas) for each in node))
        case _:
            return set()


def _first(text: str) -> str:
    """Return the first paragraph of a docstring."""
    return _line(text.split("\n\n", maxsplit=1)[0])


def _line(text: str) -> str:
    return " ".join(text.split())


def _page(title: str, *parts: str) -> str:
    text = "\n\n".join(part.strip() for part in parts)
    return f"# {title}\n\n{NOTE}\n\n{text}\n"


if __name__ == "__main__":
    for page, write in PAGES.items():
        (FOLDER / page).write_text(write())
