"""What goes into the wheel: this folder as the package, what is built of the Lab extension as shared data.

Hatchling's `sources` would move the shared data too, so the files are named here.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NOT_PACKAGE = {"labextension", "jupyter_config", "hatch_build.py", "pyproject.toml", "__pycache__", "dist"}


class PackageHook(BuildHookInterface):  # type: ignore[type-arg]  # its parameter is the builder's private config
    """Name the files of the package one by one."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the interface's
        """Fill the wheel."""
        root = Path(self.root)
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and not NOT_PACKAGE & set(inside.parts):
                build_data["force_include"][str(path)] = f"passerelle_lab/{inside.as_posix()}"
        # `bypass-selection` also leaves out the content of a shared directory; files named one by one stay.
        for path in sorted((root / "labextension").rglob("*")):
            if path.is_file():
                inside = path.relative_to(root / "labextension")
                build_data["shared_data"][str(path)] = f"share/jupyter/labextensions/passerelle-lab/{inside.as_posix()}"
