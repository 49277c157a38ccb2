"""Our tests; a package by name, because one of our dependencies installs a `tests` of its own."""
