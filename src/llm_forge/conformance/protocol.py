"""The messages between the runner and a language's driver, one JSON object a line.

Rules of this file:
- conformance/protocol.schema.json is generated from these classes and checked in; conformance/README.md
  explains them. A driver is written from those two files alone.
- Absent means the default. Unknown fields of a driver's answer are ignored, missing ones are absent.
- Times are virtual seconds of the scenario's own clock, which starts at 0.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

VERSION = 1

# What a driver says yes to, or gives its reason for not having.
FEATURES: dict[str, str] = {
    "unary": "calls that return one result",
    "streams": "calls that return a stream",
    "concurrency": "several calls of one client at once, woken in the order of virtual time",
    "cancel": "the language's own cancellation of a running call",
    "flowing-clock": "a clock that also moves with real time, scaled",
    "environment": "options read from environment variables",
    "local-limits": "limits declared on the client",
    "breaker-options": "the circuit breaker's numbers as client options",
    "key-source": "a credential given as a function",
    "mutation": "arguments that the caller can change while the call runs",
    "paths": "operations with a path parameter",
    "auth": "credentials other than the provider's key, as the client option auth",
    "files": "options read from files",
    "middleware": "a user's code around calls and attempts, and around the events of streams",
    "events": "what happens inside a call, told in order",
    "half-surrogates": "text that can hold half of a surrogate pair",
    "wall-clock": "a time of day that jumps while the monotonic clock goes on",
    "descriptor": "facts of the description that a scenario replaces",
    "circuits": "the state of circuits, and switching them by hand",
    "limit-status": "what is known of the limits at the end",
    "hedging": "a second attempt beside a slow one",
    "stream-files": "writing the text of a stream to a file",
    "uploads": "files in request bodies, from memory, disk, open files and iterators",
    "downloads": "answers that are files, read or stored, also from absolute URLs",
    "pages": "lists of many pages",
    "enclosing-deadlines": "a deadline that the caller's own code sets around calls",
    "closing": "closing a client while calls run",
    "home": "files of the user's home folder that other tools read",
    "tls": "https, and certificate authorities of the caller's own as the option ca_bundle",
    "pool": "the limits of the connection pool as the option pool",
    "core.sse": "function sse",
    "core.lines": "function lines",
    "core.file_name": "function file_name",
    "core.durations": "function durations",
    "core.server_wait": "function server_wait",
    "core.retry": "function retry",
    "core.backoff": "function backoff",
    "core.breaker": "function breaker",
    "core.breaker_storm": "function breaker_storm",
    "core.limiter": "function limiter",
    "core.limiter_storm": "function limiter_storm",
    "core.accumulate": "function accumulate",
    "core.errors": "function errors",
}

Seconds = Annotated[float, Meta(description="virtual seconds")]


class Start(Struct, forbid_unknown_fields=True):
    """The first message; `start` is the protocol's version."""

    start: int


class Stop(Struct, forbid_unknown_fields=True):
    """The last message: the driver exits with 0."""

    stop: Literal[True] = True


class Core(Struct, forbid_unknown_fields=True):
    """One pure function of the language's core; inputs and outputs are in conformance/README.md."""

    core: int
    fn: str
    input: Any


class ClockOptions(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How the scenario's clock moves.

    Sleeping never sleeps: when every running call sleeps, the clock jumps to the earliest wake-up.
    `scale` is the real seconds of one virtual second while something waits for the network; null means
    that only sleeps move the clock. With `jump` false nothing jumps: sleeps really take their time, times
    `scale`. `wall` is the time of day at 0, in seconds since the epoch.
    """

    scale: float | None = None
    jump: bool = True
    wall: float = 1_800_000_000.0


class During(Struct, forbid_unknown_fields=True):
    """Something the caller does while a call runs, `at` seconds after that call began.

    `cancel` is the language's own cancellation; `mutate` appends to every list that the caller passed
    in and changes every text of its objects.
    """

    at: Seconds
    do: Literal["cancel", "mutate"]


class Consume(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What the consumer of a stream does; by default it reads to the end.

    After so many events: `close_after` closes the handle, `abandon_after` drops it without closing,
    `raise_after` raises an exception of the caller's own inside the loop. `sleep_each` is a sleep after
    every event, `again` iterates a second time after the end. `to_file` writes the text to a file
    `story.txt` in a folder `target` instead, in the way that the client offers for it; the file has the
    text `before` if that is given.
    """

    close_after: int | None = None
    abandon_after: int | None = None
    raise_after: int | None = None
    sleep_each: Seconds = 0.0
    again: bool = False
    to_file: bool = False
    before: str | None = None


class Read(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How the caller reads an answer that is a file or a list of pages; by default a call answers whole.

    `bytes`: all of the file; the result is its text. `folder`: it is stored in a folder `target`, under the
    name that the server gave; the result is that name. `lines`: lines of JSON, each an event; the result is
    all of them. With `lines` the operation is `download_url`, whatever the language calls it. `items`: the
    result is the JSON of all items of all pages, or of the first `pages` pages.
    """

    to: Literal["bytes", "folder", "lines", "items"]
    pages: int | None = None


class Call(Struct, forbid_unknown_fields=True, omit_defaults=True, tag_field="do", tag="call"):
    """One call, or `times` of them.

    One after another, or all at once where `together` is true. The next step begins when all have
    ended, or at once where `background` is true. `options` are the call's own options, by the names of
    the Python client. `stream` is there for a stream call. Anywhere in `args` and `options`,
    `{beyond_json: word}` is a value that JSON has no word for: nan, infinity, -infinity, or
    half-surrogate, a text with half of a surrogate pair. `{upload: text}` is a file of that text, `as` bytes
    (default), path, file or iterator (a sequence that can be read once), with a `name`; an open file stands
    at `position`. `within` is the deadline of a block of the caller's own code that makes the calls. The
    operation `download_url` is the client's download of an absolute URL, its argument.
    """

    operation: str
    args: dict[str, Any] = msgspec.field(default_factory=dict)
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    stream: Consume | None = None
    read: Read | None = None
    within: Seconds | None = None
    times: int = 1
    together: bool = False
    background: bool = False
    during: During | None = None


class Wait(Struct, forbid_unknown_fields=True, tag_field="do", tag="wait"):
    """The caller waits so long before the next step."""

    seconds: Seconds


class Wall(Struct, forbid_unknown_fields=True, tag_field="do", tag="wall"):
    """The time of day jumps by so many seconds, forward or back; monotonic time does not."""

    seconds: float


class Switch(Struct, forbid_unknown_fields=True, tag_field="do", tag="switch"):
    """The caller switches the circuit of an operation's group by hand."""

    operation: str
    to: Literal["force-open", "disable", "reset"]


class Close(Struct, forbid_unknown_fields=True, tag_field="do", tag="close"):
    """The caller closes the client, and goes on when it is closed."""


Step = Call | Wait | Wall | Switch | Close


Does = Literal["pass", "raise", "unavailable", "answer", "origin"]


class Recorder(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A middleware that notes in the call's `story` when it is entered and left, and what it does.

    It adds every request it sees to `shown`. At each level it then does one thing: `pass` the request on;
    `raise` an exception of the caller's own; `unavailable`, on the first attempt only, raises the error of
    status 503; `answer` with `{"id": "from-middleware"}` without passing anything on; `origin` passes on a
    request to another host. What it is given back goes on unchanged; of a stream it wraps the events.
    """

    name: str
    call: Does = "pass"
    attempt: Does = "pass"


class Descriptor(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What the client takes for the provider's description instead of what that says.

    `replay` holds for every operation; the others name headers.
    """

    replay: Literal["safe", "keyed", "once"] | None = None
    idempotency_header: str | None = None
    attempt_header: str | None = None
    previous_attempts_header: str | None = None


class Run(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One scenario: build one client, take the steps in order, close the client, answer.

    `env` holds only while the client is built. `options` are the client's, by the names of the Python
    client; `random` is what its source of chance returns; `keys`, if given, is what a credential
    function returns, call by call, instead of `api_key`.

    The option `auth` is "none" or an object: `kind` is api-key (`key`, `placement`, `name`), bearer
    (`token`), basic (`user`, `password`) or oauth2 (`client_id`, `client_secret`, `refresh_token`,
    `token_url`, `scopes`, `client_auth`). `files` are put into an empty folder for the time of the
    scenario; an option that is `{file: name}` means the path of that file. `home` are files of the user's
    home folder, for as long as the scenario runs. `middleware` are given to the
    client outside in.
    """

    call: int
    provider: str
    base_url: str | None
    steps: list[Step]
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    env: dict[str, str] = msgspec.field(default_factory=dict)
    keys: list[str] = msgspec.field(default_factory=list)
    files: dict[str, str] = msgspec.field(default_factory=dict)
    home: dict[str, str] = msgspec.field(default_factory=dict)
    middleware: list[Recorder] = msgspec.field(default_factory=list)
    descriptor: Descriptor | None = None
    clock: ClockOptions = msgspec.field(default_factory=ClockOptions)
    random: float = 1.0


class Hello(Struct):
    """The answer to `start`; `supports` has every feature, true or the reason why not."""

    protocol: int
    language: str
    supports: dict[str, Literal[True] | str]


class AttemptFact(Struct, omit_defaults=True):
    """One entry of an error's list of attempts."""

    number: int
    outcome: str
    waited: float = 0.0
    status: int | None = None
    request_id: str | None = None


class ErrorFact(Struct, omit_defaults=True):
    """An error, by kind: a class of the contract, `Cancelled` for the language's own cancellation,
    `Raised` for the exception of `raise_after`, or `Untyped:<class>` for anything else.

    `message` is for people. `partial` is the JSON of what had arrived. `cause` is the kind of the
    error's cause.
    """

    kind: str
    message: str = ""
    status: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    request_id: str | None = None
    retry_after: float | None = None
    phase: str | None = None
    retryable: bool = False
    mid_stream: bool = False
    circuit_open: bool = False
    retry_budget_exhausted: bool = False
    partial: Any = None
    details: list[dict[str, Any]] = msgspec.field(default_factory=list)
    attempts: list[AttemptFact] = msgspec.field(default_factory=list)
    cause: str | None = None


class Outcome(Struct, omit_defaults=True):
    """How one call ended.

    `sends`: when each attempt was handed to the network. `sleeps`: every sleep of the call, in order.
    `events`: application events the consumer got. `starts` and `ends`: how often the call reported its
    start and its end. `second` is what a second iteration raised. `files` are the files that the call left
    behind, by their path from the folder that `target` is in, with their texts. `story` is what the
    call's hooks and recorders saw, in order: `<event> <attempt>`; `<recorder> <call or attempt> <attempt>`,
    with ` end` when it is left in any way; `<recorder> read <n>` when the events it wraps at call level end.
    """

    started: Seconds
    ended: Seconds
    result: Any = None
    error: ErrorFact | None = None
    completion: str | None = None
    synthesised: bool = False
    events: int = 0
    sends: list[Seconds] = msgspec.field(default_factory=list)
    sleeps: list[Seconds] = msgspec.field(default_factory=list)
    starts: int = 0
    ends: int = 0
    second: ErrorFact | None = None
    files: dict[str, str] = msgspec.field(default_factory=dict)
    story: list[str] = msgspec.field(default_factory=list)


class LimitFact(Struct, omit_defaults=True):
    """One limit as it stands: declared (`local`) or learned from the `server`."""

    family: str
    unit: str
    source: str
    limit: float | None = None
    remaining: float | None = None
    resets_in: Seconds | None = None


class RunAnswer(Struct, omit_defaults=True):
    """The answer to a `Run`: outcomes in the order the calls began, and all text a person could see.

    `error` is set where the client could not be built. `shown` is the text form of the client, its
    options, every error with its causes, and all log lines: no secret may be in it. `circuits` are the
    states of the circuits and `limits` the limits by model or family, both when all calls have ended.
    """

    call: int
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    error: ErrorFact | None = None
    shown: str = ""
    circuits: dict[str, str] = msgspec.field(default_factory=dict)
    limits: dict[str, list[LimitFact]] = msgspec.field(default_factory=dict)


class CoreAnswer(Struct, omit_defaults=True):
    """The answer to a `Core`: its output, or the kind of the error it raised."""

    core: int
    output: Any = None
    error: str | None = None


MESSAGES = (Start, Run, Core, Stop)
ANSWERS = (Hello, RunAnswer, CoreAnswer)


def _tidy(definitions: dict[str, Any]) -> dict[str, Any]:
    for definition in definitions.values():
        definition["description"] = inspect.cleandoc(definition["description"])
    return definitions


def schema() -> dict[str, Any]:
    """The JSON Schema of every line in both directions, as protocol.schema.json holds it."""
    to_driver, _ = msgspec.json.schema_components(MESSAGES, ref_template="#/$defs/{name}")
    from_driver, _ = msgspec.json.schema_components(ANSWERS, ref_template="#/$defs/{name}")
    _, definitions = msgspec.json.schema_components(MESSAGES + ANSWERS, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Conformance protocol, version {VERSION}",
        "description": "Each line of a driver's input is one of messages, each line of its output one of "
        "answers.",
        "properties": {
            "messages": {"anyOf": list(to_driver)},
            "answers": {"anyOf": list(from_driver)},
            "features": {"enum": list(FEATURES)},
        },
        "$defs": _tidy(definitions),
    }
