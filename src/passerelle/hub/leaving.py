"""Signing out: it ends every session of that person, here and on every other device."""

from jupyterhub.handlers.login import LogoutHandler

from passerelle.hub.welcome import end_sessions


class LeavingHandler(LogoutHandler):  # type: ignore[misc]  # jupyterhub has no types
    """The hub's log-out, after which no copy of a cookie is worth anything.

    JupyterHub only tells the browser to forget its cookie; whoever copied it before (the computer may be shared)
    would go on for a day. Its value is the account's, not the session's, so the account gets a new one.
    """

    def _backend_logout_cleanup(self, name: str) -> None:
        end_sessions(self, self.current_user)
        super()._backend_logout_cleanup(name)
