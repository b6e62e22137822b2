"""Files at absolute URLs that an answer named."""

from __future__ import annotations

import pytest

from llm_forge.core.errors import InvalidRequestError, RedirectError
from llm_forge.runtime.scripted import Answer
from tests.runtime.kit import Acme, client


def file() -> Answer:
    return Answer(200, [("content-type", "application/jsonl")], [b"{}\n"])


def sent(acme: Acme) -> dict[str, str]:
    return dict(acme.world.requests[-1].headers)


@pytest.mark.requirement("R-241")
@pytest.mark.requirement("R-032")
@pytest.mark.parametrize(
    ("url", "trusted", "credential"),
    [
        ("https://api.acme.test/files/1?sig=x", [], True),
        ("https://files.acme.test/1", [], False),
        ("https://api.acme.test:444/1", [], False),
        ("https://files.acme.test/1", ["https://files.acme.test"], True),
    ],
)
def test_only_trusted_origins_get_the_credential(url: str, trusted: list[str], credential: bool) -> None:
    acme = client(file(), trusted_origins=trusted, headers={"api-key": "canary-key"})
    assert acme.download_url(url).read() == b"{}\n"
    assert acme.world.requests[0].url == url
    assert ("authorization" in sent(acme)) is credential
    assert ("canary-key" in str(sent(acme))) is credential


@pytest.mark.parametrize(
    "url",
    [
        "/files/1",
        "file:///etc/passwd",
        "http://files.acme.test/1",
        "https://user:secret@files.acme.test/1",
        "https://files.acme.test/1\r\nx: y",
        "https://[oops/1",
    ],
)
def test_what_is_no_safe_link_is_refused_before_anything_is_sent(url: str) -> None:
    acme = client(file())
    with pytest.raises(InvalidRequestError) as caught:
        acme.download_url(url)
    assert "secret" not in str(caught.value)
    assert acme.world.requests == []


@pytest.mark.requirement("R-041")
def test_a_link_is_not_redirected_to_another_origin() -> None:
    acme = client(Answer(302, [("location", "https://evil.test/x")], []))
    with pytest.raises(RedirectError):
        acme.download_url("https://files.acme.test/1").read()


@pytest.mark.requirement("R-232")
def test_a_trace_context_goes_to_trusted_origins_only() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    acme = client(file(), file(), trusted_origins=["https://files.acme.test"])
    for host in ("files.acme.test", "elsewhere.test"):
        acme.download_url(f"https://{host}/1", trace_parent=trace).read()
    carried = [dict(request.headers).get("traceparent") for request in acme.world.requests]
    assert carried == [trace, None]
