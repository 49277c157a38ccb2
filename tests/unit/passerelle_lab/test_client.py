import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

import polib
import pytest

from passerelle.model import parcel as model_parcel
from passerelle_lab import client as client_module
from passerelle_lab import exchange_words, parcel
from passerelle_lab.client import Client, ClientError
from passerelle_lab.parcel import ParcelError
from tests.unit.exchange.served import PREFIX, TRACK, UNIT, Served, files, release_files
from tests.unit.model.test_parcel import zipped


@pytest.fixture
def acacia(served: Served) -> Client:
    return Client(served.api, "token-acacia")


@contextmanager
def line_that_drops(served: Served, drops: int) -> Iterator[str]:
    """Stand before the exchange and lose its first answers: the requests arrive, the senders hear nothing."""
    behind = urlsplit(served.address)
    with socket.socket() as front:
        front.bind(("127.0.0.1", 0))
        front.listen(8)
        front.settimeout(20)

        def carry() -> None:
            for number in range(drops + 1):
                sender, _ = front.accept()
                with sender, socket.create_connection((behind.hostname, behind.port)) as exchange:
                    exchange.settimeout(20)
                    answer = b""
                    threading.Thread(target=_copy, args=(sender, exchange), daemon=True).start()
                    while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                        answer += exchange.recv(65536)
                    if number == drops:
                        sender.sendall(answer)
                    # Closing alone would wait for the thread that still listens to the sender.
                    sender.shutdown(socket.SHUT_RDWR)

        carrier = threading.Thread(target=carry)
        carrier.start()
        yield f"http://127.0.0.1:{front.getsockname()[1]}{PREFIX}api"
        carrier.join(20)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
    except OSError:
        return


def test_a_line_that_drops_after_the_receipt_was_written_makes_one_receipt(served: Served) -> None:
    with line_that_drops(served, drops=2) as api:
        receipt = Client(api, "token-acacia").submit(TRACK, UNIT, files())

    assert [(row.id, row.number) for row in served.stored()] == [(receipt["receipt"], 1)]


def test_two_submissions_have_two_keys(acacia: Client, served: Served) -> None:
    assert acacia.submit(TRACK, UNIT, files())["number"] == 1
    assert acacia.submit(TRACK, UNIT, files())["number"] == 2


def test_a_refusal_brings_the_exchanges_words(acacia: Client) -> None:
    with pytest.raises(ClientError, match="n’est pas inscrit") as caught:
        acacia.units("web-dev")

    assert (caught.value.status, caught.value.id) == (403, "not-enrolled")


def test_nobody_there_is_said_in_her_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "TRY_AGAIN_AFTER_S", (0.01,))
    monkeypatch.setenv("PASSERELLE_LANGUAGE", "fr")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))

        with pytest.raises(ClientError, match="Ton travail est en sécurité") as caught:
            Client(f"http://127.0.0.1:{closed.getsockname()[1]}", "t").me()

    assert caught.value.status == 0


def test_a_proxy_of_the_environment_is_not_asked(acacia: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert acacia.me()["handle"] == "acacia"


def test_the_environment_says_where_and_who(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_API", served.api + "/")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-basil")
    assert Client.from_environment().me()["handle"] == "basil"

    monkeypatch.delenv("JUPYTERHUB_API_TOKEN")
    with pytest.raises(ClientError):
        Client.from_environment()


def test_what_the_client_can_do(acacia: Client, served: Served) -> None:
    trainer = Client(served.api, "token-maple")
    assert acacia.courses() == [TRACK]
    assert [unit["unit"] for unit in acacia.units(TRACK)] == [UNIT]
    assert acacia.release(TRACK, UNIT) == release_files()
    receipt = acacia.submit(TRACK, UNIT, files())
    assert [row["receipt"] for row in acacia.submissions(TRACK)] == [receipt["receipt"]]
    assert trainer.submission_files(receipt["receipt"]) == files()
    assert acacia.result(receipt["receipt"])["state"] == "waiting"
    assert acacia.result(receipt["receipt"], "en")["unit"] == UNIT
    assert trainer.mark_again(TRACK, units=[UNIT]) == 1
    trainer.manual_marks_changed(TRACK)
    trainer.put_feedback(TRACK, UNIT, "acacia", receipt["timestamp"], {f"{UNIT}.html": b"<p>"})
    assert acacia.feedback(TRACK, UNIT, "acacia") == {f"{receipt['timestamp']}/{UNIT}.html": b"<p>"}
    acacia.set_language("en")
    assert acacia.me()["language"] == "en"
    assert served.wakes == [b"mark", b"mark", f"manual {TRACK}".encode()]


def test_both_sides_write_the_same_parcels() -> None:
    for sent in ({}, files(), {"a/b": b"x", "a.b": b"", "é ü": bytes(1000)}):
        assert parcel.pack(sent) == model_parcel.pack(sent)
        assert parcel.unpack(model_parcel.pack(sent)) == sent


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"no zip", id="no-parcel"),
        pytest.param(zipped(("../x", b"")), id="parent"),
        pytest.param(zipped(("/x", b"")), id="absolute"),
        pytest.param(zipped(("x", b"/etc/passwd"), mode=0o120777), id="link"),
        pytest.param(model_parcel.pack({"a": b"abc" * 100})[:-30], id="cut-off"),
    ],
)
def test_a_parcel_that_leads_elsewhere_is_not_unpacked(bad: bytes) -> None:
    with pytest.raises(ParcelError):
        parcel.unpack(bad)


def test_every_sentence_is_there_in_french_with_its_places() -> None:
    folder = Path(exchange_words.__file__).parent / "locale" / "fr_FR" / "LC_MESSAGES"
    french = {entry.msgid: entry.msgstr for entry in polib.pofile(str(folder / "passerelle_exchange.po"))}

    assert set(french) == set(exchange_words.WORDS.values())
    for english, text in french.items():
        assert text
        assert {place[1] for place in Formatter().parse(text)} == {place[1] for place in Formatter().parse(english)}


def test_words_are_in_the_language_of_whose_server_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for language in ("fr", "en", "xx"):
        monkeypatch.setenv("PASSERELLE_LANGUAGE", language)
        said[language] = exchange_words.tell("no-track")

    assert said == {
        "fr": "Quel parcours\u202f? Ajoute --course et son nom.",
        "en": "Which track? Add --course and its name.",
        "xx": "Which track? Add --course and its name.",
    }
