"""Every operation, held against the wire cases of its description: by threads and by asyncio.

    llm-forge simulate --wire tests/wire.json

prints LLM_FORGE_WIRE_URL; the tests run where that variable is set. Each case has a base URL of its own. A
request that is not the one that the case demands is answered 400, with what differs.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SUITE = json.loads(Path(__file__).with_name("wire.json").read_text("utf-8"))
CASES = [pytest.param(case, id=case["id"]) for case in SUITE["cases"]]
URL = os.environ.get("LLM_FORGE_WIRE_URL")
pytestmark = pytest.mark.skipif(URL is None, reason="LLM_FORGE_WIRE_URL is not set; see the README")


@pytest.mark.parametrize("case", CASES)
def test_a_blocking_call_is_as_described(case: Mapping[str, Any], sdk: Any) -> None:
    with sdk.client(**_settings(case)) as client:
        if "error" not in case["outcome"]:
            assert _blocking(case, sdk, client) == _expected(case)
            return
        with pytest.raises(getattr(sdk.package, case["outcome"]["error"])) as raised:
            _blocking(case, sdk, client)
        _check(raised.value, case)


@pytest.mark.parametrize("case", CASES)
def test_an_awaited_call_is_as_described(case: Mapping[str, Any], sdk: Any) -> None:
    async def check() -> None:
        async with sdk.async_client(**_settings(case)) as client:
            if "error" not in case["outcome"]:
                assert await _awaited(case, sdk, client) == _expected(case)
                return
            with pytest.raises(getattr(sdk.package, case["outcome"]["error"])) as raised:
                await _awaited(case, sdk, client)
            _check(raised.value, case)

    asyncio.run(check())


def _settings(case: Mapping[str, Any]) -> dict[str, Any]:
    key = SUITE.get("credential")
    return {"base_url": f"{URL}/{case['id']}", **({"api_key": key} if key else {})}


def _blocking(case: Mapping[str, Any], sdk: Any, client: Any) -> Any:
    answer = _method(case, sdk, client)(**_arguments(case, sdk))
    match case["outcome"]["gives"]:
        case "stream":
            with answer as stream:
                count = sum(1 for _ in stream)
                return _plain(stream.result()), count, stream.completion
        case "binary":
            return answer.read()
        case "lines":
            return _plain(list(answer))
    return _plain(answer)


async def _awaited(case: Mapping[str, Any], sdk: Any, client: Any) -> Any:
    answer = _method(case, sdk, client)(**_arguments(case, sdk))
    match case["outcome"]["gives"]:
        case "stream":
            async with answer as stream:
                count = len([event async for event in stream])
                return _plain(await stream.result()), count, stream.completion
        case "binary":
            return await answer.read()
        case "lines":
            return _plain([line async for line in answer])
    return _plain(await answer)


def _method(case: Mapping[str, Any], sdk: Any, client: Any) -> Any:
    """The method of the operation, or the one that streams it."""
    found = client
    for name in (sdk.streams if case["streaming"] else sdk.methods)[case["operation"]].split("."):
        found = getattr(found, name)
    return found


def _arguments(case: Mapping[str, Any], sdk: Any) -> dict[str, Any]:
    """The arguments by their names in Python; `names` has those that differ from the wire."""
    names = sdk.names.get(case["operation"], {})
    given = dict(case["arguments"])
    body = given.pop("body", None)
    places = {**given, "body": body if isinstance(body, dict) and "" not in names else {}}
    found = {
        names.get(f"{place}.{wire}", wire): _ready(value)
        for place, values in places.items()
        for wire, value in values.items()
    }
    return {**found, names[""]: _ready(body)} if "" in names and body is not None else found


def _ready(value: Any) -> Any:
    """A value of the case with its files as bytes."""
    if isinstance(value, list):
        return [_ready(one) for one in value]
    if isinstance(value, dict):
        if value.keys() == {"$base64"}:
            return base64.b64decode(value["$base64"])
        return {name: _ready(one) for name, one in value.items()}
    return value


def _expected(case: Mapping[str, Any]) -> Any:
    outcome = case["outcome"]
    value = _ready(outcome.get("value"))
    return (value, outcome["events"], outcome["completion"]) if outcome["gives"] == "stream" else value


def _plain(value: Any) -> Any:
    """An answer as the JSON it came from."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value.to_dict() if hasattr(value, "to_dict") else value


def _check(error: Any, case: Mapping[str, Any]) -> None:
    outcome = case["outcome"]
    if outcome["gives"] == "stream" and "events" in outcome:
        assert error.events_seen == outcome["events"]
    else:
        assert error.status == outcome["status"]
