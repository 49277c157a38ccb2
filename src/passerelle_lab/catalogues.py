"""Makes what the browser reads from the PO catalogues, and stamps the Lab extension's version.

`python -m passerelle_lab.catalogues` after a change to `locale/` or `labextension/static/`; a test says when
it was forgotten. Only here is polib needed: at run time the made JSON is read.
"""

import hashlib
import json
from pathlib import Path

import polib

PACKAGE = Path(__file__).parent
MESSAGES = PACKAGE / "locale" / "fr_FR" / "LC_MESSAGES"
EXTENSION = PACKAGE / "labextension"
OWN = "passerelle_lab"


def made() -> dict[Path, str]:
    """Return every made file with its content."""
    files = {MESSAGES / f"{path.stem}.json": _json(_jed(path)) for path in sorted(MESSAGES.glob("*.po"))}
    bar_words = EXTENSION / "static" / "fr.json"
    files[bar_words] = _json({entry.msgid: entry.msgstr for entry in polib.pofile(str(MESSAGES / f"{OWN}.po"))})
    manifest = EXTENSION / "package.json"
    files[manifest] = _stamped(manifest, _version({bar_words: files[bar_words]}))
    return files


def main() -> None:
    """Write the made files."""
    for path, content in made().items():
        path.write_text(content, encoding="utf-8")


def _jed(po: Path) -> dict[str, object]:
    """Return a catalogue as JupyterLab reads it: texts to lists of plural forms, the language with a dash."""
    head = {"domain": po.stem, "language": "fr-FR", "version": "1.0", "plural_forms": "nplurals=2; plural=(n > 1);"}
    texts: dict[str, object] = {entry.msgid: [entry.msgstr] for entry in polib.pofile(str(po))}
    return {"": head, **texts}


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _version(remade: dict[Path, str]) -> str:
    """Return the hash of all that a browser may cache."""
    digest = hashlib.sha256()
    for path in sorted((EXTENSION / "static").iterdir()):
        content = remade[path].encode() if path in remade else path.read_bytes()
        digest.update(path.name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def _stamped(manifest: Path, version: str) -> str:
    """Return the manifest whose load file carries the version: browsers may keep what is asked for with `?v=`."""
    package = json.loads(manifest.read_text(encoding="utf-8"))
    package["jupyterlab"]["_build"]["load"] = f"static/remoteEntry.js?v={version}"
    return json.dumps(package, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    main()
