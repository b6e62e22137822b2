"""What httpx2 and its pool log, without what may be secret (R-022, R-231).

At DEBUG the pool logs response headers, which may echo a credential; at INFO httpx2 logs whole URLs,
which may carry a key in their query. Names and events stay, values go, for every user of httpx2 in this
process: a log that lacks a header is better than one that holds a key.
"""

from __future__ import annotations

import logging

_POOL_LOGGERS = ("httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks")


def _drop_values(record: logging.LogRecord) -> bool:
    record.msg = str(record.msg).partition(" ")[0]
    return True


def _drop_query(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            str(value).partition("?")[0] if type(value).__name__ == "URL" else value for value in record.args
        )
    return True


def keep_secrets_out() -> None:
    """Install the filters; doing it again changes nothing."""
    for name in _POOL_LOGGERS:
        logging.getLogger(name).addFilter(_drop_values)
    logging.getLogger("httpx2").addFilter(_drop_query)
