"""The line between the box and the examiner: answers that are none, handles nobody gave out, more than may cross.

Her code has the agent say what it likes: it patches the functions that answer, or writes to the socket itself. Stock
nbgrader has no such line; there these are answers that deserve nothing.
"""

from textwrap import indent

from tests.attacks.attack import Attack, everywhere

_AGENT = """
try:
    import autograders.answers as answers, autograders.handles as handles
except ImportError:
    class handles: Desk = type("Desk", (), {})
    class answers: pass
def say(answer):
    answers.get = answers.call = lambda *_, **__: answer
    handles.Desk.answer = lambda self, question: answer
"""


def _says(name: str, tries: str, text: str) -> Attack:
    return everywhere(name, tries, _AGENT + indent(text.strip("\n"), ""))


ATTACKS: tuple[Attack, ...] = (
    _says(
        "points-in-an-answer",
        "adds points, a verdict and what is examined to its answers",
        "say({'state': 'value', 'value': None, 'points': 9, 'examined': {'points': 9, 'unmet': []}, 'notes': [[0, True, '']]})",
    ),
    _says(
        "a-pickle",
        "answers with types that the line does not know",
        "say({'state': 'value', 'value': {'t': 'pickle', 'v': 'gASVAAAA'}})",
    ),
    _says(
        "a-type-that-runs",
        "answers with types by their names, and asks to have them called",
        "say({'state': 'value', 'value': {'t': 'handle', 'r': 'b1', 'c': {'t': 'type', 'n': 'os.system'}, 'v': 'id'}})",
    ),
    _says(
        "a-module-of-the-examiner",
        "answers with modules of the examiner's",
        "say({'state': 'value', 'value': {'t': 'module', 'n': 'antigravity'}})",
    ),
    _says(
        "a-handle-nobody-gave",
        "answers with handles of other moments, and of the examiner's own",
        "say({'state': 'value', 'value': {'t': 'ref', 'r': 'e0'}, 'changed': [{'t': 'ref', 'r': f'e{n}', 'v': 8} for n in range(20)]})",
    ),
    _says(
        "a-class-that-is-right",
        "answers with an object of a class that has every special method, on ids of its own",
        "say({'state': 'value', 'value': {'t': 'handle', 'r': 'b7', 'c': {'t': 'class', 'r': 'b8', 'name': 'Money', 'module': 'builtins', 'bases': [{'t': 'type', 'n': 'int'}, {'t': 'type', 'n': 'object'}], 'has': ['__eq__', '__bool__', '__len__', '__lt__', '__gt__']}, 'v': 8}})",
    ),
    _says(
        "called-back-unasked",
        "calls functions of the check back that it was never given",
        "say({'state': 'callback', 'on': 'e0', 'args': [], 'kwargs': {}, 'changed': []})",
    ),
    _says(
        "called-back-without-end",
        "calls back for ever",
        "def again(self, question): return {'state': 'callback', 'on': 'e%d' % (len(str(question)) % 7), 'args': [1], 'kwargs': {}, 'changed': []}\nhandles.Desk.answer = again",
    ),
    _says("not-a-dict", "answers with what is no answer at all", "say([1, 2, 3])"),
    _says("no-state", "answers without saying how it went", "say({'value': 8})"),
    _says(
        "a-state-of-her-own",
        "answers with states that nobody knows",
        "say({'state': 'passed', 'value': 8, 'text': 'x' * 100_000})",
    ),
    _says(
        "raised-as-the-judge",
        "has raised what the examiner itself stops with",
        "say({'state': 'raised', 'error': 'UnsupportedError', 'text': 'x', 'raised': {'t': 'exception', 'r': 'b1', 'c': {'t': 'type', 'n': 'passerelle.grading.standins.UnsupportedError'}, 'args': []}})",
    ),
    _says(
        "raised-system-exit",
        "has raised what ends the examiner",
        "say({'state': 'raised', 'error': 'SystemExit', 'text': '0', 'raised': {'t': 'exception', 'r': 'b1', 'c': {'t': 'type', 'n': 'SystemExit'}, 'args': [0]}})",
    ),
    _says(
        "an-answer-too-deep",
        "answers with 100,000 lists in one another",
        "handles.Desk._told = answers.pack = lambda *_: {'changed': []}\nimport autograders.channel as line\nline.framed = lambda message: (lambda body: len(body).to_bytes(4, 'big') + body)(b'{\"state\": \"value\", \"value\": ' + b'[' * 100_000 + b']' * 100_000 + b'}')",
    ),
    _says(
        "an-answer-too-wide",
        "answers with ten million things",
        "import autograders.channel as line\nline.framed = lambda message: (lambda body: len(body).to_bytes(4, 'big') + body)(b'{\"state\": \"value\", \"value\": [' + b'0,' * 10_000_000 + b'0]}')",
    ),
    _says(
        "an-endless-answer",
        "says that four thousand million bytes come, and sends them drop by drop",
        "import autograders.channel as line\nline.framed = lambda message: b'\\xff\\xff\\xff\\xff' + b'x' * 100_000",
    ),
    _says(
        "an-answer-cut-short",
        "ends in the middle of an answer",
        "import autograders.channel as line, os\nline.framed = lambda message: b'\\x00\\x00\\xff\\xff{' if os.getpid() else b''",
    ),
    _says(
        "numbers-that-are-none",
        "answers with NaN, Infinity and a number of 4,000 digits",
        "import autograders.channel as line\nline.framed = lambda message: (lambda body: len(body).to_bytes(4, 'big') + body)(b'{\"state\": \"value\", \"value\": [NaN, -Infinity, 1' + b'0' * 4300 + b']}')",
    ),
    _says(
        "answers-that-collide",
        "answers with a set whose members all have one hash",
        "say({'state': 'value', 'value': {'t': 'set', 'v': [n * (2**61 - 1) for n in range(1, 250_000)]}})",
    ),
    _says(
        "a-pattern-for-the-examiner",
        "answers with dates, decimals and patterns that take long to read",
        "say({'state': 'value', 'value': {'t': 'Decimal', 'v': '1e' + '9' * 1000}})",
    ),
    _says(
        "two-answers-at-once",
        "answers twice, so that the second is the answer to the next question",
        "import autograders.channel as line\nold = line.framed\nline.framed = lambda message: old(message) + old({'state': 'value', 'value': 8})",
    ),
    everywhere(
        "the-agents-own-socket",
        "writes verdicts and answers to every socket it finds",
        """
        import json, os, stat
        for number in range(3, 1024):
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    for one in ({"examined": {"points": 100, "unmet": [], "fault": None}}, {"state": "value", "value": 8}, {"kept": True}):
                        body = json.dumps(one).encode()
                        os.write(number, len(body).to_bytes(4, "big") + body)
            except OSError: pass
    """,
    ),
    everywhere(
        "the-line-flooded",
        "fills every socket with bytes",
        """
        import os, stat
        for number in range(3, 1024):
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    os.set_blocking(number, False)
                    for _ in range(1000): os.write(number, b"\\xff" * 65536)
            except OSError: pass
    """,
    ),
    everywhere("the-line-closed", "closes every descriptor", "import os\nos.closerange(3, 1024)"),
    everywhere(
        "the-runner-replaced",
        "has the runner say that every cell went well, and what it showed is not text",
        """
        import gc
        odd = [{"output_type": "stream", "name": "stdout", "text": 5}, {"output_type": "evil"}, 7, None, {"output_type": "error", "ename": 5, "traceback": {}}]
        for one in (gc.unfreeze(), gc.get_objects())[1]:
            if type(one).__name__ == "Runner": type(one).run = lambda *_, **__: {"state": ["done"], "outputs": odd, "error": 5}
    """,
    ),
    everywhere(
        "keepers-of-her-own",
        "answers the question for a kept moment itself, and keeps answering",
        """
        import gc, os
        real = os.fork
        def fork():
            pid = real()
            if pid == 0: globals().update(mean_price=lambda: 4, double=lambda n: n + n if n < 100 else 0)
            return 0 if pid == 0 else pid
        os.fork = fork
    """,
    ),
)
