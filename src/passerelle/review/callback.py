"""The last step of signing in: the hub sends a reader back to the pages, with a code for her token."""

import logging

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.web import HTTPError

from passerelle.review.base import PageHandler

AGAIN = "passerelle-again"
"""The cookie of a reader whom we sent round once more; she is not sent a third time."""
AGAIN_S = 60

log = logging.getLogger(__name__)


class CallbackPage(HubOAuthCallbackHandler, PageHandler):  # type: ignore[misc]  # jupyterhub has no types
    """Takes the code. Where that does not end well she is sent round once more, and then reads a page of ours.

    A code is good for nothing when the hub was killed as it took it, or when this process was while she typed her
    password. The hub knows her by then: the second time goes by itself.
    """

    async def prepare(self) -> None:
        """Find out whether she is signed in already; here, since JupyterHub would hold up everybody to ask."""
        self.current_user = await self.hub_auth.get_user(self, sync=False)

    async def get(self) -> None:
        """Take the code and send her where she wanted to go."""
        wanted = self.hub_auth.get_next_url(self.get_query_argument("state", ""))  # before it is used up
        try:
            await HubOAuthCallbackHandler.get(self)
        except HTTPError as error:
            log.warning("a sign-in did not end: %s", error.log_message)
            # No use where the hub is away, or says that she may not come in.
            hopeless = error.status_code == 503 or "error" in self.request.query_arguments
            if hopeless or self.get_cookie(AGAIN):
                raise
            self.set_cookie(AGAIN, "1", max_age=AGAIN_S, path=self.context.prefix)
            self.redirect(wanted)

    def write_error(self, status_code: int, **_kwargs: object) -> None:
        """Answer with a calm page and the way on."""
        self.clear_cookie(AGAIN, path=self.context.prefix)
        if status_code == 503:
            self.set_header("Retry-After", "5")
        self.page("error.html", kind="sign-in")
