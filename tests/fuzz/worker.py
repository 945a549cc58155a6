"""Runs the cases of `fuzz.py`: arguments as JSON on stdin, exit code and last line of stderr as JSON on stdout."""

import io
import json
import os
import sys
import threading
from contextlib import redirect_stderr

from mvinverse_cli.cli import console
from mvinverse_cli.cli.main import main
from tests.fuzz.fuzz import CASE_SECONDS, HANG


def run() -> None:
    """Answers each line until stdin ends. Native code may print what it likes: it gets another stdout."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        watch = threading.Timer(CASE_SECONDS, os._exit, (HANG,))
        watch.start()
        said = io.StringIO()
        console.STDERR.file = said
        with redirect_stderr(said):
            code = main(json.loads(line))
        watch.cancel()
        lines = said.getvalue().splitlines()
        answers.write(json.dumps([code, lines[-1] if lines else ""]) + "\n")
        answers.flush()


if __name__ == "__main__":
    run()
