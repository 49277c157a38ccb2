"""A mail server for tests: real SMTP on a real socket, with STARTTLS and AUTH where asked."""

import asyncio
import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class PostOffice:
    """What it asks of its customers, and what it got from them."""

    port: int
    certificate: Path
    tls: ssl.SSLContext | None
    password: str = ""
    refuses: str = ""
    got: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak SMTP with one customer."""
        encrypted = known = False

        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        await say("220 ready")
        while line := (await reader.readline()).decode().strip():
            word, _, rest = line.partition(" ")
            word = word.upper()
            if word == "EHLO":
                more = ["250-hello", *(["250-STARTTLS"] if self.tls and not encrypted else [])]
                await say("\r\n".join([*more, "250-AUTH PLAIN", "250 8BITMIME"]))
            elif word == "STARTTLS" and self.tls:
                await say("220 go on")
                await writer.start_tls(self.tls)
                encrypted = True
            elif word == "AUTH":
                known = base64.b64decode(rest.split()[1]).decode().split("\0")[2] == self.password
                await say("235 welcome" if known else "535 no")
            elif word == "MAIL":
                await say("250 ok" if known or not self.password else "530 who are you")
            elif word == "RCPT":
                taken = not self.refuses or self.refuses not in rest
                if taken:
                    self.to.append(rest.partition(":")[2].strip("<>"))
                await say("250 ok" if taken else f"550 no such user {rest}")
            elif word == "DATA":
                await say("354 go on")
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                self.got.append(message_from_bytes(raw, policy=policy.default))
                self.encrypted.append(encrypted)
                await say("250 taken")
            else:
                await say("221 bye" if word == "QUIT" else "250 ok")
                if word == "QUIT":
                    break
        writer.close()


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that signs itself; return it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "post.pem", folder / "post.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


@contextmanager
def post_office(folder: Path, *, tls: bool = True, password: str = "", refuses: str = "") -> Iterator[PostOffice]:
    """Run a mail server on a free port of 127.0.0.1 until the block ends."""
    public, private = certificate_in(folder)
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(public, private)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    office = PostOffice(0, public, context, password, refuses)

    async def open_up() -> asyncio.Server:
        server = await asyncio.start_server(office.serve, "127.0.0.1", 0)
        office.port = server.sockets[0].getsockname()[1]
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(open_up())
        loop.call_soon(ready.set)
        loop.run_forever()
        server.close()
        rest = asyncio.all_tasks(loop)
        for task in rest:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        yield office
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
