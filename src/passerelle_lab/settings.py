"""How JupyterLab is set for a fellow.

What is the same for everyone lies in `fellow/`, a Jupyter configuration directory in this package: no news, no
trainer's tools of nbgrader (the assignment list stays), simple interface, saving by itself, the system's light
or dark. It is not switched on by installing the package, because a trainer's server has the package too: it is
on where `JUPYTER_CONFIG_PATH` names it. What is hers, Lab's language, is a user setting in her home.

One entry for a hub: start `python -m passerelle_lab.singleuser` instead of `jupyterhub-singleuser`. It calls
`prepare_home` in her own process, within her own walls: nothing of the hub's writes into a home whose links
she may have set. A hub that must do it itself calls `prepare_home(home, language)` and adds what it returns to
the server's environment.
"""

import logging
import os
import tempfile
from pathlib import Path

from passerelle_lab.words import LOCALES

log = logging.getLogger(__name__)

FELLOW_CONFIG = Path(__file__).parent / "fellow"
_LOCALE_SETTING = Path(".jupyter/lab/user-settings/@jupyterlab/translation-extension/plugin.jupyterlab-settings")
_OURS = """// Follows your language in Passerelle until you choose one in Lab's own menu.
{{
    "locale": "{locale}"
}}
"""


def prepare_home(home: Path, language: str) -> dict[str, str]:
    """Set Lab's language in a home and return the environment that the server needs.

    Args:
        home: her home directory, which the server has as HOME.
        language: `en` or `fr`.

    Returns:
        Environment variables: where Jupyter's configuration is, and the language of kernels and checks.
    """
    follow_language(home, language)
    # What the hub configures comes before ours.
    given = [path for path in os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep) if path]
    return {
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_CONFIG_PATH": os.pathsep.join(dict.fromkeys([*given, str(FELLOW_CONFIG)])),
        "PASSERELLE_LANGUAGE": language,
    }


def follow_language(home: Path, language: str) -> None:
    """Make Lab's interface follow her language, unless she chose one in Lab itself.

    Lab rewrites the file in its own form when she chooses; as long as it is word for word ours, she has not.
    """
    path = home / _LOCALE_SETTING
    ours = {_OURS.format(locale=locale).encode() for locale in LOCALES.values()}
    try:
        if path.exists() and path.read_bytes() not in ours:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(_OURS.format(locale=LOCALES[language]).encode())
        Path(file.name).replace(path)
    except OSError as error:
        # A full disk or a folder of her making: her server is worth more than its menus' language.
        log.warning("Lab's language is not set: %s", error)
