"""From files to an `Api`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from . import forge
from .error_shapes import guess_errors
from .errors import DescriptionError, Notice
from .ir import Api, Operation
from .merge import lay_over
from .operations import Operations
from .place import Place, root_place
from .references import References
from .remote import Remote
from .schemas import Schemas, annotation
from .security import NO_SCHEME, read_auth, read_servers
from .source import Document, Mapping, read_document
from .tree import build_tree
from .unions import settle_unions
from .words import LONGEST_NAME, pascal, shortened

DESCRIPTIONS = Path(__file__).resolve().parent.parent / "descriptions"


def load(
    path: Path, *, forge: Path | None = None, overlays: Sequence[Path] = (), remote: Remote | None = None
) -> Api:
    """The API that an OpenAPI 3.0, 3.1 or 3.2 document describes.

    Args:
        path: YAML or JSON; `$ref`s may lead to files under its directory (R-247).
        forge: A partial document with `x-forge` keys that is merged into the first.
        overlays: OpenAPI Overlay documents, or further partial ones, in order.
        remote: Other hosts that `$ref`s may lead to (R-247); by default none.

    Repairs and assumptions are in `notices`; operations that could not be read are in `skipped`.

    Raises:
        DescriptionError: with file, line, pointer and what to do.
    """
    path = Path(path)
    main = read_document(path)
    patches = [read_document(Path(extra)) for extra in ([forge] if forge else []) + list(overlays)]
    _check_openapi(main)
    for patch in patches:
        lay_over(main, patch)
    reader = _Reader(main, remote)
    api = reader.read()
    documents = [main, *patches]
    return replace(
        api,
        notices=_ordered(documents, api.notices),
        source=path.name,
        sha256=_digest([main, *reader.referenced(), *patches]),
    )


def _digest(documents: Iterable[Document]) -> str:
    """The hash of all that a description is made of."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(document.bytes())
    return digest.hexdigest()


def load_description(provider: str) -> Api:
    """The API of one of our own descriptions; DescriptionError names those there are."""
    return load(description_path(provider))


def description_path(provider: str) -> Path:
    """The file of one of our own descriptions."""
    if provider not in providers():
        known = ", ".join(providers()) or "none"
        raise DescriptionError(f"no description of this name is included; there are {known}", file=provider)
    return DESCRIPTIONS / f"{provider}.yaml"


def providers() -> tuple[str, ...]:
    """Names of the descriptions included, sorted."""
    return tuple(sorted(path.stem for path in DESCRIPTIONS.glob("*.yaml")))


def _check_openapi(document: Document) -> None:
    root = root_place(document)
    if not isinstance(document.root, Mapping):
        raise root.error("this is not an OpenAPI document: it has no `openapi` key; name an OpenAPI 3 file")
    if "swagger" in document.root:
        version = root.text("swagger")
        raise root.error(f"Swagger {version} is not read; convert the document to OpenAPI 3 first")
    version = root.text("openapi")
    if not version:
        raise root.error("this is not an OpenAPI document: it has no `openapi` key; name an OpenAPI 3 file")
    if version.split(".")[:2] not in (["3", "0"], ["3", "1"], ["3", "2"]):
        raise root.child("openapi").error(f"OpenAPI {version} is not read; give 3.0, 3.1 or 3.2")
    document.version = version


class _Reader:
    """Reads one merged document; one use."""

    def __init__(self, main: Document, remote: Remote | None = None) -> None:
        self.root = root_place(main)
        self.references = References(main, remote)
        self.schemas = Schemas(self.references)
        self.schemas.reserve(self.root.child("components").child("schemas"))

    def read(self) -> Api:
        try:
            return self._api()
        except RecursionError:
            raise self.root.error("schemas include each other too deeply; flatten them") from None

    def referenced(self) -> list[Document]:
        """The files that `$ref`s led to, in the order of their names or URLs."""
        found = [one for one in self.references.documents.values() if one is not self.references.main]
        return sorted(found, key=lambda document: document.key)

    def _api(self) -> Api:
        told = self.root.child("x-forge")
        forge.check_keys(told, forge.ROOT_KEYS)
        api = self._head(told)
        operations = Operations(self.references, self.schemas, _sent_headers(api))
        found = operations.read(self.root.child("paths"))
        self.schemas.finish()
        settle_unions(self.schemas)
        self._tell_ignored()
        root = build_tree(found)
        api = replace(
            api,
            root=root,
            types=dict(sorted(self.schemas.types.items())),
            skipped=tuple(operations.skipped),
            idempotency_header=api.idempotency_header or operations.idempotency_header,
            openapi=self.root.document.version,
        )
        api = replace(api, health=_health(told, api.operations()), errors=guess_errors(api))
        return replace(api, notices=self._notices(), guessed=_guessed(told, api))

    def _tell_ignored(self) -> None:
        """What a document may say of calls that others make, which a client has no part in."""
        webhooks = self.root.child("webhooks")
        names = [name for name, _ in webhooks.entries()]
        if names:
            webhooks.note(f"webhooks are calls to you and are not generated: {', '.join(names)}")

    def _head(self, told: Place) -> Api:
        info = self.root.child("info")
        title = annotation(info, "title") or "API"
        provider, client = _names(told, title)
        limits = told.child("rate_limits") if told.value else None
        return Api(
            provider=provider,
            client=client,
            title=title,
            version=info.text("version") if isinstance(info.value, Mapping) else "",
            description=annotation(info, "description"),
            servers=read_servers(self.root),
            env=forge.env(told.child("env")),
            headers=forge.headers(told.child("headers")),
            auth=read_auth(self.root, self.references),
            request_id_headers=forge.texts(told.child("request_id")),
            secret_headers=forge.texts(told.child("secret_headers")),
            idempotency_header=forge.header(told, "idempotency_header"),
            attempt_header=forge.header(told, "attempt_header"),
            previous_attempts_header=forge.header(told, "previous_attempts_header"),
            errors=forge.errors(told.child("errors")),
            rate_limits=forge.rate_limits(limits) if limits else (),
            base_url_suffixes=forge.texts(told.child("base_url_suffixes")),
            defaults=forge.facts(told.child("defaults")),
            capabilities=forge.facts(told.child("capabilities")),
        )

    def _notices(self) -> tuple[Notice, ...]:
        return tuple(notice for document in self.references.documents.values() for notice in document.notices)


def _guessed(told: Place, api: Api) -> tuple[str, ...]:
    """Which facts of the API x-forge does not tell; the credential only where no scheme says it either."""
    of_errors = told.child("errors")
    missing = {
        "provider": not told.has("provider"),
        "client": not told.has("client"),
        "auth": any(notice.message.startswith(NO_SCHEME) for notice in told.document.notices),
        "errors": api.errors.message is not None and not of_errors.has("message"),
        "idempotency_header": api.idempotency_header is not None and not told.has("idempotency_header"),
        "health": api.health is not None and not told.has("health"),
    }
    return tuple(fact for fact, is_missing in missing.items() if is_missing)


_HEALTH = "models.list"


def _health(told: Place, operations: Sequence[Operation]) -> str | None:
    """The operation that shows whether the API works: as given, else the list of models if it can serve."""
    given = told.text("health") if told.value else ""
    fit = {one.name for one in operations if _is_cheap(one)}
    if given and given not in fit:
        advice = f"fit are {', '.join(sorted(fit))}" if fit else "no operation fits"
        raise told.child("health").error(f"{given!r} is no safe GET of JSON that needs no argument; {advice}")
    return given or (_HEALTH if _HEALTH in fit else None)


def _is_cheap(operation: Operation) -> bool:
    needs = any(one.required for one in operation.parameters) or operation.query
    reads = operation.http_method.upper() == "GET" and operation.result.kind == "json"
    return reads and operation.replay == "safe" and not needs


def _names(told: Place, title: str) -> tuple[str, str]:
    """Package name and class name: as given, else from the title without the word API."""
    short = " ".join(word for word in title.split() if word.lower() not in ("api", "apis", "rest", "openapi"))
    provider = forge.identity(told, "provider") or _plain_name(short)
    client = forge.identity(told, "client") or pascal(short)[:LONGEST_NAME] or "Api"
    return provider, client


def _plain_name(title: str) -> str:
    """`OpenAI` is `openai`, `Mistral AI` is `mistral_ai`."""
    name = "_".join(re.findall(r"[A-Za-z0-9]+", title)).lower()
    return shortened(name if name[:1].isalpha() else f"api_{name}".rstrip("_"))


def _sent_headers(api: Api) -> frozenset[str]:
    names = {name.lower() for name, _ in api.headers}
    return frozenset(names | ({api.auth.name.lower()} if api.auth.placement == "header" else set()))


def _ordered(documents: list[Document], more: tuple[Notice, ...]) -> tuple[Notice, ...]:
    found = {notice for document in documents for notice in document.notices} | set(more)
    return tuple(sorted(found))
