"""What reaches a log: nothing by default, no body below DEBUG, and never a secret (R-231)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llm_forge import Anthropic, AsyncAnthropic, ForgeError, Logging
from llm_forge.core.call_context import CallContext
from llm_forge.runtime.events import Event
from llm_forge.runtime.logs import line_of
from llm_forge.simulator import Fault, Simulator
from tests.runtime.kit import CHAT as STREAMED
from tests.runtime.kit import DONE, call, client, delta, failed, ok, sse

KEY = "sk-ant-canary-0123456789"
ANSWER = "a private answer"
ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": f"say: {ANSWER}"}],
}


class Lines(logging.Handler):
    """Everything that any logger says, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.name, record.levelno, self.format(record)))

    def text(self) -> str:
        return "\n".join(line for _, _, line in self.lines)

    def of(self, name: str, level: int) -> list[str]:
        return [line for logger, at, line in self.lines if (logger, at) == (name, level)]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root, handler = logging.getLogger(), Lines()
    before, root.level = root.level, logging.DEBUG
    root.addHandler(handler)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]  # levels are cached
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=7) as running:
        running.faults.add(Fault(provider="anthropic", drop="reset", times=1))
        yield running


def blocking(**options: Any) -> None:
    with Anthropic(**options) as llm:
        llm.messages.create(**ASK)
        llm.messages.stream(**ASK).result()
        with pytest.raises(ForgeError):
            llm.messages.create(**{**ASK, "model": "missing-model"})


def on_a_loop(**options: Any) -> None:
    async def main() -> None:
        async with AsyncAnthropic(**options) as llm:
            await llm.messages.create(**ASK)
            await llm.messages.stream(**ASK).result()
            with pytest.raises(ForgeError):
                await llm.messages.create(**{**ASK, "model": "missing-model"})

    asyncio.run(main())


@pytest.mark.requirement("R-231")
@pytest.mark.requirement("R-218")
@pytest.mark.parametrize("transport", ["httpx2", "curl"])
@pytest.mark.parametrize("use", [blocking, on_a_loop])
def test_no_logger_of_ours_or_of_a_library_shows_key_or_content_at_its_most_talkative(
    use: Callable[..., None], transport: str, simulator: Simulator, lines: Lines
) -> None:
    use(
        api_key=KEY,
        base_url=simulator.base_urls["anthropic"],
        transport=transport,
        middleware=[Logging()],
        headers={"x-secret-token": "canary-header"},
    )
    assert lines.of("llm_forge", logging.INFO)
    assert lines.of("llm_forge", logging.DEBUG)
    for secret in (KEY, ANSWER, "canary"):
        assert secret not in lines.text()


@pytest.mark.requirement("R-231")
def test_without_logging_nothing_is_logged(lines: Lines) -> None:
    call(client(failed(500), ok()))
    assert lines.lines == []


@pytest.mark.requirement("R-231")
def test_info_is_one_line_a_call_and_one_a_retry(lines: Lines) -> None:
    answer = ok({"id": "x", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}, x_request_id="r-1")
    call(client(failed(500), answer, middleware=[Logging()]), call_metadata={"tenant": "blue"})
    retry, end = lines.of("llm_forge", logging.INFO)
    assert retry.startswith(
        "retry provider=acme operation=chat.create model=m cause=ServerError status=500 wait="
    )
    assert end.startswith(
        "call-end provider=acme operation=chat.create model=m outcome=ok status=200 attempts=2"
    )
    assert "input_tokens=3 output_tokens=2" in end
    assert "blue" not in lines.text()


@pytest.mark.requirement("R-231")
def test_bodies_need_log_content_and_debug_and_pass_redaction(lines: Lines) -> None:
    talk = {"model": "m", "messages": [{"role": "user", "content": "my key is canary-key, keep it"}]}

    def answers() -> Any:
        reply = {
            "id": "x",
            "choices": [{"message": {"content": "I keep canary-key"}, "finish_reason": "stop"}],
        }
        return ok(reply), sse(delta("I keep "), delta("canary-key", "stop"), DONE)

    def use(**options: Any) -> None:
        acme = client(*answers(), **options)
        acme.call(STREAMED, body=talk, options={})
        acme.stream(STREAMED, body=talk, options={}).result()

    use(middleware=[Logging()])
    assert "keep" not in lines.text()
    quiet = logging.getLogger("llm_forge.quiet")
    quiet.setLevel(logging.INFO)
    use(middleware=[Logging(quiet, log_content=True)])
    assert "keep" not in lines.text()
    use(middleware=[Logging(log_content=True)])
    bodies = [line for line in lines.of("llm_forge", logging.DEBUG) if " body=" in line]
    assert [line.partition(" ")[0] for line in bodies] == ["request", "response"] * 2
    assert all("[redacted]" in line for line in bodies)
    assert "canary-key" not in lines.text()


@pytest.mark.requirement("R-231")
def test_a_value_cannot_pass_for_another_fact_or_another_line() -> None:
    context = CallContext("c", "acme", "chat.create", model="m outcome=ok\ncall-end")
    words = line_of(Event("call-end", context, {"outcome": "ServerError"})).split("=")
    assert words[3:5] == [r"'m outcome", r"ok\ncall-end' outcome"]
