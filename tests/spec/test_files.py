"""Which file a mistake is blamed on when a description is made of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_forge import spec

HEAD = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\nservers: [{url: https://h.com}]\n"
ONE_PATH = HEAD + "paths:\n  /a:\n    post: {operationId: x}\n"


def blamed(main: str, patch: str, folder: Path, *, overlay: bool = False) -> spec.DescriptionError:
    """The error of a description with a patch laid over it."""
    (folder / "description.yaml").write_text(main)
    (folder / "patch.yaml").write_text(patch)
    path = folder / "patch.yaml"
    forge, overlays = (None, [path]) if overlay else (path, [])
    with pytest.raises(spec.DescriptionError) as caught:
        spec.load(folder / "description.yaml", forge=forge, overlays=overlays)
    assert len(str(caught.value).splitlines()) <= 3
    return caught.value


@pytest.mark.parametrize(
    ("patch", "line"),
    [
        ("\n\nx-forge:\n  client: A\n  providr: a\n", 5),
        ("x-forge:\n  rate_limits:\n  - {family: x}\n", 3),
        ("x-forge:\n  errors:\n    status_of_type:\n      a: many\n", 4),
        ("paths:\n  /a:\n    post:\n      x-forge:\n        replay: twice\n", 5),
    ],
)
@pytest.mark.parametrize("told", ["", "x-forge:\n  provider: acme\n  errors: {message: m}\n"])
def test_a_mistake_in_a_forge_file_names_the_forge_file(
    patch: str, line: int, told: str, tmp_path: Path
) -> None:
    error = blamed(ONE_PATH + told, patch, tmp_path)
    assert (error.file, error.line) == ("patch.yaml", line)


def test_a_mistake_in_the_description_names_it_whatever_is_laid_over_it(tmp_path: Path) -> None:
    error = blamed(ONE_PATH + "x-forge:\n  providr: a\n", "x-forge: {client: A}\n", tmp_path)
    assert (error.file, error.line) == ("description.yaml", 8)


@pytest.mark.parametrize(
    ("action", "line"),
    [
        ("target: $.paths['/a'].post\n  update:\n    x-forge:\n      replay: twice\n", 6),
        ("target: $\n  update:\n    x-forge:\n      providr: a\n", 6),
        ("target: $['x-forge'].rate_limits\n  update:\n    family: y\n", 4),
    ],
)
def test_a_mistake_in_an_overlay_names_the_overlay(action: str, line: int, tmp_path: Path) -> None:
    told = "x-forge:\n  rate_limits:\n  - {family: x, limit: l, remaining: r}\n"
    error = blamed(ONE_PATH + told, f"overlay: 1.0.0\nactions:\n- {action}", tmp_path, overlay=True)
    assert (error.file, error.line) == ("patch.yaml", line)


def test_entries_keep_their_lines_when_an_overlay_removes_one(tmp_path: Path) -> None:
    limits = "x-forge:\n  rate_limits:\n  - {family: x, limit: l, remaining: r}\n  - {family: y}\n"
    patch = "overlay: 1.0.0\nactions:\n- {target: \"$['x-forge'].rate_limits\", update: {family: z}}\n"
    patch += "- {target: \"$['x-forge'].rate_limits[0]\", remove: true}\n"
    error = blamed(ONE_PATH + limits, patch, tmp_path, overlay=True)
    assert (error.file, error.line, error.pointer) == ("description.yaml", 10, "/x-forge/rate_limits/0")


def test_a_note_about_a_patch_names_the_patch(tmp_path: Path) -> None:
    (tmp_path / "description.yaml").write_text(ONE_PATH)
    (tmp_path / "patch.yaml").write_text("paths:\n  /b:\n    get: 7\n")
    api = spec.load(tmp_path / "description.yaml", forge=tmp_path / "patch.yaml")
    assert [one.path for one in api.skipped] == ["/b"]
    assert ("patch.yaml", 3) in {(one.file, one.line) for one in api.notices}


@pytest.mark.requirement("R-247")
def test_a_mistake_in_a_referenced_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "path.yaml").write_text("\n\npost:\n  x-forge:\n    replay: twice\n")
    main = HEAD + "paths:\n  /a: {$ref: parts/path.yaml}\n"
    error = blamed(main, "x-forge: {provider: acme}\n", tmp_path)
    assert (error.file, error.line) == ("parts/path.yaml", 5)
