"""What a process prints when something goes wrong past every handler: its kind and place, never its words (I6)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

WORD = "marmaladesecret"

DEATHS = {
    "uncaught": f"raise RuntimeError('{WORD}')",
    "in a thread": f"import threading\ndef run():\n    raise RuntimeError('{WORD}')\n"
    "t = threading.Thread(target=run); t.start(); t.join()",
    "in a destructor": f"class A:\n    def __del__(self):\n        raise RuntimeError('{WORD}')\nA()",
    "a warning": f"import warnings\nwarnings.warn('{WORD}')",
    "a failing log handler": f"import logging\nlogging.getLogger('x').error('%d', '{WORD}')",
    "an asyncio task": f"import asyncio\nasync def run():\n    raise RuntimeError('{WORD}')\n"
    "async def main():\n    asyncio.get_running_loop().create_task(run(), name='{WORD}')\n    await asyncio.sleep(0)\n"
    "asyncio.run(main())\nimport gc; gc.collect()",
    "a database error": "import sqlalchemy as sa\nwith sa.create_engine('sqlite://').connect() as c:\n"
    f"    c.execute(sa.text('insert into x values (:v)'), {{'v': '{WORD}'}})",
    "a refused connection": f"import requests\nrequests.get('http://127.0.0.1:1/{WORD}')",
    "a bad address": f"import smtplib\nraise smtplib.SMTPRecipientsRefused({{'{WORD}@example.com': (550, b'{WORD}')}})",
    "a kombu error": f"from kombu.exceptions import DecodeError\nraise DecodeError('{WORD}')",
    "celery's unknown task": "import logging\nlogging.getLogger('celery.worker.consumer').error("
    f"'Received unregistered task of type %s: %r', '{WORD}', '{WORD}', exc_info=KeyError('{WORD}'))",
    "a library's line with values in it": "import logging\n"
    f"logging.getLogger('uvicorn.error').error('Bad host {WORD}-1 \"{WORD}\"')",
    "uvicorn's start-up traceback": "import logging, traceback\ntry:\n"
    f"    raise RuntimeError('{WORD}')\nexcept RuntimeError:\n"
    "    logging.getLogger('uvicorn.error').error(traceback.format_exc())",
}


@pytest.mark.parametrize("how", sorted(DEATHS))
def test_nothing_that_goes_wrong_is_printed_with_its_words(how: str, tmp_path: Path) -> None:
    code = (
        "from worker.logs import configure_logs, guard_last_words\n"
        "configure_logs('DEBUG', 'test'); guard_last_words()\n" + DEATHS[how]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)

    assert WORD not in done.stdout + done.stderr
    assert done.stderr.strip(), "that something went wrong is said"
    for line in done.stderr.strip().splitlines():
        assert json.loads(line)["level"] in {"error", "warning"}


def test_a_fault_of_the_command_line_is_told_without_its_words(tmp_path: Path) -> None:
    code = (
        "import sys, worker.cli as cli, typer\n"
        f"def broken(): raise RuntimeError('{WORD}')\n"
        "cli.app = typer.Typer(pretty_exceptions_enable=False); cli.app.command()(broken)\n"
        "sys.argv = ['nurture']; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert "RuntimeError" in done.stderr
    assert WORD not in done.stdout + done.stderr
