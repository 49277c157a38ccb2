"""What a cell shows, as notebook outputs, in order and capped."""

import io
import re
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher

MAX_CELL_BYTES = 400_000
MAX_TOTAL_BYTES = 4_000_000
MAX_OUTPUTS = 200
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class _Stream(io.TextIOBase):
    """Standard output or error of the cells."""

    encoding = "utf-8"

    def __init__(self, transcript: "Transcript", name: str) -> None:
        self._transcript = transcript
        self._name = name

    def write(self, text: str) -> int:
        self._transcript.stream(self._name, str(text))
        return len(text)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        """Nothing waits."""


class _Publisher(DisplayPublisher):
    transcript: "Transcript"

    def publish(self, data: Any, *_others: Any, **_more: Any) -> None:
        self.transcript.add({"output_type": "display_data", "data": _texts(data), "metadata": {}})

    def clear_output(self, wait: bool = False) -> None:  # noqa: ARG002  IPython's signature
        self.transcript.clear()


class _Hook(DisplayHook):
    transcript: "Transcript"

    def write_output_prompt(self) -> None:
        """A notebook has none."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:  # noqa: ARG002  IPython's signature
        self.transcript.add({"output_type": "execute_result", "data": _texts(format_dict), "metadata": {}})

    def finish_displayhook(self) -> None:
        self._is_active = False


class Transcript:
    """The outputs of the cell that runs."""

    def __init__(self, shell: Any) -> None:
        self._outputs: list[dict[str, Any]] = []
        self._cell_bytes = self._total_bytes = 0
        self._streams = _Stream(self, "stdout"), _Stream(self, "stderr")
        makers: tuple[Any, Any] = (_Publisher, _Hook)
        shell.display_pub, shell.displayhook = makers[0](parent=shell), makers[1](shell=shell, parent=shell)
        shell.display_pub.transcript = shell.displayhook.transcript = self
        shell.display_trap.hook = shell.displayhook
        shell._showtraceback = self._traceback

    def begin(self) -> None:
        """Begin a cell."""
        self._outputs, self._cell_bytes = [], 0
        sys.stdout, sys.stderr = self._streams

    def end(self) -> list[dict[str, Any]]:
        """Return what the cell has shown."""
        outputs, self._outputs = self._outputs, []
        for output in outputs:
            if output["output_type"] == "stream":
                output["text"] = "".join(output["text"])
        return outputs

    def clear(self) -> None:
        """Forget what the cell has shown so far."""
        self._outputs = []

    def stream(self, name: str, text: str) -> None:
        """Add to a stream."""
        text = text[: self._room(len(text))]
        last = self._outputs[-1] if self._outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"].append(text)
        elif text and len(self._outputs) < MAX_OUTPUTS:
            self._outputs.append({"output_type": "stream", "name": name, "text": [text]})

    def add(self, output: dict[str, Any]) -> None:
        """Add an output, where there is room for it."""
        size = sum(len(text) for text in output.get("data", {}).values())
        if len(self._outputs) < MAX_OUTPUTS and self._room(size) == size:
            self._outputs.append(output)

    def _traceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        lines = [_COLOURS.sub("", str(line))[:2000] for line in list(stb)[:40]]
        name = str(getattr(etype, "__name__", "Error"))[:100]
        if self._room(sum(map(len, lines))):
            self._outputs.append(
                {"output_type": "error", "ename": name, "evalue": str(evalue)[:1000], "traceback": lines}
            )

    def _room(self, size: int) -> int:
        """Take room; return how much of it there is."""
        room = max(0, min(size, MAX_CELL_BYTES - self._cell_bytes, MAX_TOTAL_BYTES - self._total_bytes))
        self._cell_bytes += room
        self._total_bytes += room
        return room


def _texts(data: Any) -> dict[str, str]:
    """Return the text forms of a display; binary ones (pictures) are base64 text already."""
    return {str(kind): text for kind, text in dict(data).items() if type(text) is str}
