"""Certificates of the suite's https servers, made anew in each run: no private key is kept anywhere."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

from .results import ConformanceError
from .scenario import Certificate

_HOSTS = {"right-host": ("127.0.0.1", "localhost"), "wrong-host": ("elsewhere.invalid",)}


@cache
def _signer() -> Any:
    try:
        import trustme
    except ImportError:
        raise ConformanceError("scenarios over TLS need the package trustme: pip install trustme") from None
    return trustme.CA()


def authority() -> str:
    """The PEM text of the authority that signs them, which no system trusts."""
    text: str = _signer().cert_pem.bytes().decode()
    return text


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """What a server with such a certificate speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _signer().issue_cert(*_HOSTS[certificate]).configure_cert(context)
    return context
