"""`$ref`: where it leads, within the limits of R-247 and R-248.

Only the main document and files under its directory are read, after symbolic links are resolved, and
documents of other hosts whose origin the user allows. A reference to `#/$defs/Name` that the document's
root does not have means the nearest `$defs` around it: publishers that inline their schemas leave such
references behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urljoin

from .errors import DescriptionError, nearest, shown
from .place import Place, root_place
from .remote import Remote, RemoteError, nowhere, shown_url
from .source import Document, Mapping, decoded, parse_document, read_document

MAX_CHAIN = 100
_T = TypeVar("_T")


class References:
    """Resolves references of one description; keeps the files that it has read, by path or URL."""

    def __init__(self, main: Document, remote: Remote | None = None) -> None:
        self.main = main
        self.documents: dict[Path | str, Document] = {main.path.resolve(): main}
        self._directory = main.path.resolve().parent
        self._remote = remote or Remote((), nowhere)

    def follow(self, place: Place) -> Place:
        """The place that a `$ref` at `place` leads to at last, or `place` itself without one.

        Raises:
            DescriptionError: remote, outside the directory, or a chain longer than 100.

        What leads to nothing counts as absent, with a notice.
        """
        start = place
        seen: set[tuple[str, str]] = set()
        for _ in range(MAX_CHAIN):
            if not is_reference(place.value):
                return place
            try:
                place = self.step(place)
            except DanglingReferenceError as error:
                return self.missing(place, error, replace(place, value=None))
            if (place.document.key, place.pointer) in seen:
                raise start.error("this $ref leads back to itself; point it at a definition")
            seen.add((place.document.key, place.pointer))
        raise start.error(f"a chain of more than {MAX_CHAIN} $refs begins here; shorten it")

    def missing(self, place: Place, error: DanglingReferenceError, instead: _T) -> _T:
        """What is taken instead of something that is not there; the error itself where x-forge names it."""
        if "/x-forge" in place.pointer:
            raise error
        place.repair(f"{error.message}; taken as absent")
        return instead

    def step(self, place: Place) -> Place:
        """The place that the `$ref` at `place` names; DanglingReferenceError if there is none."""
        reference = place.value["$ref"]
        file, _, fragment = reference.partition("#")
        document = self._document(place, file) if file else place.document
        found = self._lookup(root_place(document), place, fragment)
        if found is None:
            raise dangling(place, document, reference, fragment)
        return found

    def _document(self, place: Place, file: str) -> Document:
        if place.document.url or "://" in file or file.startswith("//"):
            return self._fetched(place, file)
        try:
            path = (place.document.path.parent / unquote(file)).resolve()
        except (ValueError, OSError, RuntimeError):
            raise place.error(f"$ref {shown(file)} is not a file name; correct the reference") from None
        if not path.is_relative_to(self._directory):
            raise place.error(f"$ref {shown(file)} leaves the directory of the description; move it inside")
        if path not in self.documents:
            name = path.relative_to(self._directory).as_posix()
            with _told_at(place, file):
                self.documents[path] = read_document(path, name)
        return self.documents[path]

    def _fetched(self, place: Place, file: str) -> Document:
        """A document of another host; in such a one, every file name is relative to its URL."""
        try:
            url = urljoin(place.document.url or "https:", file)
            content = self._remote.content(url)
        except (RemoteError, ValueError) as error:
            raise place.error(f"remote $ref {shown(file)} is not read: {error}") from None
        if url not in self.documents:
            name = shown_url(url)
            with _told_at(place, file):
                found = parse_document(decoded(content, name), name, Path(name))
            found.url, found.content = url, content
            self.documents[url] = found
        return self.documents[url]

    def _lookup(self, root: Place, place: Place, fragment: str) -> Place | None:
        if fragment and not fragment.startswith("/"):
            return _anchor(root, unquote(fragment))
        tokens = [_token(part) for part in fragment.split("/")[1:]]
        found = _walk(root, tokens)
        if found is None and tokens[:1] == ["$defs"]:
            return _enclosing(place, tokens)
        return found


@contextmanager
def _told_at(place: Place, file: str) -> Iterator[None]:
    """Let what is wrong with a whole file be told where the reference to it stands."""
    try:
        yield
    except DescriptionError as error:
        if error.line:
            raise
        raise place.error(f"$ref {shown(file)} cannot be read: {error.message}") from None


def is_reference(value: Any) -> bool:
    """Whether a value is a mapping with a `$ref` text."""
    return isinstance(value, Mapping) and isinstance(value.get("$ref"), str)


def _token(part: str) -> str:
    return unquote(part).replace("~1", "/").replace("~0", "~")


def _walk(place: Place, tokens: list[str]) -> Place | None:
    for token in tokens:
        held = place.value
        inside = place.has(token) or (isinstance(held, list) and token.isdigit() and int(token) < len(held))
        if not inside:
            return None
        place = place.child(token)
    return place


def _enclosing(place: Place, tokens: list[str]) -> Place | None:
    around = place.up
    while around is not None:
        found = _walk(around, tokens)
        if found is not None:
            return found
        around = around.up
    return None


def _anchor(root: Place, name: str) -> Place | None:
    """The component schema that declares `$anchor: name`."""
    for _, schema in root.child("components").child("schemas").entries():
        if schema.has("$anchor") and schema.value["$anchor"] == name:
            return schema
    return None


class DanglingReferenceError(DescriptionError):
    """A reference to nothing."""


def dangling(place: Place, document: Document, reference: str, fragment: str) -> DanglingReferenceError:
    """The error for a reference to nothing, with the nearest name that exists."""
    parent, _, last = fragment.rpartition("/")
    siblings = _walk(root_place(document), [_token(part) for part in parent.split("/")[1:]])
    names = list(siblings.value) if siblings is not None and isinstance(siblings.value, Mapping) else []
    near = nearest(_token(last), names)
    advice = f"did you mean {shown(near)}?" if near else "define it or correct the reference"
    message = f"$ref {shown(reference)} leads to nothing; {advice}"
    return DanglingReferenceError(message, file=place.file, line=place.line, pointer=place.pointer)
