"""Holds the house to its own rules: short modules, a first sentence each, no stray names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "misc"}
PRODUCT = sorted(
    path
    for side in ("shared", "edge", "hub")
    for path in (ROOT / side).rglob("*.py")
    if ".venv" not in path.parts
)
EVERYTHING = PRODUCT + sorted(
    path for place in ("bench", "models", "packaging", "tests") for path in (ROOT / place).rglob("*.py")
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_module_when_counted_then_short_enough(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_module_when_opened_then_begins_with_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert docstring.splitlines()[0].endswith(".")


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_module_when_named_then_noun_from_the_domain(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("folder", ["models", "packaging"])
def test_data_folder_when_listed_then_not_a_package(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()
