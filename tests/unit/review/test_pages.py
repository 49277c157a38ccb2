"""Who sees what, and under which rules: real Tornado, real ledger, JupyterHub's own cookie and XSRF rules."""

import html
import re
from datetime import timedelta

import pytest

from passerelle import ledger
from passerelle.ledger import people
from passerelle.model.people import Role
from passerelle.progress.tables import TASKS
from tests.unit.review.programme import NOW, START, TRACK, Programme, fill, ours, verdict
from tests.unit.review.served import PREFIX, Served, serve

FULL = {"check-mean": 2.0, "check-missing": 4.0}


def attempts(served: Served, handle: str, unit: str) -> list[str]:
    """Return a fellow's attempts at a unit, the newest first, as her unit page links them."""
    return re.findall(r"attempt/[0-9a-f]+", served.get(handle, f"unit/{TRACK}/{unit}").text)


def looks(programme: Programme, subject: str) -> list[tuple[str, str]]:
    with ledger.reading(programme.engine) as session:
        return [(look.viewer, look.what) for look in people.accesses_to(session, subject)]


def said(page: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize(
    ("handle", "heading"),
    [
        pytest.param("fern", "Bonjour Fern", id="fellow"),
        pytest.param("oak", "Mes mentorées", id="mentor"),
        pytest.param("maple", "Mes cours", id="trainer"),
        pytest.param("linden", "The programme", id="coordinator"),
    ],
)
def test_each_role_lands_on_what_she_comes_for(served: Served, handle: str, heading: str) -> None:
    answer = served.get(handle)

    assert answer.status_code == 200
    assert f"<h1>{heading}</h1>" in answer.text


def test_who_is_not_logged_in_is_sent_to_the_hub(served: Served) -> None:
    answer = served.get(None, "mydata")

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?")


@pytest.mark.parametrize("handle", ["course-data-science", "nobody"])
def test_who_is_no_person_of_ours_has_no_page(served: Served, handle: str) -> None:
    assert served.get(handle).status_code == 403


@pytest.mark.parametrize(
    ("handle", "path", "status"),
    [
        pytest.param("oak", "mentee/fern", 200, id="her-mentor"),
        pytest.param("oak", "mentee/fern.csv", 200, id="her-mentor-downloads"),
        pytest.param("oak", "mentee/fern/units", 200, id="her-mentor-reads-her-units"),
        pytest.param("oak", "mentee/cedar/units", 403, id="another-mentors-mentees-units"),
        pytest.param("fern", "mentee/fern?track=web-dev", 404, id="a-sheet-of-a-track-she-is-not-in"),
        pytest.param("oak", "mentee/cedar", 403, id="another-mentors-mentee"),
        pytest.param("oak", "mentee/cedar.json", 403, id="another-mentors-mentee-download"),
        pytest.param("willow", "mentee/fern", 403, id="her-mentor-of-before"),
        pytest.param("oak", "mentee/nobody", 403, id="nobody-looks-like-somebody-elses"),
        pytest.param("oak", "mentee/maple", 403, id="a-trainer-has-no-sheet"),
        pytest.param("maple", "mentee/fern", 200, id="her-trainer"),
        pytest.param("linden", "mentee/fern", 403, id="coordinator"),
        pytest.param("fern", "mentee/fern", 200, id="she-herself"),
        pytest.param("fern", "mentee/fern.json", 200, id="she-herself-downloads"),
        pytest.param("fern", "mentee/iris", 403, id="another-fellow"),
        pytest.param("fern", "mentee/fern.csv?track=web-dev", 404, id="a-track-she-is-not-in"),
        pytest.param("fern", "export/data-science.csv", 403, id="fellows-export-no-track"),
        pytest.param("oak", "export/data-science.csv", 403, id="mentors-export-no-track"),
        pytest.param("maple", "export/data-science.csv", 200, id="trainers-export-theirs"),
        pytest.param("linden", "export/data-science.json", 200, id="coordinators-export"),
        pytest.param("linden", "export/data-science.xlsx", 200, id="coordinators-export-a-workbook"),
        pytest.param("maple", "export/data-science.parquet", 200, id="trainers-export-parquet"),
        pytest.param("maple", "export/data-science.ods", 404, id="no-such-format"),
        pytest.param("linden", "export/web-dev.json", 404, id="not-built"),
        pytest.param("linden", "export/..%2Fdata-science.json", 404, id="no-path"),
        pytest.param("fern", "unit/data-science/d9-nothing", 404, id="no-such-unit"),
        pytest.param("oak", "unit/data-science/d1-tables", 403, id="unit-pages-are-fellows"),
        pytest.param("fern", "attempt/" + "0" * 32, 404, id="no-such-receipt"),
        pytest.param("fern", "anything/else", 404, id="no-such-page"),
        pytest.param("fern", "language", 405, id="a-form-is-no-page"),
    ],
)
def test_who_may_see_what(served: Served, handle: str, path: str, status: int) -> None:
    answer = served.get(handle, path)

    assert answer.status_code == status
    if status >= 400:
        assert len(re.findall("<h1>", answer.text)) == 1
        assert "Traceback" not in answer.text


def test_an_attempt_is_hers_and_her_trainers(served: Served) -> None:
    (page,) = attempts(served, "acacia", "d1-tables")

    statuses = {handle: served.get(handle, page).status_code for handle in ("acacia", "maple", "fern", "oak", "linden")}

    assert statuses == {"acacia": 200, "maple": 200, "fern": 404, "oak": 403, "linden": 403}


def test_a_pairing_ends_at_its_moment(programme: Programme) -> None:
    programme.enrol("fern")
    programme.enrol("oak", role=Role.MENTOR)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "fern", starts=START, ends=NOW)

    with serve(programme) as served:
        served.clock.now = NOW - timedelta(seconds=1)
        before = served.get("oak", "mentee/fern").status_code, "Fern" in served.get("oak").text
        served.clock.now = NOW
        after = served.get("oak", "mentee/fern").status_code, "Fern" in served.get("oak").text

    assert (before, after) == ((200, True), (403, False))


def test_a_trainer_sees_the_tracks_she_teaches_and_no_other(programme: Programme) -> None:
    programme.enrol("fern")
    with ledger.session(programme.engine) as session:
        people.add_person(session, "rowan", Role.TRAINER, "Rowan")
        people.enrol(session, "rowan", "2026", "web-dev", starts=START)

    with serve(programme) as served:
        statuses = [served.get("rowan", path).status_code for path in ("mentee/fern", "export/data-science.csv", "")]

    assert statuses == [403, 403, 200]


def test_every_look_at_a_persons_page_is_logged_before_it_is_shown(programme: Programme) -> None:
    fill(programme)
    before = looks(programme, "fern")
    with serve(programme) as served:
        newest = attempts(served, "fern", "d2-clean")[0]
        for handle, path in (
            ("oak", "mentee/fern"),
            ("oak", "mentee/fern.json"),
            ("maple", newest),
            ("linden", "export/data-science.csv"),
            ("fern", "mentee/fern"),
            ("willow", "mentee/fern"),
        ):
            served.get(handle, path)
        page = said(served.get("fern", "mydata").text)

    new = looks(programme, "fern")[: -len(before)]
    assert new[::-1] == [("oak", "sheet"), ("oak", "download"), ("maple", "attempt"), ("linden", "export")]
    assert "Oak mentor la fiche de suivi" in page
    assert "Linden coordination un export de tout le parcours, sans noms" in page


def test_the_language_is_kept_for_the_person(programme: Programme) -> None:
    programme.enrol("fern", language="en")
    with serve(programme) as served:
        browser = served.as_("fern")
        page = browser.get(served.url("mydata"), timeout=20).text
        token = re.findall(r'name="_xsrf" value="([^"]+)"', page)[0]
        form = {"_xsrf": token, "language": "fr", "next": PREFIX + "mydata"}
        answer = browser.post(served.url("language"), form, timeout=20, allow_redirects=False)
        after = browser.get(served.url("mydata"), timeout=20).text

    assert (answer.status_code, answer.headers["Location"]) == (303, PREFIX + "mydata")
    assert '<html lang="en"' in page
    assert '<html lang="fr"' in after
    assert "Mes données" in after


@pytest.mark.parametrize(
    "back",
    [
        "https://example.org/",
        "//example.org/",
        "/hub/logout",
        "/\\example.org",
        "javascript:alert(1)",
        "",
        PREFIX + "\\x",
    ],
)
def test_the_language_switch_leads_nowhere_else(served: Served, back: str) -> None:
    browser = served.as_("iris")
    token = re.findall(r'name="_xsrf" value="([^"]+)"', browser.get(served.url(), timeout=20).text)[0]
    form = {"_xsrf": token, "language": "fr", "next": back}

    answer = browser.post(served.url("language"), form, timeout=20, allow_redirects=False)

    assert answer.headers["Location"] == PREFIX


@pytest.mark.parametrize("token", [None, "not-hers"])
def test_a_form_of_somebody_else_changes_nothing(served: Served, filled: Programme, token: str | None) -> None:
    browser = served.as_("basil")
    browser.get(served.url(), timeout=20)
    form = {"language": "fr", "next": PREFIX, **({"_xsrf": token} if token else {})}

    answer = browser.post(served.url("language"), form, timeout=20, allow_redirects=False)
    browser.cookies.set("passerelle-language", "fr")
    in_french = browser.post(served.url("language"), form, timeout=20, allow_redirects=False)

    assert answer.status_code == 403
    assert "This page stayed open for a long time" in answer.text
    assert "Cette page est restée ouverte longtemps" in in_french.text
    with ledger.reading(filled.engine) as session:
        basil = people.person(session, "basil")
        assert basil is not None
        assert basil.language == "en"


def test_a_page_is_text_our_style_and_our_script(served: Served) -> None:
    answer = served.get("fern")
    policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers


@pytest.mark.parametrize("forwarded", ["http", "https"])
def test_cookies_are_for_this_site_and_no_script(served: Served, forwarded: str) -> None:
    cookie = served.get("fern", headers={"X-Forwarded-Proto": forwarded}).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    # By the address of the installation: any process of this machine can send a header.
    assert "Secure" not in cookie


def test_static_files_may_be_kept_because_their_address_changes(served: Served) -> None:
    (address,) = re.findall(r'href="([^"]+\.css\?v=[0-9a-f]+)"', served.get("fern").text)
    answer = served.as_(None).get(served.address + address, timeout=20)

    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    assert served.get(None, "static/../pages.py").status_code in {302, 404}
    assert served.get(None, "static/%2e%2e/pages.py").status_code in {302, 404}


def test_a_first_page_is_small(served: Served) -> None:
    page = served.get("fern")
    parts = re.findall(r'(?:href|src)="(/[^"]+\?v=[0-9a-f]+)"', page.text)
    sizes = [len(served.as_(None).get(served.address + part, timeout=20).content) for part in parts]

    assert len(page.content) + sum(sizes) < 100_000


def test_what_waits_for_us_is_said_and_never_a_zero(served: Served) -> None:
    (page,) = attempts(served, "cedar", "d1-tables")
    words = said(served.get("cedar", page).text)

    assert "En attente de notre réponse" in words
    assert "tu ne perds aucun point" in words
    assert not re.search(r"\b0 point", words)


def test_feedback_says_what_was_found_and_where_to_look(served: Served) -> None:
    newest = attempts(served, "fern", "d2-clean")[0]
    page = served.get("fern", newest).text

    assert "418 lignes attendues, 421 trouvées." in page
    assert "<strong>À regarder :</strong> les lignes avec deux virgules dans <code>price</code>" in page.replace(
        "\u00a0", " "
    )
    assert "l’équipe de formation va lire cette réponse" in page


def test_a_trainers_comment_reaches_her(served: Served) -> None:
    counted = attempts(served, "fern", "d1-tables")[0]

    assert "<blockquote>Clear and short. Say the number of rows too.</blockquote>" in served.get("fern", counted).text


def test_what_she_wrote_is_text_on_every_page(programme: Programme) -> None:
    from passerelle.model.verdict import Message

    bad = "<script>alert(1)</script>`<img src=x onerror=alert(1)>`"
    programme.enrol("fern")
    programme.enrol("oak", role=Role.MENTOR)
    programme.release("d1-tables")
    told = {"check-missing": Message(id="rows", args={"expected": bad, "found": bad})}
    programme.send(
        "fern", "d1-tables", START, verdict("d1-tables", {"check-mean": 2.0, "check-missing": 0.0}, "a", told)
    )
    programme.mark_by_hand("fern", "d1-tables", "a", 1.0, NOW, bad)
    with ledger.session(programme.engine) as session:
        people.pair(session, "oak", "fern", starts=START)
        person = people.person(session, "fern")
        assert person is not None
        person.first_name = bad

    with serve(programme) as served:
        newest = attempts(served, "fern", "d1-tables")[0]
        pages = [served.get("fern"), served.get("fern", newest), served.get("oak"), served.get("oak", "mentee/fern")]

    for page in pages:
        assert page.status_code == 200
        assert "&lt;script&gt;" in page.text
        assert "<script>alert" not in page.text
        assert "<img" not in page.text


def test_the_part_that_changes_tells_the_end_of_marking(programme: Programme) -> None:
    programme.enrol("fern")
    programme.release("d1-tables")
    receipt = programme.send("fern", "d1-tables", NOW)
    with serve(programme) as served:
        before = served.get("fern", f"attempt/{receipt}?part=1").text
        programme.mark(receipt, verdict("d1-tables", FULL, "a"), NOW)
        after = served.get("fern", f"attempt/{receipt}?part=1").text

    assert 'data-state="waiting"' in before
    assert 'data-state="marked"' in after
    assert "<html" not in after


def test_a_second_attempt_of_hers_is_told_which_one_counts(served: Served) -> None:
    newest = attempts(served, "fern", "d2-clean")[0]

    assert "L’essai 1 compte : c’est celui qui a le plus de points." in said(served.get("fern", newest).text).replace(
        "\u00a0", " "
    )


def test_my_path_leads_to_the_notebook_and_to_submitting(served: Served) -> None:
    page = served.get("fern").text

    assert 'href="/hub/user-redirect/passerelle/open/data-science/d4-joins"' in page
    assert 'href="/hub/user-redirect/passerelle/submit/data-science/d4-joins"' in page


def test_the_trainer_finds_what_waits_for_her_and_formgrader(served: Served) -> None:
    page = served.get("maple").text

    assert "/hub/spawn/course-data-science?next=/user/course-data-science/formgrader" in page
    assert "4 apprenantes sur 6 ont envoyé leur travail" in page
    assert "0 apprenante sur 6 a envoyé son travail" in page


def test_mentors_read_the_unit_in_one_plain_line(served: Served) -> None:
    words = said(served.get("oak", "mentee/fern/units").text).replace("\u00a0", " ").replace("\u202f", " ")

    assert "Cette unité, c’est : rendre fiable un fichier brouillon ; demandez-lui de montrer : une ligne" in words


def test_a_fellow_does_not_get_the_mentors_notes(served: Served) -> None:
    assert "En entretien" in served.get("oak", "mentee/fern/units").text
    assert "En entretien" not in served.get("fern", "mentee/fern/units").text


def test_a_download_has_a_name_that_names_nobody(served: Served) -> None:
    answer = served.get("oak", "mentee/fern.csv")
    name = answer.headers["Content-Disposition"]

    assert re.fullmatch(r'attachment; filename="data-science-f-[a-z2-7]{12}-2026-11-24\.csv"', name)
    assert answer.content.decode("utf-8-sig").startswith(";".join(column.name for column in TASKS))
    assert "fern" not in answer.text


def test_the_id_in_a_download_of_one_fellow_is_in_no_export_of_the_programme(served: Served) -> None:
    """Who reads her page knows who she is: the programme's id would name her in every export."""

    def ids(reader: str, path: str) -> set[str]:
        return set(re.findall(r"f-[a-z2-7]{12}", served.get(reader, path).text))

    everybody = ids("linden", "export/data-science.json")
    hers = {reader: ids(reader, "mentee/fern.json") for reader in ("oak", "maple", "fern")}
    name = served.get("oak", "mentee/fern.csv").headers["Content-Disposition"]

    assert len(everybody) == 6
    assert [len(one) for one in hers.values()] == [1, 1, 1]
    assert len(everybody.union(*hers.values())) == 9, "each reader has an id of hers"
    assert hers["oak"] == ids("oak", "mentee/fern.json")
    assert hers["oak"].pop() in name


def test_an_error_of_ours_is_a_calm_page(programme: Programme) -> None:
    programme.enrol("fern", language="fr")
    with serve(programme) as served:
        (programme.settings.courses / TRACK / "course.json").write_text("{", encoding="utf-8")
        answer = served.get("fern")

    assert answer.status_code == 500
    assert "Quelque chose n’a pas fonctionné de notre côté" in answer.text
    assert "Traceback" not in answer.text


def test_a_course_that_is_built_anew_is_read_anew(programme: Programme) -> None:
    programme.enrol("fern")
    course = programme.settings.courses / TRACK / "course.json"
    with serve(programme) as served:
        before = served.get("fern").text
        course.write_text(
            course.read_text(encoding="utf-8").replace("Tables with pandas", "Tables, again"), encoding="utf-8"
        )
        after = served.get("fern").text

    assert "Tables with pandas" in before
    assert "Tables, again" in after


def test_a_fault_that_is_mended_is_told(programme: Programme) -> None:
    programme.enrol("fern")
    programme.release("d1-tables")
    receipt = programme.send("fern", "d1-tables", START)
    programme.mark(receipt, ours("d1-tables"), START)
    with serve(programme) as served:
        before = said(served.get("fern").text)
        programme.mark(receipt, verdict("d1-tables", FULL), START + timedelta(minutes=1))
        after = said(served.get("fern").text)

    assert "We owe you a reply" in before
    assert "We owe you a reply" not in after


def test_an_empty_programme_has_pages_too(programme: Programme) -> None:
    programme.enrol("oak", role=Role.MENTOR)
    programme.enrol("linden", role=Role.COORDINATOR)
    with ledger.session(programme.engine) as session:
        people.add_person(session, "fern", Role.FELLOW, "Fern", language="en")
        people.add_person(session, "maple", Role.TRAINER, "Maple", language="en")
    with serve(programme) as served:
        answers = [served.get(handle, path) for handle in ("fern", "maple", "oak", "linden") for path in ("", "mydata")]

    assert [answer.status_code for answer in answers] == [200] * 8
    assert "No track yet." in answers[0].text


def test_a_loop_over_pages_is_asked_to_wait_and_nobody_else_is(programme: Programme) -> None:
    fill(programme)
    with serve(programme) as served:
        browser = served.as_("acacia")
        answers = [browser.get(served.url("mydata"), timeout=20, allow_redirects=False) for _ in range(3)]
        served.context.pace.take("acacia", 100 * 200_000)
        served.context.pace.take("acacia", 200 * 200_000)
        answers.append(browser.get(served.url("mydata"), timeout=20))

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert "Trop de pages à la fois" in said(answers[-1].text)
        assert served.get("basil").status_code == 200
