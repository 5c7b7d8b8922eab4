"""Peers that send queued mail, driven from outside: each round queues, then sends with the clock running."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from css_inline import CSSInliner

from bench.harness import Bench, Sample, WrongCount, expect
from bench.letters import Letters
from bench.stages.render import NaiveMail

_SCRIPT = Path(__file__).with_name("django_peers.py")


def django_peer(bench: Bench, peer: str, smtp_port: int, count: int, letters: Letters) -> Callable[[], Sample]:
    """One round of a peer: messages a second, from its full queue to its empty one. Raises Absent."""
    python, folder = bench.tools.peers(), bench.new_folder(peer)
    message = folder / "message.json"
    message.write_text(json.dumps(_message(letters)), encoding="utf-8")
    name = bench.database(is_empty=True).partition("@/")[2].partition("?")[0]
    given = {"BENCH_DB": name, "BENCH_DB_HOST": str(bench.postgres.home), "BENCH_SMTP": str(smtp_port)}

    def run(phase: str) -> str:
        words = [str(python), str(_SCRIPT), peer, phase, str(message), str(count)]
        done = subprocess.run(words, env=os.environ | given, check=False, capture_output=True, text=True)
        if done.returncode:
            raise WrongCount(f"{peer} {phase}: {done.stderr.strip().splitlines()[-1]}")
        return done.stdout

    def once() -> Sample:
        run("queue")
        told = json.loads(run("send").splitlines()[-1])
        expect(f"messages that {peer} left", told["left"], 0)
        return Sample(count / told["seconds"])

    run("prepare")
    return once


def _message(letters: Letters) -> dict[str, str]:
    """The template that the naive way has, its CSS already inlined: theirs to gain."""
    mail = NaiveMail(letters)
    html = CSSInliner(load_remote_stylesheets=False).inline(mail.sources["email.html"])
    return {"subject": mail.subject, "text": mail.sources["email.txt"], "html": html}
