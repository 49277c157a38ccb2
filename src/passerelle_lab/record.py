"""What she fetched of a unit, `<track>/<unit>/.passerelle.json`: its releases' fingerprints, never their content."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from passerelle_lab.carry import prints

NAME = ".passerelle.json"


@dataclass
class Record:
    """`releases` by version: fingerprints of `files` by path and of `cells` by key; `newest` is the last fetched."""

    newest: str | None = None
    renewed: str | None = None
    releases: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Read a folder's record; an empty one where there is none, or none that can be read."""
        try:
            kept = json.loads((folder / NAME).read_bytes())
            releases = {
                str(version): {part: {str(k): str(v) for k, v in one[part].items()} for part in ("files", "cells")}
                for version, one in kept["releases"].items()
            }
            return cls(kept["newest"], kept.get("renewed"), releases)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def add(self, files: Mapping[str, bytes], notebook: str) -> None:
        """Add a release as the newest."""
        self.newest = version_of(files)
        cells = prints(json.loads(files[notebook]))
        self.releases[self.newest] = {"files": {path: digest(one) for path, one in files.items()}, "cells": cells}

    def write(self, folder: Path) -> None:
        """Put it into a folder, whole."""
        beside = folder / f"{NAME}.new"
        kept = {"newest": self.newest, "renewed": self.renewed, "releases": self.releases}
        beside.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        beside.replace(folder / NAME)

    @property
    def cells(self) -> dict[str, set[str]]:
        """Return how cells read in the fetched releases, by key."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for release in self.releases.values():
            for key, one in release["cells"].items():
                found[key].add(one)
        return dict(found)

    def had(self, path: str, content: bytes) -> bool:
        """Say whether a fetched release had this file, byte for byte."""
        return any(one["files"].get(path) == digest(content) for one in self.releases.values())

    def newest_has(self, path: str, content: bytes) -> bool:
        """Say whether the release she fetched last had this file, byte for byte."""
        return self.newest is not None and self.releases[self.newest]["files"].get(path) == digest(content)


def digest(content: bytes) -> str:
    """Return a file's fingerprint."""
    return sha256(content).hexdigest()


def version_of(files: Mapping[str, bytes]) -> str:
    """Return a release's version: its own, or, for a unit from elsewhere, the exchange's digest of its files."""
    try:
        card: dict[str, Any] = json.loads(files["unit.json"])
        return str(card["version"])
    except (KeyError, ValueError, TypeError):
        whole = sha256()
        for name in sorted(files):
            whole.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
        return whole.hexdigest()
