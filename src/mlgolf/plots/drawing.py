"""Drawing a chart's specification as an SVG, here or in a process beside this one.

Run as a script it draws what it is sent, so it imports neither altair nor tables: each line of its
input is a specification, and each line of its output the SVG, both as JSON.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import vl_convert

_SMALLEST = {"mark": "point", "data": {"values": []}}  # drawn first, to start the engine

Svg = Callable[[], str]  # waits until it is drawn


def draw(spec: dict[str, Any] | str, vega_lite: str) -> str:
    """As an SVG that depends on the chart alone.

    Coordinates are cut to hundredths of a pixel: a third of the size.

    Args: vega_lite: the version that the specification is written in, "6.1".
    """
    names: dict[str, str] = {}  # of clipping paths, which the engine counts over all it draws

    def in_order(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"clip{len(names)}")

    def shortened(tag: str) -> str:
        tag = re.sub(r"\bclip\d+\b", in_order, tag)
        return re.sub(r' (?:d|transform|points)="[^"]*"', _cut_decimals, tag)

    return in_tags(shortened, vl_convert.vegalite_to_svg(spec, vl_version=vega_lite))


def in_tags(change: Callable[[str], str], svg: str) -> str:
    """The SVG with its tags changed. Text between them may be anybody's, and stays as it is."""
    return re.sub(r"<[^<>]*>", lambda tag: change(tag[0]), svg)


def _cut_decimals(attribute: re.Match[str]) -> str:
    number = r"-?\d+\.\d{3,}(?:e-?\d+)?"
    return re.sub(number, lambda match: f"{float(match[0]):.2f}", attribute[0])


class Drawer:
    """A process that draws while this one goes on. It ends with the block."""

    def __init__(self, vega_lite: str) -> None:
        """It starts at once, so that it is ready when the first chart is."""
        command = [sys.executable, "-I", __file__, vega_lite]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8"
        )
        self._thread = ThreadPoolExecutor(1)  # waits for one drawing after the other

    def draw(self, spec: dict[str, Any]) -> Svg:
        """Begin to draw. Raises, when the SVG is asked for: RuntimeError if it cannot be drawn."""
        return self._thread.submit(self._drawn, json.dumps(spec)).result

    def _drawn(self, spec: str) -> str:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(spec + "\n")
        process.stdin.flush()
        if line := process.stdout.readline():
            return json.loads(line)
        raise RuntimeError(f"the process that draws figures ended with code {process.wait()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._thread.shutdown(cancel_futures=True)


def _serve(vega_lite: str) -> None:
    draw(_SMALLEST, vega_lite)
    for line in sys.stdin:
        print(json.dumps(draw(line, vega_lite)), flush=True)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # pyright: ignore
    _serve(sys.argv[1])
