"""The fellow's server extension: its addresses, and what it tells the bar."""

import os
from typing import Any

from jupyter_server.base.handlers import Template404
from jupyter_server.utils import url_path_join
from jupyterlab.handlers.build_handler import BuildHandler
from tornado.routing import RuleRouter

from passerelle_lab import error_page
from passerelle_lab.explaining import ExplainingHandler
from passerelle_lab.handlers import (
    NAME,
    RECEIPT,
    LanguageHandler,
    OpenHandler,
    PasserelleHandler,
    ResultsHandler,
    SubmitHandler,
)
from passerelle_lab.help_handler import HelpHandler
from passerelle_lab.unit_handlers import (
    CopiesHandler,
    FreshHandler,
    LastHandler,
    NoticeHandler,
    RenewHandler,
    RestoreHandler,
    StateHandler,
)

_UNIT = rf"({NAME})/({NAME})"
ROUTES: list[tuple[str, type[PasserelleHandler]]] = [
    (rf"passerelle/open/{_UNIT}", OpenHandler),
    (rf"passerelle/submit/{_UNIT}", SubmitHandler),
    (rf"passerelle/help/{_UNIT}", HelpHandler),
    (rf"passerelle/state/{_UNIT}", StateHandler),
    (rf"passerelle/renew/{_UNIT}", RenewHandler),
    (rf"passerelle/fresh/{_UNIT}", FreshHandler),
    (rf"passerelle/last/{_UNIT}", LastHandler),
    (rf"passerelle/copies/{_UNIT}", CopiesHandler),
    (rf"passerelle/restore/({RECEIPT})", RestoreHandler),
    (rf"passerelle/results/({RECEIPT})", ResultsHandler),
    (r"passerelle/language", LanguageHandler),
    (r"passerelle/explaining", ExplainingHandler),
    (r"passerelle/notice", NoticeHandler),
]
"""The extension's addresses below the server's base URL."""


def _take_builder_away(application: Any) -> None:
    """Answer 404 where Lab's builder was: nobody builds Lab in a box, and asking for it starts Node."""
    waiting = [application.default_router]
    while waiting:
        for rule in waiting.pop().rules:
            if rule.target is BuildHandler:
                rule.target, rule.target_kwargs = Template404, {}
            elif isinstance(rule.target, RuleRouter):
                waiting.append(rule.target)


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the handlers, take Lab's builder away, and tell the bar what this server can do."""
    application = server.web_app
    base_url = application.settings["base_url"]
    _take_builder_away(application)
    error_page.put_into(application.settings["jinja2_env"])
    application.add_handlers(".*$", [(url_path_join(base_url, pattern), handler) for pattern, handler in ROUTES])
    # The bar submits and stores only where there is an exchange to ask.
    here: dict[str, str | bool] = {"passerelleServer": "true" if os.environ.get("PASSERELLE_API") else "false"}
    here["passerellePages"] = os.environ.get("PASSERELLE_PAGES", "")
    here |= {"buildAvailable": False, "buildCheck": False}
    application.settings.setdefault("page_config_data", {}).update(here)
