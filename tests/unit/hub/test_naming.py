"""The service asks a hub that was killed again, for a bounded time: real sockets, a hub's two answers."""

import asyncio
import socket
from typing import Any

import pytest
from tornado.web import HTTPError

from passerelle.hub.sockets import bind, port_of
from passerelle.hub.web import Naming

CUT_OFF, AWAY = b"", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
NAMED = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"name":"fern"}'
REFUSED = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\nConnection: close\r\n\r\n{"error":"invalid_grant"}'


async def asked(held: socket.socket, answers: list[bytes], patience_s: float) -> tuple[Any, int]:
    """Return what the service hears from a hub with these answers, in turn, and how many of them it took."""
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0))
        await writer.drain()
        writer.close()

    naming = Naming(api_token="a", api_url=f"http://127.0.0.1:{port_of(held)}/hub/api", base_url="/", hub_host="")
    naming.patience_s = patience_s
    server = await asyncio.start_server(answer, sock=held.dup()) if answers else None
    try:
        heard = await naming._api_request("GET", f"{naming.api_url}/user")
    except HTTPError as error:
        heard = error.status_code
    if server is not None:
        server.close()
    return heard, len(answers) - len(left)


@pytest.mark.parametrize(
    ("answers", "heard", "took"),
    [
        ([CUT_OFF, AWAY, NAMED], {"name": "fern"}, 3),
        ([REFUSED, NAMED], 500, 1),
        ([], 503, 0),
    ],
    ids=["killed and back", "refused", "away"],
)
def test_a_hub_that_is_away_is_asked_again(answers: list[bytes], heard: object, took: int) -> None:
    with bind() as held:
        assert asyncio.run(asked(held, answers, patience_s=10 if answers else 0.5)) == (heard, took)
