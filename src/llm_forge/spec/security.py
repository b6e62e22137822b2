"""Where the credential goes and where requests go, from `security`, `securitySchemes` and `servers`."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from . import forge
from .ir import Auth
from .place import Place
from .references import References

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def read_auth(root: Place, references: References) -> Auth:
    """The credential's place: the first requirement that one header, query or cookie satisfies."""
    schemes = {name: references.follow(one) for name, one in _schemes(root).entries()}
    security = root.child("security")
    wanted = [name for requirement in security.items() for name, _ in requirement.entries()]
    for name in wanted:
        found = _auth(schemes[name]) if name in schemes else None
        if found is not None:
            return found
        security.note(f"security scheme {name!r} is {'not supported' if name in schemes else 'not defined'}")
    if not wanted:
        for scheme in schemes.values():
            found = _auth(scheme)
            if found is not None:
                return found
    root.note("no usable security scheme; the key is sent as `Authorization: Bearer`")
    return Auth()


def _schemes(root: Place) -> Place:
    return root.child("components").child("securitySchemes")


def _auth(scheme: Place) -> Auth | None:
    kind = scheme.text("type").lower()
    if kind in ("oauth2", "openidconnect"):
        return Auth()
    if kind == "http":
        return Auth() if scheme.text("scheme").lower() == "bearer" else None
    placement = scheme.text("in")
    if kind == "apikey" and placement in ("header", "query", "cookie") and scheme.text("name"):
        name = scheme.text("name")
        if placement != "query":
            forge.header_name(scheme.child("name"), name)
        if placement == "header" and name.lower() == "authorization":
            return Auth()
        return Auth("api-key", placement, name)  # type: ignore[arg-type]  # one of the three words
    return None


def read_servers(root: Place) -> tuple[str, ...]:
    """Server URLs with their variables' defaults filled in; unusable ones are noted and left out."""
    found = [_server(one) for one in root.child("servers").items()]
    usable = tuple(url for url in found if url)
    if not usable:
        root.note("no server with an https URL; users of the client must give base_url")
    return usable


def _server(place: Place) -> str | None:
    url = place.text("url")
    for name, variable in place.child("variables").entries():
        url = url.replace(f"{{{name}}}", variable.text("default"))
    try:
        parts = urlsplit(url)
        host, user = parts.hostname or "", parts.username
    except ValueError:
        host, user, parts = "", None, urlsplit("")
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not host or not secure or "{" in url or any(c.isspace() or not c.isprintable() for c in url):
        place.note("this server URL is not an absolute https URL (R-008); left out")
        return None
    if user is not None or parts.query or parts.fragment:
        place.note("credential, query and fragment of this server URL are left out")
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, netloc, parts.path, "", "")).rstrip("/")
