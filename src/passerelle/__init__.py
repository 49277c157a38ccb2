"""Passerelle: a Jupyter learning environment. The rooms and their order are in docs/architecture.md."""

import os

# Pydantic looks through every package that is installed for plugins of its own: that takes as long as importing it.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
