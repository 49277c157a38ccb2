"""HTML, SVG, Markdown and JavaScript to whoever reads the work: trainer, mentor, and she herself. Each calls attack()."""

from typing import Any

from tests.attacks.attack import Attack
from tests.attacks.tiny import POINTS, RIGHT

_MARKDOWN = """
# Title <script>attack(1)</script>

<img src=x onerror="attack(1)"><svg onload=attack(1)><a xlink:href="javascript:attack(1)"><text>x</text></a></svg>
<iframe srcdoc="<script>attack(1)</script>"></iframe><base href="https://example.invalid/">
<math><mtext><table><mglyph><style><img src=x onerror="attack(1)"></style></mglyph></table></mtext></math>
<details open ontoggle="attack(1)">x</details><form action="javascript:attack(1)"><button>go</button></form>

[link](javascript:attack(1)) [entity](&#106;avascript:attack(1)) [data](data:text/html;base64,PHNjcmlwdD5hdHRhY2soMSk8L3NjcmlwdD4=)
![x](x "a\\" onerror=\\"attack(1)") $$\\href{javascript:attack(1)}{x}$$

```html
</code></pre><script>attack(1)</script>
```
"""
_SHOW = """
from IPython.display import display, HTML, SVG, Javascript, Markdown, Latex
bad = '<script>attack(1)</script><img src=x onerror="attack(1)">'
"""


def _shown(name: str, tries: str, text: str) -> Attack:
    answers = {**RIGHT, "mean": f"{RIGHT['mean']}\n{_SHOW}\n{text}"}
    return Attack(name, tries, answers, POINTS, ("mean", "double"), shown=True)


def _metadata(notebook: dict[str, Any]) -> None:
    bad = '"><script>attack(1)</script><img src=x onerror="attack(1)">'
    notebook["metadata"].update(
        title=bad,
        authors=[{"name": bad}],
        language_info={"name": bad},
        widgets={
            "application/vnd.jupyter.widget-state+json": {
                "state": {"x": {"model_name": bad, "state": {"value": f"</script>{bad}"}}},
                "version_major": 2,
                "version_minor": 0,
            }
        },
    )
    for cell in notebook["cells"]:
        cell["metadata"].update(tags=[bad], name=bad, collapsed=bad)
        cell["attachments"] = {bad: {f"image/png{bad}": "x"}}
    notebook["cells"].append(
        {
            "cell_type": "raw",
            "id": "raw",
            "metadata": {"format": "text/html", "raw_mimetype": "text/html"},
            "source": bad,
        }
    )
    notebook["cells"].append(
        {
            "cell_type": "markdown",
            "id": "more",
            "metadata": {
                "nbgrader": {
                    "grade_id": bad,
                    "grade": True,
                    "solution": True,
                    "points": 1,
                    "locked": False,
                    "schema_version": 3,
                    "task": False,
                }
            },
            "source": bad,
        }
    )


ATTACKS: tuple[Attack, ...] = (
    Attack(
        "markdown-for-a-trainer",
        "writes scripts, handlers and addresses that run into the answer that a person reads",
        {**RIGHT, "words": _MARKDOWN},
        POINTS,
        ("mean",),
        shown=True,
    ),
    _shown(
        "html-outputs",
        "displays HTML that runs",
        "display(HTML(bad)); display(HTML('<a href=\"java\\tscript:attack(1)\">x</a>')); display({'text/html': bad, 'text/plain': bad}, raw=True)",
    ),
    _shown(
        "javascript-outputs",
        "displays JavaScript",
        "display(Javascript('attack(1)')); display({'text/javascript': 'attack(1)', 'application/javascript': 'attack(1)', 'application/vnd.jupyter.widget-view+json': {'model_id': bad}}, raw=True)",
    ),
    _shown(
        "svg-outputs",
        "displays pictures that run",
        "display(SVG(f'<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"attack(1)\">{bad}</svg>')); display({'image/png': '\" onerror=\"attack(1)'}, raw=True, metadata={'image/png': {'width': '1 onerror=attack(1)'}})",
    ),
    _shown(
        "markdown-outputs",
        "displays Markdown and mathematics that run",
        "display(Markdown(bad)); display(Markdown('[x](javascript:attack(1))')); display(Latex('$' + bad + '$'))",
    ),
    _shown(
        "text-that-is-html",
        "prints and raises HTML, with the marks of a terminal between",
        "print(bad, '\\x1b[31m<b onclick=attack(1)>\\x1b]8;;javascript:attack(1)\\x07x')\nimport sys; print(bad, file=sys.stderr)\nraise type(bad, (ValueError,), {})(bad)",
    ),
    Attack(
        "names-that-are-html",
        "names classes, columns and files in HTML, which messages repeat",
        {
            "mean": "class X: pass\nX.__name__ = X.__qualname__ = '<script>attack(1)</script>'\nmean_price = X()",
            "double": "def double(number): raise ValueError('<img src=x onerror=attack(1)>')",
            "total": "def total(rows): return {'<script>attack(1)</script>': 1}",
            "words": "x",
        },
        shown=True,
        files={"<img src=x onerror=attack(1)>.txt": b"x"},
    ),
    Attack(
        "metadata-that-is-html",
        "has HTML in ids, tags, titles, attachments and widgets",
        RIGHT,
        POINTS,
        ("mean", "double"),
        _metadata,
        shown=True,
    ),
)
