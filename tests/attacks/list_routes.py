"""Prints the routes of the server that a module starts, as JSON; run by that server's own Python, it imports no test."""

import json
import os
import runpy
import sys
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyterhub.singleuser.extension import JupyterHubSingleUser
from tornado.web import RequestHandler

METHODS = ("get", "post", "put", "patch", "delete")


def _rules(router: Any) -> Any:
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            yield from _rules(rule.target)
        else:
            yield rule.matcher.regex.pattern, rule.target


def _say(app: Any, *_arguments: Any, **_more: Any) -> None:
    found = [
        {
            "pattern": pattern,
            "methods": [one.upper() for one in METHODS if getattr(handler, one) is not getattr(RequestHandler, one)],
        }
        for pattern, handler in _rules(app.web_app.default_router)
    ]
    print(json.dumps(found), flush=True)
    os._exit(0)


async def _no_hub(_app: Any) -> None:
    return


JupyterHubSingleUser.check_hub_version = _no_hub
ServerApp.start = _say  # type: ignore[assignment, method-assign]  # it lists instead of listening
module = sys.argv[1]
sys.argv = [module]
runpy.run_module(module, run_name="__main__")
