"""A slow hook on a thread of its own never holds a call up (R-234)."""

from __future__ import annotations

import threading

import pytest

from llm_forge import BackgroundHook, Event
from tests.runtime.kit import call, client, ok


@pytest.mark.requirement("R-234")
def test_a_hook_that_blocks_holds_nobody_up_and_what_is_too_much_is_counted() -> None:
    seen: list[str] = []
    entered, go_on = threading.Event(), threading.Event()

    def blocks(event: Event) -> None:
        entered.set()
        go_on.wait(10)
        seen.append(event.name)

    hook = BackgroundHook(blocks, capacity=2)
    acme = client(ok(), ok(), on_event=hook)
    assert call(acme).id == "x"  # four events: one is being handled or waits, two wait, the rest is dropped
    assert entered.wait(10)
    assert call(acme).id == "x"
    go_on.set()
    hook.close()
    assert 2 <= len(seen) <= 3
    assert hook.dropped == 8 - len(seen)
    assert seen[0] == "call-start"


@pytest.mark.requirement("R-234")
def test_what_it_raises_is_counted_and_later_events_still_come() -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("hook")

    hook = BackgroundHook(broken)
    assert call(client(ok(), on_event=hook)).id == "x"
    hook.close()
    assert hook.failures == 4


def test_a_closed_hook_drops_and_closing_twice_is_fine() -> None:
    hook = BackgroundHook(print)
    hook.close()
    hook.close()
    assert call(client(ok(), on_event=hook)).id == "x"
    assert hook.dropped == 4
