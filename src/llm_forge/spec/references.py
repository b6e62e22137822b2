"""`$ref`: where it leads, within the limits of R-247 and R-248.

Only the main document and files under its directory are read, after symbolic links are resolved. A
reference to `#/$defs/Name` that the document's root does not have means the nearest `$defs` around
it: publishers that inline their schemas leave such references behind.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from .errors import DescriptionError, nearest, shown
from .place import Place, root_place
from .source import Document, Mapping, read_document

MAX_CHAIN = 100
_T = TypeVar("_T")


class References:
    """Resolves references of one description; keeps the files it has read."""

    def __init__(self, main: Document) -> None:
        self.main = main
        self.documents: dict[Path, Document] = {main.path.resolve(): main}
        self._directory = main.path.resolve().parent

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
            if (place.document.name, place.pointer) in seen:
                raise start.error("this $ref leads back to itself; point it at a definition")
            seen.add((place.document.name, place.pointer))
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
        if "://" in file or file.startswith("//"):
            raise place.error(f"remote $ref {shown(file)} is not read; save the file beside this one")
        try:
            path = (place.document.path.parent / unquote(file)).resolve()
        except (ValueError, OSError, RuntimeError):
            raise place.error(f"$ref {shown(file)} is not a file name; correct the reference") from None
        if not path.is_relative_to(self._directory):
            raise place.error(f"$ref {shown(file)} leaves the directory of the description; move it inside")
        if path not in self.documents:
            name = path.relative_to(self._directory).as_posix()
            try:
                self.documents[path] = read_document(path, name)
            except DescriptionError as error:
                if error.line:
                    raise
                raise place.error(f"$ref {shown(file)} cannot be read: {error.message}") from None
        return self.documents[path]

    def _lookup(self, root: Place, place: Place, fragment: str) -> Place | None:
        if fragment and not fragment.startswith("/"):
            return _anchor(root, unquote(fragment))
        tokens = [_token(part) for part in fragment.split("/")[1:]]
        found = _walk(root, tokens)
        if found is None and tokens[:1] == ["$defs"]:
            return _enclosing(place, tokens)
        return found


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
