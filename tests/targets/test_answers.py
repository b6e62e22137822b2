"""A generated SDK whose operations answer with arrays, scalars, null and nothing, against a local server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from llm_forge import spec
from llm_forge.targets import generate
from llm_forge.targets.support import answer, reason
from tests.shared import ROOT
from tests.targets.test_sdk import run

CASE = ROOT / "golden" / "array-and-empty" / "description.yaml"
BODIES = {
    "GET /v1/pets": b'[{"id": "1", "name": "Ada"}, {"id": "2", "name": "Bo"}]',
    "GET /v1/pets/count": b"2",
    "GET /v1/pets/names": b'["Ada", "Bo"]',
    "GET /v1/pets/oldest": b"null",
    "POST /v1/pets": b'{"id": "3", "name": "Cy"}',
    "GET /v1/pets/anything": b"[true]",
}
CHECKS = """
    pets = {wait}client.pets.list()
    assert type(pets) is list and [type(pet) for pet in pets] == [models.Pet, models.Pet]
    assert [pet.name for pet in pets] == ["Ada", "Bo"]
    assert ({wait}client.pets.create(name="Cy")).id == "3"
    assert ({wait}client.pets.delete("1")) is None
    count = {wait}client.pets.count()
    assert type(count) is int and count == 2
    assert ({wait}client.pets.names()) == ["Ada", "Bo"]
    assert ({wait}client.pets.oldest()) is None
    assert ({wait}client.pets.anything()) == [True]
    print("done")
"""


class Shop(BaseHTTPRequestHandler):
    """A shop of two pets; deleting one answers 204."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.reply(200, BODIES[f"GET {self.path}"])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.reply(201, BODIES[f"POST {self.path}"])

    def do_DELETE(self) -> None:
        assert self.path == "/v1/pets/1"
        self.send_response(204)
        self.end_headers()

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    found = HTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}/v1"
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    report = generate(spec.load(CASE), "python", tmp_path / "out", "pets_sdk")
    assert report.notices == ()
    return tmp_path / "out"


def test_a_blocking_client_returns_lists_scalars_and_none(sdk: Path, server: str) -> None:
    program = (
        "from pets_sdk import Pets\nfrom pets_sdk.clients.pets import models\n"
        f"with Pets(api_key='k', base_url={server!r}) as client:{CHECKS.format(wait='')}"
    )
    assert run(sdk, "-c", program) == "done\n"


def test_an_asyncio_client_returns_lists_scalars_and_none(sdk: Path, server: str) -> None:
    checks = CHECKS.format(wait="await ").replace("\n    ", "\n        ")
    program = (
        "import asyncio\nfrom pets_sdk import AsyncPets\nfrom pets_sdk.clients.pets import models\n"
        f"async def main():\n    async with AsyncPets(api_key='k', base_url={server!r}) as client:{checks}"
        "asyncio.run(main())\n"
    )
    assert run(sdk, "-c", program) == "done\n"


OBJECT = "{type: object, properties: {id: {type: string}}}"


@pytest.mark.parametrize(
    ("schema", "promised"),
    [
        (OBJECT, "object"),
        ("{type: object, additionalProperties: {type: string}}", "object"),
        (f"{{anyOf: [{OBJECT}, {{type: object, required: [name], properties: {{name: {{}}}}}}]}}", "object"),
        (f"{{anyOf: [{OBJECT}, {{type: 'null'}}]}}", "json"),
        (f"{{anyOf: [{OBJECT}, {{type: string}}]}}", "json"),
        (f"{{type: array, items: {OBJECT}}}", "json"),
        ("{type: boolean}", "json"),
        ("{}", "json"),
    ],
)
def test_an_answer_that_may_be_no_object_is_promised_as_json(
    schema: str, promised: str, tmp_path: Path
) -> None:
    document = (
        "openapi: 3.1.0\ninfo: {title: One, version: '1'}\npaths:\n  /one:\n    get:\n"
        "      operationId: one.get\n"
        "      responses: {'200': {description: OK, content: {application/json: {schema: " + schema + "}}}}\n"
    )
    (tmp_path / "one.yaml").write_text(document)
    api = spec.load(tmp_path / "one.yaml")
    (operation,) = api.operations()
    assert (reason(api, operation), answer(api, operation)) == ("", promised)
