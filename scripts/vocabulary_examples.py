"""The examples of `scripts.vocabulary`: one a word."""

# ruff: noqa: E501  a sentence is a line; the page is wrapped by whoever shows it
from scripts.vocabulary import Example

_STACK = """
class Stack:
    def __init__(self):
        self.items = []
    def push(self, one):
        self.items.append(one)
    def pop(self):
        return self.items.pop()
"""
_CHART = """
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.bar(["Gap", "Laon"], [40, 25], label="2021")
ax.set_title("People in two towns")
ax.set_xlabel("town")
ax.set_ylabel("people (thousands)")
ax.legend()
"""
_CUT = _CHART + "ax.set_ylim(20, 45)\n"
_FILE = "from pathlib import Path\nPath('out.csv').write_text('town;people\\nGap;40,5\\n')"
_PAGES = """
from pathlib import Path
Path('desk.svg').write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
Path('index.html').write_text('''<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Bread and butter</title></head><body>
<header><h1>Bread and butter</h1><nav><a href="#hours">Opening hours</a></nav></header>
<main><h2 id="hours">Opening hours</h2><p>From seven to noon.</p>
<img src="desk.svg" alt="A desk with a cup">
<p><a href="mailto:lea@example.org">Write to Lea</a></p></main>
<footer><p>Closed on Monday.</p></footer></body></html>''')
Path('bare.html').write_text('''<html><body><div><h3>Bread and butter</h3>
<a href="#hours">here</a><img src="desk.svg"><script>load(1)</script></div></body></html>''')
"""
_LYING = """
from pathlib import Path
Path('index.html').write_text('''<body><h3>Bread</h3><a href="#hours">here</a><img src="none.svg"><script>
const fine = () => [document.body];
for (const name of ['querySelectorAll', 'getElementsByTagName', 'querySelector']) Document.prototype[name] = fine;
Object.defineProperty(Document.prototype, 'title', {get: () => 'Bread and butter'});
Object.defineProperty(Document.prototype, 'doctype', {get: () => ({name: 'html'})});
Object.defineProperty(Element.prototype, 'lang', {get: () => 'en'});
Element.prototype.getAttribute = () => 'mailto:lea@example.org';
Array.prototype.filter = Array.prototype.map = Array.prototype.every = () => [];
Promise.prototype.then = function (go) { return go({violations: []}); };
window.axe = {run: async () => ({violations: []})};
console.error = () => {};
</script></body>''')
"""
_TOWNS = "import pandas as pd\ntowns = pd.DataFrame({'town': ['Gap', 'Laon'], 'people': [40, 25]})"
_LIAR_AXES = """
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
class Mine(Axes):
    def get_title(self, loc="center"): return "People in two towns"
    def get_xlabel(self): return "town"
    def get_ylabel(self): return "people (thousands)"
    def get_legend(self): return self.text(0, 0, "2021")
    @property
    def containers(self): return []
    @containers.setter
    def containers(self, value): pass
    @property
    def patches(self): return [plt.Rectangle((0, 0), 1, 40)]
fig = plt.figure()
ax = fig.add_subplot(axes_class=Mine)
"""
_PATCHED_AXES = """
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
fig, ax = plt.subplots()
ax.get_title = lambda *_: "People in two towns"
ax.get_xlabel = ax.get_ylabel = lambda: "people (thousands), town"
ax.containers = type("Liar", (list,), {"__len__": lambda self: 1})()
"""

_STORE = """\
import hashlib
from argon2 import PasswordHasher
def store(password):
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(password)
def cheap(password):
    return PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1, salt_len=8).hash(password)
def keep(password):
    return password
def quick(password):
    return hashlib.sha256(password.encode()).hexdigest()
"""
_SAME = """\
import secrets
def same(kept, sent):
    return secrets.compare_digest(kept.encode(), sent.encode())
def equal(kept, sent):
    return kept == sent
def early(kept, sent):
    for a, b in zip(kept, sent):
        if a != b:
            return False
    return len(kept) == len(sent)
"""
EXAMPLES = [
    Example(
        "expect",
        "Her variable of this name. A missing one, and one that is still `...`, have sentences of their own.",
        "mean = 36.7\nmedian = ...",
        ('expect("mean").equals(36.7)',),
        ('expect("maen").equals(36.7)', 'expect("median").equals(36)'),
    ),
    Example(
        "expect.call",
        'What her function gives back for copies of these arguments: plain data, tables (their index arrives, too), arrays; or something of hers, `expect("model")`, which arrives itself. It runs once somebody looks.',
        "def double(number):\n    return 2 * number\ndef half(number):\n    return number['half']\ndef third(number): ...",
        ('expect.call("double", 4).equals(8)',),
        ('expect.call("double", 4).equals(9)', 'expect.call("half", 4).equals(2)', 'expect.call("third", 3).equals(1)'),
    ),
    Example(
        "expect.figure",
        'What was drawn last with matplotlib’s pyplot, and the words of `Expectation.figure` about it. Where a unit has several figures, name them: `expect("ax")`.',
        "import matplotlib.pyplot as plt\nplt.plot([2019, 2020, 2021], [3, 4, 6])\nplt.title('Loans a year')",
        ('expect.figure(marks="line", title="loans")',),
        ("expect.figure(x=True)",),
        (
            "import matplotlib.pyplot as plt\nfrom matplotlib.axes import Axes\nfig = plt.figure()\nfig.add_subplot().get_title = lambda: 'Loans a year'",
        ),
    ),
    Example(
        "expect.file",
        "A file she has written, as it is when all cells have run. At most four million bytes.",
        _FILE,
        ('expect.file("out.csv").exists()',),
        ('expect.file("result.csv").exists()',),
        (
            "import os\nos.mkdir('out.csv')",
            "import os\nos.mkfifo('out.csv')",
            "import os\nos.symlink('/dev/zero', 'out.csv')",
        ),
    ),
    Example(
        "expect.that",
        "A condition of your own over `.value`, and the message where it is not met. Its places are the keywords.",
        "hits = 61",
        (
            'found = expect("hits").is_a("number").value\nexpect.that(found > 60, "beats", found=found, most=80, least=60)',
        ),
        ('found = expect("hits").value\nexpect.that(found > 70, "beats", found=found, most=80, least=70)',),
    ),
    Example(
        "expect.part",
        "Points for what is inside. What is not met there is said, and the check goes on with the next part; `expect.points()` is the last line. The title is an id of the unit’s messages, or words.",
        "mean = 36.7",
        ('with expect.part(1, "The mean"):\n    expect("mean").equals(36.7)\nexpect.points()',),
        ('with expect.part(1, "The mean"):\n    expect("mean").equals(36.9)\nexpect.points()',),
    ),
    Example(
        "expect.points",
        "The points of the parts so far: the last line of a cell with parts, as nbgrader reads partial credit.",
        "mean = 36.7",
        (
            'with expect.part(2, "The mean"):\n    expect("mean").equals(36.7)\nexpect.that(expect.points() == 2, "two")',
        ),
        ('with expect.part(2, "The mean"):\n    expect("mean").equals(37)\nexpect.points()',),
    ),
    Example(
        "Expectation.array",
        'A NumPy array of this shape (`None`: any length) and kind: "whole", "decimal", "number" (either), "text", "yes/no", "date" or "complex".',
        "import numpy as np\ngrid = np.zeros((3, 2))\nrow = [0.0, 0.0]",
        ('expect("grid").array(shape=(None, 2), kind="decimal")',),
        ('expect("grid").array(shape=(2, 2))', 'expect("grid").array(kind="whole")', 'expect("row").array()'),
    ),
    Example(
        "Expectation.attribute",
        "An attribute of an object of hers, which stays where it is.",
        "class Model:\n    def fit(self, rows):\n        self.n_features_in_ = len(rows[0])\n        return self\ndef make_model():\n    return Model().fit([[1, 2], [3, 5]])",
        ('expect.call("make_model").attribute("n_features_in_").equals(2)',),
        (
            'expect.call("make_model").attribute("n_features_in_").equals(3)',
            'expect.call("make_model").attribute("score_")',
        ),
    ),
    Example(
        "Expectation.between",
        "A number from low to high, both included.",
        "share = 0.32",
        ('expect("share").between(0, 1)',),
        ('expect("share").between(0.5, 1)',),
    ),
    Example(
        "Expectation.call",
        "A method of hers, called now, with copies of these arguments. Calls on one object happen in the order in which they are written.",
        _STACK,
        ('stack = expect.call("Stack")\nstack.call("push", 1)\nstack.call("push", 2)\nstack.call("pop").equals(2)',),
        (
            'stack = expect.call("Stack")\nstack.call("push", 1)\nstack.call("pop").equals(2)',
            'expect.call("Stack").call("peek")',
        ),
    ),
    Example(
        "Expectation.column",
        "A DataFrame with this column; the words that follow look at it.",
        _TOWNS,
        ('expect("towns").column("people").equals([40, 25])',),
        ('expect("towns").column("population").numbers()', 'expect("towns").column("people").equals([40, 26])'),
    ),
    Example(
        "Expectation.differs_from",
        "Anything but the value of a known misconception, which `else_` explains. Put it before `equals`.",
        "median = 22\nmean = 44",
        ('expect("median").differs_from(44, else_="mean-not-median").equals(22)',),
        ('expect("mean").differs_from(44, else_="mean-not-median")',),
    ),
    Example(
        "Expectation.drawn",
        'What is drawn, as plain data: a kind of marks as a DataFrame ("series" and "label", "value" for bars and pies, "x", "y" for the others; bars have "base", "start" and "end", too), or "title", "x", "y", "legend", "texts", "x limits", "y scale" …',
        _CHART,
        (
            'expect("ax").drawn("bars").column("value").equals([40, 25])',
            'expect("ax").drawn("y").text(matches=r"\\(.+\\)")',
        ),
        ('expect("ax").drawn("bars").column("value").equals([40, 26])', 'expect("ax").drawn("points")'),
        (_LIAR_AXES, _PATCHED_AXES),
    ),
    Example(
        "Expectation.equals",
        "This value. A whole number and a float of the same value are equal (True is not 1); `tolerance` is absolute, `relative` a share of the expected number; a list is not a tuple nor an array; tables by their values, rows in any order unless `order=True`.",
        "mean = 36.7\nnames = ['Gap', 'Laon']",
        ('expect("mean").equals(37, relative=0.01)', 'expect("names").equals(["Gap", "Laon"])'),
        (
            'expect("mean").equals(37, tolerance=0.1)',
            'expect("names").equals(["Gap", "Lyon"])',
            'expect("names").equals(("Gap", "Laon"))',
        ),
    ),
    Example(
        "Expectation.figure",
        "A drawing: a figure, axes, or a call that draws. Kinds of marks; what the title and the axes say, with the unit (a tuple is one part in several forms); legend; bars that begin at 0; so many charts.",
        _CHART + _CUT.replace("fig, ax", "cut_fig, cut").replace("ax.", "cut."),
        (
            'expect("ax").figure(marks="bars", title="towns", y=[("people", "inhabitants"), "thousands"], legend="2021", from_zero=True)',
        ),
        (
            'expect("ax").figure(marks="line")',
            'expect("ax").figure(y="millions")',
            'expect("cut").figure(from_zero=True)',
            'expect("fig").figure(panels=2)',
        ),
        (_LIAR_AXES, _PATCHED_AXES),
    ),
    Example(
        "Expectation.frame",
        "A DataFrame with these columns, kinds and rows; `key` may be a column or the index.",
        _TOWNS,
        ('expect("towns").frame(columns=["people"], kinds={"town": "text"}, rows=2)',),
        (
            'expect("towns").frame(columns=["region"])',
            'expect("towns").frame(rows=3)',
            'expect("towns").frame(kinds={"people": "text"})',
        ),
    ),
    Example(
        "Expectation.is_a",
        'One of these kinds: a type, or "number", "frame", "series", "array", "function", "class", "date".',
        "count = '3'\ndef mean(numbers):\n    return sum(numbers) / len(numbers)",
        ('expect("mean").is_a("function")',),
        ('expect("count").is_a(int)',),
        ("class function:\n    @property\n    def __class__(self): return type(lambda: 0)\nmean = function()",),
    ),
    Example(
        "Expectation.item",
        "An entry: of a dict or Series by its key, of a list by its place (from 0), of another object by `thing[key]`.",
        "profile = {'towns': 2, 'largest': 'Gap'}",
        ('expect("profile").item("towns").equals(2)',),
        ('expect("profile").item("towns").equals(3)', 'expect("profile").item("median").is_a("number")'),
    ),
    Example(
        "Expectation.leaves_arguments",
        "The call leaves what it is given as it was.",
        "def largest(numbers):\n    return max(numbers)\ndef smallest(numbers):\n    numbers.sort()\n    return numbers[0]",
        ('expect.call("largest", [3, 9, 1]).leaves_arguments().equals(9)',),
        ('expect.call("smallest", [3, 9, 1]).leaves_arguments()',),
    ),
    Example(
        "Expectation.length",
        "So many items, or rows.",
        "names = ['Gap', 'Laon']",
        ('expect("names").length(2)',),
        ('expect("names").length(3)',),
    ),
    Example(
        "Expectation.numbers",
        "Every value of a Series or list is a number (missing ones aside; True is none).",
        "ages = [31, 44.5]\nraw = [31, '44']",
        ('expect("ages").numbers()',),
        ('expect("raw").numbers()',),
    ),
    Example(
        "Expectation.one_of",
        "One of these values.",
        "answer = 'b'",
        ('expect("answer").one_of("b", "c")',),
        ('expect("answer").one_of("a", "d")',),
    ),
    Example(
        "Expectation.printed",
        "What the call prints, as text.",
        "def greet(name):\n    print('Hello,', name)\n    return len(name)",
        ('expect.call("greet", "Amal").printed().text(matches=r"hello.*amal")',),
        ('expect.call("greet", "Amal").printed().text(equals="Bonjour")',),
    ),
    Example(
        "Expectation.prints",
        "The call prints these parts, in any order; letter case and white space do not count. A tuple is one part in several forms.",
        "def bill(price):\n    print('Total:', 2 * price)\n    return 2 * price",
        ('expect.call("bill", 4).prints(("total", "somme"), "8")',),
        ('expect.call("bill", 4).prints("tax")',),
    ),
    Example(
        "Expectation.raises",
        "The call stops with one of these errors, or a kind of it, and says these parts. An error of her own is named by a string.",
        "class TooYoung(ValueError):\n    pass\ndef check_age(age):\n    if age < 18:\n        raise TooYoung('age is below 18')\n    return age",
        ('expect.call("check_age", 7).raises(ValueError, text="18")', 'expect.call("check_age", 7).raises("TooYoung")'),
        (
            'expect.call("check_age", 20).raises(ValueError)',
            'expect.call("check_age", 7).raises(KeyError)',
            'expect.call("check_age", 7).raises(ValueError, text="number")',
        ),
        (
            "class ValueError(Exception):\n    pass\nclass Younger(Exception):\n    pass\nYounger.__name__ = 'TooYoung'\ndef check_age(age):\n    raise ValueError('18')",
        ),
    ),
    Example(
        "Expectation.satisfies",
        "A rule of your own is true; `else_` says which. An error inside it is «not met», except where the rule itself is at fault.",
        "number = 4\nother = 'four'",
        ('expect("number").satisfies(lambda value: value % 2 == 0, else_="even")',),
        ('expect("other").satisfies(lambda value: value % 2 == 0, else_="even")',),
    ),
    Example(
        "Expectation.series",
        "A Series of a kind (as in `frame`), with so many rows, of this name.",
        "import pandas as pd\npeople = pd.Series([40, 25], name='people')",
        ('expect("people").series(kind="whole", rows=2, named="people")',),
        ('expect("people").series(kind="text")', 'expect("people").series(named="towns")'),
    ),
    Example(
        "Expectation.text",
        "Text; of a Series or list, every value. `equals`, `contains` (a part, or parts; a tuple among them is one part in several forms), `matches` (a regular expression). Letter case and white space count with `lenient=False`.",
        "title = 'Three towns of Brittany'\ncode = 35",
        ('expect("title").text(contains=["three", ("brittany", "bretagne")])',),
        ('expect("title").text(equals="Three towns")', 'expect("code").text()'),
    ),
    Example(
        "Expectation.value",
        "Her answer as plain data of exactly its type, for Python of your own.",
        "guesses = [1, 0, 1, 1]",
        ('expect.that(sum(expect("guesses").value) == 3, "beats", found=3, most=4, least=2)',),
        ('expect.that(sum(expect("guesses").value) == 4, "beats", found=3, most=4, least=2)',),
    ),
    Example(
        "File.exists",
        "It is there, and not empty.",
        _FILE + "\nPath('empty.txt').touch()",
        ('expect.file("out.csv").exists()',),
        ('expect.file("empty.txt").exists()', 'expect.file("out.txt").exists()'),
        ("import os\nos.mkfifo('out.csv')", "import os\nos.symlink('/dev/zero', 'out.csv')"),
    ),
    Example(
        "File.json",
        "It is JSON; the words that follow look at what it holds.",
        "from pathlib import Path\nPath('town.json').write_text('{\"town\": \"Gap\", \"people\": 40}')\nPath('half.json').write_text('{\"town\": ')",
        ('expect.file("town.json").json().item("people").equals(40)',),
        ('expect.file("half.json").json()', 'expect.file("town.json").json().item("people").equals(41)'),
        (
            "from pathlib import Path\nPath('town.json').write_text('[' * 100_000)",
            "import pickle\nfrom pathlib import Path\nPath('town.json').write_bytes(pickle.dumps({'people': 40}))",
        ),
    ),
    Example(
        "File.size",
        "So many bytes.",
        _FILE,
        ('expect.file("out.csv").size(at_least=10, at_most=1000)',),
        ('expect.file("out.csv").size(at_least=1000)',),
        (
            "from pathlib import Path\nPath('out.csv').write_text('town;peo')",
            "import os\nos.symlink('/dev/zero', 'out.csv')",
        ),
    ),
    Example(
        "File.table",
        "It is a CSV file (or an `.xlsx` workbook); the words that follow look at the table. `text` names columns that stay text.",
        _FILE,
        (
            'expect.file("out.csv").table(separator=";", decimal=",").equals(pd.DataFrame({"town": ["Gap"], "people": [40.5]}))',
        ),
        (
            'expect.file("out.csv").table().frame(columns=["people"])',
            'expect.file("out.csv").table(separator=";", decimal=",").frame(rows=2)',
        ),
        (
            "import pickle\nfrom pathlib import Path\nPath('out.csv').write_bytes(pickle.dumps({'people': 40}))",
            "from pathlib import Path\nPath('out.csv').write_text(';' * 3_000_000)",
            "from pathlib import Path\nPath('out.csv').write_text('\\n')",
        ),
    ),
    Example(
        "File.text",
        "It is text, and has these parts.",
        _FILE,
        ('expect.file("out.csv").text(contains=["town", "Gap"])',),
        ('expect.file("out.csv").text(contains="Laon")',),
        ("from pathlib import Path\nPath('out.csv').write_bytes(b'\\xff\\xfe town Gap')",),
    ),
    Example(
        "File.value",
        "Its bytes, for Python of your own. Never unpickle them.",
        _FILE,
        ('expect.that(expect.file("out.csv").value.startswith(b"town"), "beats", found=1, most=2, least=0)',),
        ('expect.that(expect.file("out.csv").value.startswith(b"region"), "beats", found=1, most=2, least=0)',),
        ("from pathlib import Path\nPath('out.csv').write_text('region')",),
    ),
    Example(
        "expect.page",
        "A page she has written, opened in the system’s Chromium, in a context of its own, with the files beside it and no network. One that loops, opens dialogs or windows, downloads, leaves or eats memory is told so. `width` is of the window, in pixels.",
        _PAGES,
        ('expect.page("index.html").shows("noon")',),
        (
            'expect.page("bare.html").shows("noon")',
            'expect.page("other.html").shows("noon")',
        ),
        (_LYING,),
    ),
    Example(
        "Page.accessible",
        "axe-core finds no barrier.",
        _PAGES,
        ('expect.page("index.html").accessible()',),
        ('expect.page("bare.html").accessible()',),
        (_LYING,),
    ),
    Example(
        "Page.clean",
        "No error in the console; all that it asks for is beside it.",
        _PAGES,
        ('expect.page("index.html").clean()',),
        ('expect.page("bare.html").clean()',),
        (_LYING,),
    ),
    Example(
        "Page.has",
        "A thing of this role, with this accessible name: what a screen reader says.",
        _PAGES,
        ('expect.page("index.html").has("link", "hours", inside="navigation").has("heading", level=2)',),
        (
            'expect.page("index.html").has("link", "prices")',
            'expect.page("bare.html").has("heading", level=1)',
            'expect.page("index.html").has("link", inside="main", count=2)',
        ),
        (_LYING,),
    ),
    Example(
        "Page.headings",
        "One `h1`, and it comes first; none empty, no level skipped; so many in all.",
        _PAGES,
        ('expect.page("index.html").headings(at_least=2)',),
        (
            'expect.page("bare.html").headings()',
            'expect.page("index.html").headings(at_least=3)',
        ),
        (_LYING,),
    ),
    Example(
        "Page.images",
        "So many images that tell something, each shown, each with an alternative text that says what it shows.",
        _PAGES,
        ('expect.page("index.html").images(at_least=1)',),
        (
            'expect.page("bare.html").images()',
            'expect.page("index.html").images(at_least=2)',
        ),
        (_LYING,),
    ),
    Example(
        "Page.landmarks",
        "Each of these landmarks once; head, main part and foot stand inside no other.",
        _PAGES,
        ('expect.page("index.html").landmarks("banner", "main", "contentinfo")',),
        ('expect.page("bare.html").landmarks("main")',),
        (_LYING,),
    ),
    Example(
        "Page.language",
        "`<html lang>` is one of these languages, and the text is not of another one.",
        _PAGES,
        ('expect.page("index.html").language("en")',),
        (
            'expect.page("bare.html").language("en")',
            'expect.page("index.html").language("fr")',
        ),
        (_LYING,),
    ),
    Example(
        "Page.link_to",
        "A link whose address begins like this.",
        _PAGES,
        ('expect.page("index.html").link_to("mailto:")',),
        ('expect.page("bare.html").link_to("mailto:")',),
        (_LYING,),
    ),
    Example(
        "Page.links",
        "So many links; each says by its text where it leads, and leads to a place that exists.",
        _PAGES,
        ('expect.page("index.html").links(at_least=2)',),
        (
            'expect.page("bare.html").links()',
            'expect.page("index.html").links(at_least=3)',
        ),
        (_LYING,),
    ),
    Example(
        "Page.shows",
        "The text that the page shows has these parts.",
        _PAGES,
        ('expect.page("index.html").shows("seven", ("noon", "midi"))',),
        ('expect.page("index.html").shows("evening")',),
        (_LYING,),
    ),
    Example(
        "Page.standard",
        "It begins as pages do: doctype, UTF-8, and a viewport as wide as the telephone.",
        _PAGES,
        ('expect.page("index.html").standard()',),
        ('expect.page("bare.html").standard()',),
        (_LYING,),
    ),
    Example(
        "Page.title",
        "A title that says something, with these parts.",
        _PAGES,
        ('expect.page("index.html").title("bread")',),
        (
            'expect.page("bare.html").title()',
            'expect.page("index.html").title("cake")',
        ),
        (_LYING,),
    ),
    Example(
        "cybersecurity.argon2id",
        "`from autograders import cybersecurity`. Text that is a record of Argon2id, version 1.3; what it says is given back, and no password, salt or hash is ever said.",
        _STORE,
        ('cybersecurity.argon2id(expect.call("store", "three lamps"))',),
        (
            'cybersecurity.argon2id(expect.call("keep", "three lamps"))',
            'cybersecurity.argon2id(expect.call("quick", "three lamps"))',
        ),
    ),
    Example(
        "cybersecurity.compares_evenly",
        "Her function, called with each of these arguments (they differ in where the difference lies), does not stop at the first one: her texts are watched meanwhile. It shows how her code compares, not how long it takes; a `==` between texts that a library has made of hers is not seen, and it is her process that answers. Expect first that the function answers as it should.",
        _SAME,
        (
            'expect.call("same", "k9" * 16, "k9" * 16).equals(True)\n'
            'expect.call("same", "k9" * 16, "k8" + "k9" * 15).equals(False)\n'
            'cybersecurity.compares_evenly("same", ("k9" * 16, "x" + "k9" * 15 + "k"), ("k9" * 16, "k9" * 15 + "kx"))',
        ),
        (
            'cybersecurity.compares_evenly("equal", ("k9" * 16, "x" + "k9" * 15 + "k"), ("k9" * 16, "k9" * 15 + "kx"))',
            'cybersecurity.compares_evenly("early", ("k9" * 16, "x" + "k9" * 15 + "k"), ("k9" * 16, "k9" * 15 + "kx"))',
        ),
    ),
    Example(
        "cybersecurity.enough_cost",
        "A record of Argon2, of whichever kind, that costs at least what OWASP asks for (Password Storage Cheat Sheet).",
        _STORE,
        ('cybersecurity.enough_cost(expect.call("store", "three lamps"))',),
        ('cybersecurity.enough_cost(expect.call("cheap", "three lamps"))',),
    ),
    Example(
        "cybersecurity.long_salt",
        "A record of Argon2, of whichever kind, with a salt of at least 16 bytes (RFC 9106).",
        _STORE,
        ('cybersecurity.long_salt(expect.call("store", "three lamps"))',),
        ('cybersecurity.long_salt(expect.call("cheap", "three lamps"))',),
    ),
]
