"""Passerelle: a Jupyter learning environment. The rooms and their order are in docs/architecture.md."""
