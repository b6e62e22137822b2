"""Certificates for servers on loopback, made anew in each run: no private key is kept anywhere."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import trustme


@cache
def certificates() -> Path:
    """A folder with `ca.pem`, `good.pem` (127.0.0.1, localhost) and `wrong.pem` (another host)."""
    folder = Path(tempfile.mkdtemp(prefix="llm-forge-certificates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, hosts in (("good", ("127.0.0.1", "localhost")), ("wrong", ("elsewhere.invalid",))):
        issued = authority.issue_cert(*hosts)
        issued.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
    return folder
