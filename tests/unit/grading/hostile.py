"""A submission that tries to run something on the page of whoever reads it, in every way we know.

Each attempt calls `ran("<its name>")`; a page on which nothing runs never does.
"""

import base64
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def call(name: str) -> str:
    """The script of an attempt, without quotes or spaces."""
    return f"(window.top.ran=window.top.ran||[]).push(/{name}/.source)"


def svg(name: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" onload="{call(name)}"><script>{call(name)}</script></svg>'


MARKDOWN = f"""
# Title <script>{call("md-script")}</script>

<img src=x onerror="{call("md-onerror")}">
<svg onload={call("md-svg")}><a xlink:href="javascript:{call("md-xlink")}"><text>x</text></a></svg>
<iframe srcdoc="<script>{call("md-srcdoc")}</script>"></iframe>
<math><mtext><table><mglyph><style><img src=x onerror="{call("md-mutation")}"></style></mglyph></table></mtext></math>
<details open ontoggle="{call("md-toggle")}">x</details>
<form action="javascript:{call("md-form")}"><button>go</button></form>
<base href="https://example.invalid/">
<meta http-equiv="refresh" content="0;url=javascript:{call("md-refresh")}">
<style>body {{ display: none }}</style>
<input id="answer-words" class="score" autofocus onfocus="{call("md-focus")}">
<div class="nbgrader_cell" id="check-mean" style="position: fixed; inset: 0">over everything</div>

[plain](javascript:{call("md-link")}) [entity](&#106;avascript:{call("md-entity")})
[files](files/javascript:{call("md-files")}) [tab](<java\tscript:{call("md-tab")}>)
[data](data:text/html;base64,{base64.b64encode(f"<script>{call('md-data')}</script>".encode()).decode()})
<a href="files/javascript:{call("md-html-files")}">files, by hand</a>
![attached](attachment:x.png) ![title](x.png "a\\" onerror=\\"{call("md-title")}")

$$\\href{{javascript:{call("md-mathjax")}}}{{x}}$$ $<img src=x onerror={call("md-math")}>$

```html
<script>{call("md-fence")}</script>
```
"""

ATTACHMENTS = {"x.png": {f'image/png" onerror="{call("md-attachment")}': PIXEL}}


def outputs() -> list[Any]:
    """Outputs of every kind."""
    html = f'<div><script>{call("html-script")}</script><img src=x onerror="{call("html-onerror")}"></div>'
    link = f'<a id="html-link" href="javascript:{call("html-link")}">click</a>'
    return [
        new_output("display_data", {"text/html": html, "text/plain": "x"}),
        new_output("display_data", {"text/html": [html, link]}),
        new_output("display_data", {"text/html": html}, metadata={"text/html": {"isolated": True}}),
        new_output("display_data", {"application/javascript": call("javascript")}),
        new_output("display_data", {"text/javascript": call("text-javascript")}),
        new_output("display_data", {"image/svg+xml": svg("svg")}),
        new_output("display_data", {"text/markdown": MARKDOWN}),
        new_output("display_data", {"text/latex": f"$<img src=x onerror={call('latex')}>$"}),
        new_output("display_data", {"text/vnd.mermaid": f"graph LR; a-->b; click a call {call('mermaid')}"}),
        new_output("display_data", {"application/pdf": "JVBERi0="}),
        new_output(
            "display_data", {"image/png": "x"}, metadata={"image/png": {"width": f"1 onerror={call('png-width')}"}}
        ),
        new_output(
            "display_data", {"image/png": PIXEL}, metadata={"filenames": {"image/png": f"javascript:{call('names')}"}}
        ),
        new_output("display_data", {"image/jpeg": f'x" onerror="{call("jpeg-data")}'}),
        new_output(
            "display_data",
            {"application/vnd.jupyter.widget-view+json": {"model_id": "m", "version_major": 2}, "text/plain": "widget"},
        ),
        new_output("execute_result", {"text/html": html, "text/plain": html}, execution_count=1),
        new_output("stream", name="stdout", text=f"<script>{call('stdout')}</script>\x1b[31m<b onclick=x>"),
        new_output("error", ename="<script>", evalue=html, traceback=[html, f"\x1b[31m{html}"]),
    ]


def make_hostile(notebook: nbformat.NotebookNode, manual: str, answer: str) -> nbformat.NotebookNode:
    """Put all of it into a fellow's notebook: her answers, and cells she added."""
    for cell in notebook.cells:
        key = cell.metadata.get("nbgrader", {}).get("grade_id")
        if key == manual:
            cell.source, cell.attachments = MARKDOWN, ATTACHMENTS
        elif key == answer:
            cell.source = f'"""</pre></div><script>{call("code")}</script>"""\n' + cell.source
            cell.outputs = outputs()
    notebook.cells.append(new_markdown_cell(MARKDOWN, attachments=ATTACHMENTS))
    notebook.cells.append(new_raw_cell(MARKDOWN, metadata={"raw_mimetype": "text/html", "format": "text/html"}))
    notebook.cells.append(
        new_code_cell("1", outputs=outputs(), metadata={"tags": [f'x"><script>{call("tag")}</script>']})
    )
    forged = {"grade_id": f'x"><script>{call("grade-id")}</script>', "grade": True, "solution": True, "points": 1}
    notebook.cells.append(new_markdown_cell("forged", metadata={"nbgrader": forged}))
    notebook.metadata.title = f"<script>{call('title')}</script>"
    notebook.metadata.widgets = {
        "application/vnd.jupyter.widget-state+json": {
            "version_major": 2,
            "version_minor": 0,
            "state": {
                "m": {"model_name": "HTMLModel", "state": {"value": f"</script><script>{call('widget')}</script>"}}
            },
        }
    }
    notebook.metadata.language_info = {"name": f"<script>{call('lexer')}</script>"}
    return notebook
