"""The verdict is taken over in the process where the answer runs: IPython, Python itself, and what judges."""

from tests.attacks.attack import Attack, code, everywhere

ATTACKS: tuple[Attack, ...] = (
    everywhere(
        "display-hook", "shows a number where nbgrader looks for partial credit", "get_ipython().displayhook(5)\n5"
    ),
    everywhere(
        "a-number-of-every-cell",
        "has every later cell end with a number",
        """
        ip = get_ipython()
        before = ip.run_cell
        ip.events.register("post_run_cell", lambda result: ip.displayhook(2.0))
        """,
    ),
    everywhere(
        "input-transformer",
        "turns every later cell into the number 5",
        "get_ipython().input_transformers_post.append(lambda lines: ['5\\n'])",
    ),
    everywhere(
        "ast-transformer",
        "takes the asserts out of every later cell",
        """
        import ast
        class Out(ast.NodeTransformer):
            def visit_Assert(self, node): return ast.Pass()
            def visit_Expr(self, node): return ast.Pass()
        get_ipython().ast_transformers.append(Out())
        """,
    ),
    everywhere(
        "custom-exception-handler",
        "has errors of later cells handled by her own function, which says nothing",
        "get_ipython().set_custom_exc((BaseException,), lambda *_, **__: None)",
    ),
    everywhere(
        "tracebacks-unsaid",
        "has no traceback shown, and results say that all went well",
        """
        ip = get_ipython()
        ip.showtraceback = ip._showtraceback = lambda *_, **__: None
        from IPython.core import interactiveshell as shell
        shell.ExecutionResult.raise_error = lambda self: None
        shell.ExecutionResult.error_in_exec = property(lambda self: None, lambda self, value: None)
        """,
    ),
    everywhere(
        "kernel-replies",
        "answers every later request to run something with «ok»",
        """
        ip = get_ipython()
        kernel = getattr(ip, "kernel", None)
        async def ok(*_, **__): return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
        if kernel is not None: kernel.do_execute = ok
        import IPython.core.interactiveshell as shell
        async def done(self, *_, **__): return shell.ExecutionResult(None)
        shell.InteractiveShell.run_cell_async = done
        """,
    ),
    everywhere(
        "a-thread-that-acts-later",
        "lets a thread wait until checks run, and puts the right values in place then",
        """
        import threading, time
        def later(names):
            while True:
                names.update(mean_price=4.0, double=lambda n: n * 2, close=lambda *_: True)
                time.sleep(0.001)
        threading.Thread(target=later, args=({},), daemon=True).start()
        """,
    ),
    everywhere(
        "import-hook",
        "gives modules of her own to whoever imports judges later",
        """
        import sys, types
        class Mine:
            def find_spec(self, name, path=None, target=None): return None
        sys.meta_path.insert(0, Mine())
        for name in ("numpy.testing", "unittest", "pytest", "autograders", "nose.tools", "math"):
            fake = types.ModuleType(name)
            fake.__getattr__ = lambda attr: (lambda *_, **__: None)
            sys.modules[name] = fake
        """,
    ),
    everywhere(
        "compile-hook",
        "puts functions in the place of compile and ast.parse that leave asserts out",
        """
        import ast, builtins
        real_compile, real_parse = builtins.compile, ast.parse
        class Out(ast.NodeTransformer):
            def visit_Assert(self, node): return ast.copy_location(ast.Pass(), node)
        def mine(source, *rest, **more):
            tree = real_parse(source) if isinstance(source, (str, bytes)) else source
            return real_compile(ast.fix_missing_locations(Out().visit(tree)), *rest, **more)
        builtins.compile = mine
        import IPython.core.compilerop as op
        op.CachingCompiler.ast_parse = lambda self, source, *_, **__: ast.fix_missing_locations(Out().visit(real_parse(source)))
        op.CachingCompiler.__call__ = mine
        """,
    ),
    everywhere(
        "builtins-patched",
        "has isinstance, len, sum, abs and open say what is wanted",
        """
        import builtins
        builtins.isinstance = lambda *_: True
        builtins.len = builtins.sum = lambda *_: 4
        builtins.abs = lambda *_: 0
        class Any(float):
            __eq__ = __lt__ = __gt__ = __le__ = __ge__ = lambda *_: True
            __hash__ = None
        builtins.float = builtins.int = Any
        """,
    ),
    everywhere(
        "judges-patched",
        "has numpy.testing, unittest and pytest find everything right",
        """
        import unittest
        for name in dir(unittest.TestCase):
            if name.startswith("assert"): setattr(unittest.TestCase, name, lambda *_, **__: None)
        import numpy, numpy.testing
        for name in dir(numpy.testing):
            if name.startswith("assert"): setattr(numpy.testing, name, lambda *_, **__: None)
        numpy.allclose = numpy.array_equal = numpy.isclose = lambda *_, **__: True
        """,
    ),
    everywhere(
        "builtins-of-her-own",
        "puts a __builtins__ of her own among the names, with an assert that cannot stop",
        """
        class Calm(dict):
            def __missing__(self, name): return lambda *_, **__: 4
        import builtins
        __builtins__ = Calm(vars(builtins))
        __builtins__["AssertionError"] = type("AssertionError", (Warning,), {})
        """,
    ),
    everywhere(
        "settrace",
        "jumps over every line of later cells by a trace function",
        """
        import sys, threading
        def jump(frame, event, argument):
            if event == "line" and frame.f_code.co_name == "<module>" and "assert" in str(frame.f_code.co_consts):
                try: frame.f_lineno = frame.f_lineno + 1
                except ValueError: pass
            frame.f_trace = jump
            return jump
        sys.settrace(jump); threading.settrace(jump); sys.setprofile(jump)
        """,
    ),
    everywhere(
        "frames-of-the-shell",
        "walks up the frames and replaces what it finds of whoever runs the cells",
        """
        import sys
        frame = sys._getframe()
        while frame is not None:
            for name, value in list(frame.f_locals.items()):
                for attr in ("error_in_exec", "error_before_exec", "fault", "points", "needed", "unmet"):
                    try: setattr(value, attr, None)
                    except Exception: pass
            frame = frame.f_back
        """,
    ),
    everywhere(
        "code-of-the-judges",
        "replaces the code of functions in place, so that old references do other things",
        """
        import gc, types
        def calm(*_, **__): return None
        for one in (gc.unfreeze(), gc.get_objects())[1]:
            if isinstance(one, types.FunctionType) and one.__name__.startswith(("assert", "_fail", "difference", "same", "raised", "equals")):
                try: one.__code__ = calm.__code__
                except Exception: pass
        """,
    ),
    everywhere(
        "an-unraised-hook",
        "sets excepthook, unraisablehook, displayhook and the audit hook to functions that say nothing",
        """
        import sys, threading
        sys.excepthook = sys.unraisablehook = sys.displayhook = threading.excepthook = lambda *_: None
        sys.addaudithook(lambda *_: None)
        """,
    ),
    everywhere(
        "at-the-end",
        "acts when objects are thrown away and when Python ends",
        """
        import atexit, weakref
        class Later:
            def __del__(self):
                globals().update(mean_price=4, double=lambda n: n * 2)
                print("5")
        thing = Later()
        weakref.finalize(thing, lambda: globals().update(mean_price=4))
        atexit.register(lambda: print("5"))
        del thing
        mean_price = None
        double = None
        """,
    ),
    code("exit-in-a-function", "ends Python when it is called", double="import sys\ndef double(number): sys.exit(0)"),
    code(
        "hard-exit-in-a-function", "ends the process, with success", double="import os\ndef double(number): os._exit(0)"
    ),
    code(
        "hard-exit-in-a-cell",
        "ends the process in the middle of the notebook",
        mean="mean_price = 4\nimport os\nos._exit(0)",
    ),
    code(
        "keyboard-interrupt",
        "raises KeyboardInterrupt in a function",
        double="def double(number): raise KeyboardInterrupt",
    ),
    code(
        "generator-exit",
        "raises what generators end with",
        double="def double(number): raise GeneratorExit",
        total="def total(rows): raise StopIteration(7)",
    ),
    code(
        "assertions-her-own",
        "raises an error that says it is none",
        double="class AssertionError(Warning): pass\ndef double(number): raise AssertionError('5 points')",
    ),
    code(
        "without-end-inwards",
        "calls itself without end, with the limit taken away",
        double="import sys\nsys.setrecursionlimit(10**8)\ndef double(number): return double(number)",
    ),
    code(
        "garbage-walk",
        "looks for expected values among all objects that there are",
        double="""
        import gc, types
        def double(number):
            for one in (gc.unfreeze(), gc.get_objects())[1]:
                if isinstance(one, dict) and one.get("ask") and one.get("args") and "expected" in one: return one["expected"]
            return None
    """,
    ),
    code(
        "constants-of-the-caller",
        "reads the expected value off the constants of the check's code",
        double="""
        import sys
        def double(number):
            frame = sys._getframe(1)
            while frame is not None:
                found = list(frame.f_code.co_consts)
                if number in found:
                    return found[found.index(number) + 1]
                frame = frame.f_back
    """,
        total="""
        import sys
        def total(rows):
            found = list(sys._getframe(1).f_code.co_consts)
            return next((one for one in found if isinstance(one, int) and one >= sum(row["price"] for row in rows[:1]) and one not in [row["price"] for row in rows]), None)
    """,
    ),
    code(
        "history-of-cells",
        "reads the expected value off the text of the cell that asks",
        double="""
        import re
        def double(number):
            for text in reversed(globals().get("In", [])):
                found = re.search(rf"double\\({number}\\)[^0-9]*([0-9]+)", text)
                if found: return int(found[1])
    """,
    ),
    everywhere(
        "signals",
        "catches every signal that could stop it",
        """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, lambda *_: None)
            except (OSError, ValueError): pass
    """,
    ),
    everywhere(
        "a-vocabulary-of-her-own",
        "patches the words of `autograders` and names modules like ours",
        """
        import sys, types
        try:
            import autograders, autograders.asked, autograders.compare
            autograders.compare.difference = autograders.compare.same = lambda *_, **__: None
            autograders.asked.Asked._fail = lambda *_, **__: None
            autograders.expect.points = lambda: 2.0
        except ImportError: pass
        for name in list(sys.modules):
            if name.startswith("passerelle"): sys.modules[name] = types.ModuleType(name)
    """,
    ),
    everywhere(
        "names-of-the-check",
        "binds the names that checks bind themselves, with values that cannot be replaced",
        """
        class Row(dict): pass
        class Stubborn:
            def __set__(self, *_): pass
        import sys, types
        class Main(types.ModuleType):
            expect = property(lambda self: (lambda *_, **__: None), lambda self, value: None)
        sys.modules["__main__"].__class__ = Main
        expect = lambda *_, **__: None
    """,
    ),
    code(
        "helper-replaced",
        "replaces a helper that a locked cell gave and that checks use",
        mean="mean_price = 5\ndef close(found, wanted): return True",
    ),
    code(
        "helper-code-replaced",
        "changes that helper in place",
        mean="mean_price = 5\nclose.__code__ = (lambda found, wanted: True).__code__",
    ),
)
