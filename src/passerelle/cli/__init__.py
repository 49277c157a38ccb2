"""`passerelle …`: wires the rooms together."""

from passerelle.cli.commands import main

__all__ = ["main"]
