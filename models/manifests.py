"""What the manifests of model folders say of their files, so that one which is swapped or damaged is refused.

For the folders of operating points it writes them; run from the repository after a change: python -m models.manifests
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

KINDS = {"spotter": "thresholds.json", "doubt": "points.json"}
"""Folder and file; the folder's name is the manifest's kind."""


def digests(folder: Path, names: Iterable[str]) -> dict[str, dict[str, str | int]]:
    """Return SHA-256 and size of files in a folder, as a manifest has them."""
    contents = {name: (folder / name).read_bytes() for name in names}
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in contents.items()
    }


def pretty(content: object) -> bytes:
    """Return JSON as it is committed."""
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def vouch(folder: Path, names: Iterable[str], **says: object) -> None:
    """Write `manifest.json` of files that lie in a folder; `says` is what else a reader must know, in this order."""
    (folder / "manifest.json").write_bytes(pretty({**says, "files": digests(folder, names)}))


def write_manifest(folder: Path) -> None:
    """Write `manifest.json` of a folder of `KINDS`."""
    name = folder.name
    vouch(folder, [KINDS[name]], name=name, kind=name, version=1, language="zh-CN")


if __name__ == "__main__":
    for kind in KINDS:
        write_manifest(Path(__file__).with_name(kind))
