"""Prints the tests of a stand-alone SDK: a smoke test, and what its wire tests need to know of it."""

from __future__ import annotations

from pathlib import Path

from ...spec.wire import to_json
from ..suite import generated_suite
from ..support import PLACES
from . import layout
from .package_writer import methods_of
from .printing import documented, module
from .text import Quoted
from .view import Method, View

_WIRE_TEST = Path(__file__).resolve().parent / "stand_alone" / "tests" / "wire.test.ts"
# Where the wire cases call a place otherwise than the runtime does.
_CASE_PLACES = {runtime: case for case, runtime in PLACES.items()}
_FACTS = """/** Where a method takes what it is given, by wire name. */
export interface Facts {
  /** The method, and the one that streams. */
  readonly method?: string;
  readonly stream?: string;
  readonly path?: readonly string[];
  readonly body?: "whole" | "fields";
  /** Fields of the parameters that are not of the body: their place, and their name there. */
  readonly params?: Readonly<Record<string, readonly [place: string, wire: string]>>;
}"""


def write_tests(view: View) -> dict[str, str]:
    """The files below tests/."""
    return {
        "client.test.ts": _smoke(view),
        "operations.ts": _operations(view),
        "wire.json": to_json(generated_suite(view.api)),
        "wire.test.ts": _WIRE_TEST.read_text(encoding="utf-8"),
    }


def _operations(view: View) -> str:
    facts = layout.obj({method.operation.name: _facts(path, method) for path, method in methods_of(view)})
    made = layout.broken("export const OPERATIONS: Readonly<Record<string, Facts>> = ", facts, ";")
    parts = [_FACTS.split("\n"), [*documented("Every operation of the SDK, by its name."), *made]]
    return module(view, parts, "What the wire tests need to know of this SDK.")


def _facts(path: str, method: Method) -> layout.Node:
    streaming = method.streaming
    params = None
    if method.params is not None:
        params = {
            one.key: [_CASE_PLACES[place], one.wire]
            for place, taken in method.params.places.items()
            for one in taken
        }
    return layout.obj(
        {
            "method": None if method.only_streams else Quoted(f"{path}.{method.name}"),
            "stream": None if streaming is None else Quoted(f"{path}.{streaming.name}"),
            "path": layout.data([one.wire for one in method.path]) if method.path else None,
            "body": Quoted("whole")
            if method.body is not None
            else Quoted("fields")
            if method.sends_fields
            else None,
            "params": None if params is None else layout.data(params),
        }
    )


def _smoke(view: View) -> str:
    resources = layout.array(Quoted(attribute) for attribute, _ in view.children)
    head = [
        'import assert from "node:assert/strict";',
        'import { test } from "node:test";',
        "",
        f'import {{ {view.client} }} from "../src/index.js";',
    ]
    body = [
        'test("the client has its resources", async () => {',
        f'  const client = new {view.client}({{ apiKey: "test:key", baseURL: "https://127.0.0.1" }});',
        *layout.lines("const resources: readonly string[] = ", resources, ";", "  "),
        "  assert.deepEqual(",
        "    resources.filter((name) => !(name in client)),",
        "    [],",
        "  );",
        "  await client.close();",
        "});",
    ]
    return module(
        view, [head, body], "The client can be made and closed, and has the resources of the description."
    )
