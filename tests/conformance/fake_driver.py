"""A driver that answers tables by what their input tells it to do; for tests of the runner."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def obey(number: int, value: dict[str, Any]) -> None:
    if value.get("die"):
        print("these are my last words", file=sys.stderr, flush=True)
        os._exit(3)
    if value.get("hang"):
        return
    if value.get("babble"):
        print("this is not JSON", flush=True)
        return
    if value.get("raise"):
        say({"core": number, "error": value["raise"]})
        return
    say({"core": number, "output": value.get("say")})


def main() -> None:
    late: list[tuple[int, dict[str, Any]]] = []
    for line in sys.stdin:
        message = json.loads(line)
        if "start" in message:
            features = json.loads(sys.argv[1])
            say({"protocol": 1, "language": "fake", "supports": features})
        elif "stop" in message:
            return
        elif message["input"].get("late"):
            late.append((message["core"], message["input"]))
        else:
            obey(message["core"], message["input"])
            while late:
                obey(*late.pop())


if __name__ == "__main__":
    main()
