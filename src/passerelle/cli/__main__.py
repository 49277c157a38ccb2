"""`python -m passerelle.cli`."""

from passerelle.cli.commands import main

main()
