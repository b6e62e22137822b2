"""What every libcurl handle of a transport has in common: TLS, proxies, keep-alive, and what is off."""

from __future__ import annotations

import os
import re
import ssl
import sys
from functools import cached_property
from pathlib import Path

import pycurl

from ....core.errors import ConfigError
from ..protocol import Network

SUPPRESS_CONNECT_HEADERS = 265  # libcurl's number of an option for which pycurl has no name
SMALLEST_BUFFER = 16 * 1024  # libcurl keeps it for as long as the response is read
HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d")  # how OpenSSL finds an authority in a folder


VERSIONS = {
    False: pycurl.CURL_HTTP_VERSION_1_1,
    True: pycurl.CURL_HTTP_VERSION_2TLS,
    "prior-knowledge": pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
}


class Setup:
    """A network's options in libcurl's form; `apply` gives them to a new handle."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.limits = network.pool

    def apply(self, easy: pycurl.Curl) -> None:
        """Set all that stays the same from one request to the next."""
        keepalive = max(1, round(self.limits.keepalive_seconds))
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.PATH_AS_IS, 1),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.HTTP_VERSION, VERSIONS[self.network.http2]),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.TCP_KEEPALIVE, 1),
            (pycurl.TCP_KEEPIDLE, keepalive),
            (pycurl.TCP_KEEPINTVL, keepalive),
            (pycurl.UPLOAD_BUFFERSIZE, SMALLEST_BUFFER),
            (pycurl.MAXAGE_CONN, max(1, round(self.limits.idle_seconds))),
            (SUPPRESS_CONNECT_HEADERS, 1),
        ):
            easy.setopt(option, value)
        if self.limits.idle_seconds < 1 or not self.limits.idle:
            easy.setopt(pycurl.FORBID_REUSE, 1)
        if self.network.proxy is not None:
            easy.setopt(pycurl.PROXY, self.network.proxy.reveal())
            easy.setopt(pycurl.NOPROXY, "")
        elif not self.network.trust_env:
            easy.setopt(pycurl.PROXY, "")
        for option, path in self._authorities:
            easy.setopt(option, path)

    @cached_property
    def _authorities(self) -> tuple[tuple[int, str], ...]:
        if self.network.ca_bundle is not None:
            return ((pycurl.CAINFO, self.network.ca_bundle),)
        if self.network.trust_env and (named := _named_by_environment()):
            return named
        return _of_the_system()


def _named_by_environment() -> tuple[tuple[int, str], ...]:
    places = ((pycurl.CAINFO, "SSL_CERT_FILE"), (pycurl.CAPATH, "SSL_CERT_DIR"))
    return tuple((option, path) for option, name in places if (path := os.environ.get(name)))


def _of_the_system() -> tuple[tuple[int, str], ...]:
    """The system's authorities; certifi's where the system has none that OpenSSL can read.

    A folder of hashed names is preferred: OpenSSL reads of it only what a server's certificate needs,
    while a file is read whole for each multi handle, at a cost of most of a megabyte.
    """
    if sys.platform in ("win32", "darwin"):
        return ((pycurl.SSL_OPTIONS, pycurl.SSLOPT_NATIVE_CA),)  # type: ignore[return-value]
    paths = ssl.get_default_verify_paths()
    if paths.capath and _is_hashed(Path(paths.capath)):
        return ((pycurl.CAPATH, paths.capath),)
    if paths.cafile:
        return ((pycurl.CAINFO, paths.cafile),)
    return _of_certifi()


def _is_hashed(folder: Path) -> bool:
    return any(HASHED_NAME.fullmatch(path.name) for path in folder.iterdir())


def _of_certifi() -> tuple[tuple[int, str], ...]:
    try:
        import certifi
    except ImportError as error:
        raise ConfigError(
            "No certificate authorities were found. Install certifi, or name a PEM file as ca_bundle."
        ) from error
    return ((pycurl.CAINFO, certifi.where()),)
