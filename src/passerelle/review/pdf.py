"""The review sheet as a file: one A4 page, tagged (PDF/UA), the same bytes for the same sheet.

WeasyPrint lays it out with the fonts of the system and fetches nothing; docs/guides/operator.en.md names the
packages it needs.
"""

import importlib
import threading
from functools import partial
from importlib.resources import files
from typing import Any, Self

from passerelle.model.errors import ServiceError
from passerelle.model.people import Role
from passerelle.progress.pseudonyms import pseudonym, pseudonym_secret
from passerelle.review.base import PageHandler, templates
from passerelle.review.long_work import made
from passerelle.review.sheet import AGENDA, SHOWN, Sheet, read_sheet

SIZES_PT = (11.0, 9.5, 8.5, 7.5, 7.0)
"""Sizes of the text, largest first: the first with which everything is on one page is taken."""

ONE_LAYOUT = threading.Lock()
"""Held while a page is laid out: Pango's state is not for several threads."""


class PdfError(ServiceError):
    """No PDF can be made on this machine."""

    @classmethod
    def of(cls, why: Exception) -> Self:
        """Build the error from what the system lacks."""
        first = str(why).splitlines()[0] if str(why) else type(why).__name__
        return cls(
            f"the review sheet as a PDF: WeasyPrint does not start here ({first}); install libpango-1.0-0, "
            "libpangoft2-1.0-0, libharfbuzz-subset0 and a font, then start again"
        )


def pdf_bytes(html: str, style: str) -> tuple[bytes, int]:
    """Return a page as PDF/UA and how many pages it took: one, as long as the smallest size can hold it.

    Raises:
        PdfError: a library is missing.
    """
    try:
        # Here, not above: it takes a second, and only who downloads a sheet needs it.
        paper: Any = importlib.import_module("weasyprint")
    except OSError as error:
        raise PdfError.of(error) from error

    # Nothing of a page names anything to fetch; what somebody wrote into it must not either.
    nothing = paper.urls.URLFetcher(allowed_protocols=())
    # One at a time leaves the other core to the pages, too.
    with ONE_LAYOUT:
        for size in SIZES_PT:
            fonts = paper.text.fonts.FontConfiguration()
            sheets = [paper.CSS(string=text, font_config=fonts) for text in (style, f"html {{ font-size: {size}pt }}")]
            laid = paper.HTML(string=html, url_fetcher=nothing).render(
                stylesheets=sheets, font_config=fonts, pdf_variant="pdf/ua-1"
            )
            if len(laid.pages) == 1:
                break
        # Its own identifier is the hash of its content: no time and no chance in it.
        return bytes(laid.write_pdf(pdf_variant="pdf/ua-1")), len(laid.pages)


class SheetPdf(PageHandler):
    """`mentee/<handle>.pdf`: the review sheet to print or to keep."""

    roles = frozenset({Role.FELLOW, Role.MENTOR, Role.TRAINER})

    async def get(self, handle: str) -> None:
        """Answer with the file, in the reader's language."""
        sheet = await self.reading(lambda session: read_sheet(self, session, handle))
        await self.log_look(handle, "sheet-pdf")
        shown = templates(self.reader.language).get_template("sheet_pdf.html")
        html = shown.render(sheet=sheet, agenda=AGENDA, shown=SHOWN, reader=self.reader, now=self.moment)
        content, _ = await made(partial(pdf_bytes, html, _style()), self.me.handle)
        self.set_header("Content-Type", "application/pdf")
        self.set_header("Content-Disposition", f'attachment; filename="{self._name(sheet)}"')
        self.finish(content)

    def _name(self, sheet: Sheet) -> str:
        """Return a name that names nobody, as those of the other downloads."""
        hidden = pseudonym(sheet.fellow.handle, pseudonym_secret(self.context.settings.secrets))
        return f"{sheet.course.track}-{hidden}-{self.moment.astimezone(self.zone):%Y-%m-%d}.pdf"


def _style() -> str:
    return files("passerelle.review").joinpath("static", "sheet.css").read_text("utf-8")
