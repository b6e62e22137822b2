"""Where the credential goes and where requests go, from `security`, `securitySchemes` and `servers`."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import SplitResult, urlsplit, urlunsplit

from . import forge
from .ir import Auth
from .place import Place
from .references import References

NO_SCHEME = "no usable security scheme"
_HTTP = {"bearer": Auth(), "basic": Auth("basic")}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def read_auth(root: Place, references: References) -> Auth:
    """The credential's place: the first requirement that one header, query or cookie satisfies.

    An empty requirement among them makes it optional (OpenAPI 3.1 section 4.8.30).
    """
    found = _scheme_wanted(root, references)
    anonymous = any(not requirement.value for requirement in root.child("security").items())
    return replace(found, optional=True) if anonymous else found


def _scheme_wanted(root: Place, references: References) -> Auth:
    schemes = {name: references.follow(one) for name, one in _schemes(root).entries()}
    security = root.child("security")
    wanted = [entry for requirement in security.items() for entry in requirement.entries()]
    for name, scopes in wanted:
        found = _auth(schemes[name], scopes) if name in schemes else None
        if found is not None:
            return found
        security.note(f"security scheme {name!r} is {'not supported' if name in schemes else 'not defined'}")
    if not wanted:
        for scheme in schemes.values():
            found = _auth(scheme, None)
            if found is not None:
                return found
    root.guess(f"{NO_SCHEME}; the key is sent as `Authorization: Bearer`")
    return Auth()


def _schemes(root: Place) -> Place:
    return root.child("components").child("securitySchemes")


def _auth(scheme: Place, scopes: Place | None) -> Auth | None:
    kind = scheme.text("type").lower()
    if kind == "oauth2":
        return _oauth2(scheme, scopes)
    if kind == "openidconnect":
        return Auth()
    if kind == "http":
        return _HTTP.get(scheme.text("scheme").lower())
    placement = scheme.text("in")
    if kind == "apikey" and placement in ("header", "query", "cookie") and scheme.text("name"):
        name = scheme.text("name")
        if placement != "query" and not forge.is_header_name(name):
            scheme.child("name").repair(f"{name!r} cannot be a header name; this scheme is not used")
            return None
        if placement == "header" and name.lower() == "authorization":
            return Auth()
        return Auth("api-key", placement, name)  # type: ignore[arg-type]  # one of the three words
    return None


def _oauth2(scheme: Place, scopes: Place | None) -> Auth:
    """A token by client credentials or a refresh token (R-023); of other flows the token is the user's."""
    told = scheme.child("x-forge")
    forge.check_keys(told, forge.SCHEME_KEYS)
    return Auth(
        "oauth2",
        token_url=_token_url(scheme.child("flows")),
        scopes=forge.texts(scopes) if scopes is not None and scopes.value else (),
        client_auth=forge.choice(told, "client_auth") or "basic",  # type: ignore[arg-type]  # one of the two words
    )


def _token_url(flows: Place) -> str | None:
    """Where tokens come from: the client-credentials flow, else where another flow renews its tokens."""
    found = [flows.child("clientCredentials").child("tokenUrl")]
    found += [flow.child(key) for _, flow in flows.entries() for key in ("refreshUrl", "tokenUrl")]
    for place in found:
        if not isinstance(place.value, str):
            continue
        parts = _url_parts(place.value)
        if parts is not None and parts.username is None:
            return place.value
        place.note("this token URL is not an absolute https URL without credentials (R-029); left out")
    return None


def read_servers(root: Place) -> tuple[str, ...]:
    """Server URLs with their variables' defaults filled in; unusable ones are noted and left out.

    An empty list says on purpose that only users know where the server is.
    """
    if root.child("servers").value == []:
        return ()
    found = [_server(one) for one in root.child("servers").items()]
    usable = tuple(url for url in found if url)
    if not usable:
        root.note("no server with an https URL; users of the client must give base_url")
    return usable


def _server(place: Place) -> str | None:
    url = place.text("url")
    for name, variable in place.child("variables").entries():
        url = url.replace(f"{{{name}}}", variable.text("default"))
    parts = _url_parts(url)
    if parts is None:
        place.note("this server URL is not an absolute https URL (R-008); left out")
        return None
    if parts.username is not None or parts.query or parts.fragment:
        place.note("credential, query and fragment of this server URL are left out")
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, netloc, parts.path, "", "")).rstrip("/")


def _url_parts(url: str) -> SplitResult | None:
    """The parts of an absolute https URL, or http on this machine; None for anything else."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    clean = "{" not in url and not any(c.isspace() or not c.isprintable() for c in url)
    return parts if host and secure and clean else None
