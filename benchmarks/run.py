"""`make bench`: every benchmark, one after another, each in its own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

for script in ("transport.py", "clients.py"):
    print(f"\n== {script}", flush=True)
    subprocess.run([sys.executable, str(Path(__file__).with_name(script))], check=True)
