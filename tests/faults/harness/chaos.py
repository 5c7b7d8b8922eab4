"""Chaos: people post, mail flows, and at moments drawn from a seed something breaks. Then the verdict."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.harness.clients import Clients
from tests.faults.harness.injuries import Injury, known_to, undo_everything
from tests.faults.harness.scene import Scene, open_scene
from tests.faults.harness.schedule import Kind, Strike, draw
from tests.faults.harness.verdict import Verdict

CLOCK_SPEED = 4320.0
"""Three days each minute: sequences go on while everything breaks."""

LEASES = 0.2
"""Claims for 12 s and hand-overs for 18 s, so that sleepers outlive them within the run."""

START_WITHIN_S = 60.0
DRAIN_WITHIN_S = 180.0


@dataclass
class Outcome:
    """What a run has shown."""

    verdict: Verdict
    faults: Counter[str]
    accept_seconds: list[float]


@dataclass
class _Conductor:
    """Strikes when it is time, ends what has lasted long enough, and keeps the crew running in between."""

    scene: Scene
    known: dict[str, tuple[Kind, Injury]]
    struck: Counter[str] = field(default_factory=Counter)
    _endings: list[tuple[float, str, Callable[[], object]]] = field(default_factory=list)

    def run(self, strikes: list[Strike], seconds: float, note: Callable[[float], None]) -> None:
        begun, held = time.monotonic(), 0.0
        waiting = list(reversed(strikes))
        while (now := time.monotonic() - begun - held) < seconds:
            if not self.scene.crew.is_standing():
                held += self._wait_until_it_stands()
                continue
            self._end_what_is_over(time.monotonic())
            if waiting and waiting[-1].at <= now:
                self._strike(waiting.pop())
            self.scene.crew.keep()
            note(now)
            time.sleep(0.05)
        self._end_what_is_over(float("inf"))
        undo_everything(self.scene)

    def _wait_until_it_stands(self) -> float:
        """The schedule stands still while nothing runs that could be hurt: a busy machine starts slowly."""
        begun = time.monotonic()
        while not self.scene.crew.is_standing() and time.monotonic() - begun < START_WITHIN_S:
            self._end_what_is_over(time.monotonic())
            self.scene.crew.keep()
            time.sleep(0.05)
        return time.monotonic() - begun

    def _strike(self, strike: Strike) -> None:
        kind, injury = self.known[strike.kind]
        self._end_what_is_over(time.monotonic(), kind.occupies)  # a busy machine may be late with it
        ending = injury(self.scene, strike.choice)
        self.struck[strike.kind] += 1
        if ending is not None:
            self._endings.append((time.monotonic() + strike.seconds, kind.occupies, ending))

    def _end_what_is_over(self, now: float, occupying: str = "") -> None:
        over = [entry for entry in self._endings if entry[0] <= now or (occupying and entry[1] == occupying)]
        for entry in over:
            self._endings.remove(entry)
            entry[2]()


def run_chaos(
    folder: Path,
    *,
    seed: int,
    seconds: float,
    database: str,
    per_second: float = 3.0,
    keyed: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """The whole thing."""
    known = known_to(database)
    strikes = list(draw(seed, seconds, {name: kind for name, (kind, _) in known.items()}))
    with open_scene(
        folder, on=database, seed=seed, clock_speed=CLOCK_SPEED, leases=LEASES, workers=2, beats=2, keyed=keyed
    ) as scene:
        scene.mailbox.temper.drops_after_accepting, scene.mailbox.temper.refuses = 0.01, 0.03
        clients = Clients(scene.crew.url, scene.promised, seed, per_second)
        conductor = _Conductor(scene, known)
        progress = _Progress(scene, conductor, say)
        clients.start()
        conductor.run(strikes, seconds, progress.note)
        clients.stop_while(scene.crew.keep)
        say(f"the faults are over ({conductor.struck.total()} of them); draining")
        drained_s = _drain(scene)
        verdict = scene.verdict(drained_s)
        return Outcome(verdict, conductor.struck, clients.seconds_to_answer)


def _drain(scene: Scene) -> float | None:
    """The calendar stands still, back-off is over, and everything that can still be done is done."""
    temper = scene.mailbox.temper
    temper.drops_after_accepting = temper.refuses = temper.seconds = 0.0
    begun = time.monotonic()
    while True:
        try:
            scene.stop_calendar()
            scene.end_back_off()
            break
        except Exception:
            if time.monotonic() - begun > DRAIN_WITHIN_S:
                raise
            scene.crew.keep()
            time.sleep(0.2)
    quiet = scene.wait_quiet(DRAIN_WITHIN_S)
    return None if quiet is None else time.monotonic() - begun


@dataclass
class _Progress:
    """A line every ten seconds."""

    scene: Scene
    conductor: _Conductor
    say: Callable[[str], None]
    next_at: float = 10.0

    def note(self, now: float) -> None:
        if now < self.next_at:
            return
        self.next_at += 10.0
        accepted = sum(1 for _ in self.scene.promised.lines())
        taken = sum(1 for _ in self.scene.mailbox.log.lines())
        self.say(f"{now:4.0f} s  {self.conductor.struck.total()} faults, {accepted} accepted, {taken} delivered")
