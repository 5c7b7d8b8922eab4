"""Log lines tell of the work; trouble with them must not become trouble with the work."""

from __future__ import annotations

import errno
import io

from worker.logs import Unbreakable


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "no space left")


def test_a_line_that_can_not_be_written_costs_the_line_only() -> None:
    out = Unbreakable(FullDisk())

    assert out.write("a line\n") == 7
    out.flush()


def test_a_line_that_can_be_written_is() -> None:
    stream = io.StringIO()
    out = Unbreakable(stream)

    out.write("a line\n")
    out.flush()

    assert stream.getvalue() == "a line\n"
