"""What a big document costs: CPU and memory of reading it and of making each language's SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from llm_forge.targets.registry import INCLUDED
from tests.shared import needs_shared
from tests.spec.test_vendor_documents import unpacked

# CPU seconds; twice what the goal says, since a machine that is shared counts more for the same work.
LOADING, MAKING = 6.0, 4.0
MEMORY_MB = 500
# The high-water mark of this program alone: getrusage counts the parent's memory too, since it is
# carried over the exec.
PROGRAM = r"""
import json, re, sys, time
from pathlib import Path
from llm_forge import spec
from llm_forge.targets import render
started = time.process_time()
api = spec.load(Path(sys.argv[1]))
loaded = time.process_time()
files = len(render(api, sys.argv[2]).files)
made = time.process_time()
peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
print(json.dumps([loaded - started, made - loaded, peak, files]))
"""


@needs_shared
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("language", sorted(INCLUDED))
def test_openais_document_is_read_and_made_in_seconds_and_in_little_memory(
    language: str, tmp_path: Path
) -> None:
    path = unpacked("openai.official.yaml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), language], capture_output=True, text=True, check=True
    )
    loading, making, peak, files = json.loads(done.stdout)
    assert files > 20
    assert loading < LOADING
    assert making < MAKING
    assert peak < MEMORY_MB
