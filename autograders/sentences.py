"""The general sentences, in English, by id. Every one is in `locale/fr.po` (msgctxt = id) too.

«you» is the fellow. Short, exact, calm: what was found, what was expected, where to look.
"""

SENTENCES: dict[str, str] = {
    "look": "Look at: {where}",
    "as-expected": "✓ As expected.",
    # What every check may meet.
    "name-missing": "`{name}` does not exist yet.",
    "look-name-missing": "the cell that makes `{name}`: run it, and check the spelling of the name.",
    "still-to-write": "`{name}` is still to be written: its place holds `...`.",
    "look-still-to-write": "the cell above: replace `...` with your answer, run it, then check again.",
}
