"""The send ledger against a model of a few lines: whatever workers, crashes and clocks do, both agree (I2).

Every statement takes its instants as arguments, so the model owns both clocks and nothing waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from tests.support.world import START, World
from worker.domain.consent import SuppressionReason
from worker.domain.ids import new_id
from worker.domain.sends import NEXT_STATES, CancelReason, SendKind, SendState
from worker.storage import claims, gate, sends, suppressions, tables, unknown_sends

PENDING = {"planned", "claimed", "held"}
ENDED = {state.value for state, following in NEXT_STATES.items() if not following}
OUTCOMES = [SendState.PLANNED, SendState.UNKNOWN, SendState.SENT, SendState.FAILED]
ACCOUNTS = {"keyed": 300, "other-keyed": 300, "unkeyed": None}
"""Providers, each with how many seconds it remembers our keys."""

ASIDE = [SendState.PLANNED, SendState.SKIPPED, SendState.HELD]


@dataclass(frozen=True, slots=True)
class Modelled:
    """What the model knows of one send. `claim` numbers the claims; 0 is nobody's."""

    due: int
    state: str = "planned"
    claim: int = 0
    lease: int | None = None
    attempts: int = 0
    not_before: int = 0
    held_until: int | None = None
    handed_to: str | None = None
    key_until: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """What a worker keeps of a send that it claimed, for as long as it likes."""

    send_id: str
    claim: int
    row: dict[str, Any]


class Ledger(RuleBasedStateMachine):
    """Time is in seconds since START, on both clocks; `work` and `recover` move them."""

    world: World
    lead_id: str
    address: str

    @initialize()
    def begin(self) -> None:
        with self.world.database.write() as connection:
            connection.execute(delete(tables.sends))
            connection.execute(delete(tables.suppressions))
        self.model: dict[str, Modelled] = {}
        self.tokens: list[Token] = []
        self.claims = 0
        self.product = self.real = 0
        self.suppressed = False
        self.hand_overs: dict[str, int] = {}
        self.refusals: dict[str, int] = {}
        self.repeats: dict[str, int] = {}
        self.first_offers: dict[str, tuple[str, int]] = {}
        self.account = "keyed"
        for delay in range(3):
            self.plan_one(delay)

    def at(self, seconds: int) -> datetime:
        return START + timedelta(seconds=seconds)

    def change(self, send_id: str, **values: Any) -> None:
        if "state" in values:
            before = SendState(self.model[send_id].state)
            assert values["state"] == before or SendState(values["state"]) in NEXT_STATES[before], (before, values)
        self.model[send_id] = replace(self.model[send_id], **values)

    def someone(self, data: st.DataObject) -> Token:
        """Whoever ever claimed something, if long ago; rather one whose send is not at its end."""
        open_ones = [token for token in self.tokens if self.model[token.send_id].state not in ENDED]
        return data.draw(st.sampled_from(open_ones or self.tokens), "who")

    # --- what happens ---

    @rule(delay=st.integers(0, 200))
    def plan(self, delay: int) -> None:
        if sum(known.state not in ENDED for known in self.model.values()) < 3:  # few, so that rivals meet
            self.plan_one(delay)

    def plan_one(self, delay: int) -> None:
        send_id, due = new_id(), self.product + delay
        if due in {known.due for known in self.model.values()}:
            return  # of two that are due at the same instant, either may come first
        new = sends.NewSend(
            id=send_id, lead_id=self.lead_id, enrollment_id=None, kind=SendKind.ACKNOWLEDGEMENT, step=None,
            email="acknowledgement", location="carbondale", sequence=None, due_at=self.at(due),
        )  # fmt: skip
        with self.world.database.write() as connection:
            sends.plan(connection, [new])
            sends.plan(connection, [replace(new, due_at=self.at(due + 9))])  # planned already: stays as it is
        self.model[send_id] = Modelled(due=due)

    @rule(
        limit=st.integers(1, 4),
        later=st.sampled_from([250, 0]),
        goes_on=st.sampled_from(["hands over", "finishes", "stops"]),
        outcome=st.sampled_from(OUTCOMES),
    )
    def work(self, limit: int, later: int, goes_on: str, outcome: SendState) -> None:
        """A worker claims, and dies at once, with the provider, or after the answer."""
        self.product += later
        known = len(self.tokens)
        self.claim(limit)
        for token in self.tokens[known:]:
            if goes_on != "stops":
                self.try_hand_over(token)
            if goes_on == "finishes":
                self.try_finish(token, outcome, 0)

    def claim(self, limit: int) -> None:
        free = {
            send_id: known
            for send_id, known in self.model.items()
            if known.state == "planned" and known.due <= self.product and known.not_before <= self.real
        }
        expected = sorted(free, key=lambda send_id: free[send_id].due)[:limit]
        with self.world.database.write() as connection:
            rows = claims.claim_due(connection, self.at(self.product), self.at(self.real), limit)
        assert [row["id"] for row in rows] == expected
        for row in rows:
            self.claims += 1
            self.change(row["id"], state="claimed", claim=self.claims, lease=self.real + 60)
            self.tokens.append(Token(row["id"], self.claims, dict(row)))

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def hand_over(self, data: st.DataObject) -> None:
        self.try_hand_over(self.someone(data))

    def try_hand_over(self, token: Token) -> None:
        known = self.model[token.send_id]
        may = known.state == "claimed" and known.claim == token.claim and not self.suppressed
        snapshot = self.world.rows(tables.installation)[0]["active_snapshot"]
        with self.world.database.write() as connection:
            ttl = ACCOUNTS[self.account]
            key_until = None if ttl is None else self.real + ttl
            allowed = gate.hand_over(
                connection, [token.row], snapshot, self.at(self.product), self.at(self.real),
                handed_to=self.account, key_until=None if key_until is None else self.at(key_until),
            )  # fmt: skip
        assert allowed == ({token.send_id} if may else set())
        if may:
            self.change(token.send_id, state="handed_over", lease=self.real + 90, attempts=known.attempts + 1)
            self.change(token.send_id, handed_to=self.account, key_until=key_until)
            self.first_offers[token.send_id] = (self.account, self.real)
            self.hand_overs[token.send_id] = self.hand_overs.get(token.send_id, 0) + 1

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), back_off=st.integers(0, 120))
    def finish(self, data: st.DataObject, outcome: SendState, back_off: int) -> None:
        self.try_finish(self.someone(data), outcome, back_off)

    def try_finish(self, token: Token, outcome: SendState, back_off: int) -> None:
        known = self.model[token.send_id]
        may = known.state in {"handed_over", "unknown"} and known.claim == token.claim
        not_before = self.real + back_off
        values: dict[str, Any] = {"not_before": self.at(not_before)} if outcome is SendState.PLANNED else {}
        with self.world.database.write() as connection:
            assert sends.finish(connection, token.row, outcome, **values) is may
        if not may:
            return
        self.change(token.send_id, state=outcome.value, lease=None)
        if outcome is SendState.PLANNED:
            self.change(token.send_id, not_before=not_before)
            self.refusals[token.send_id] = self.refusals.get(token.send_id, 0) + 1

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), to=st.sampled_from(ASIDE), until=st.one_of(st.none(), st.integers(0, 200)))
    def put_aside(self, data: st.DataObject, to: SendState, until: int | None) -> None:
        token = self.someone(data)
        known = self.model[token.send_id]
        may = known.state == "claimed" and known.claim == token.claim
        held_until = self.product + until if to is SendState.HELD and until is not None else None
        values = {"held_until": self.at(held_until) if held_until is not None else None}
        with self.world.database.write() as connection:
            assert sends.put_aside(connection, token.row, to, **values) is may
        if may:
            self.change(token.send_id, state=to.value, lease=None, held_until=held_until)

    @rule(seconds=st.sampled_from([100, 31, 0]))
    def recover(self, seconds: int) -> None:
        """After 100 s whoever holds something has slept past its lease."""
        self.real += seconds
        lapsed = {
            send_id: known
            for send_id, known in self.model.items()
            if known.lease is not None and known.lease < self.real
        }
        with self.world.database.write() as connection:
            taken_back, unknown = sends.recover_lapsed(connection, self.at(self.real))
        assert taken_back == sum(known.state == "claimed" for known in lapsed.values())
        assert {row["id"] for row in unknown} == {
            send_id for send_id, known in lapsed.items() if known.state == "handed_over"
        }
        for send_id, known in lapsed.items():
            self.change(send_id, state="planned" if known.state == "claimed" else "unknown", lease=None)

    @rule(account=st.sampled_from(sorted(ACCOUNTS)))
    def swap_the_provider(self, account: str) -> None:
        self.account = account

    @rule(seconds=st.sampled_from([0, 31]), goes_on=st.booleans(), outcome=st.sampled_from([*OUTCOMES[1:3]]))
    def hand_over_again(self, seconds: int, goes_on: bool, outcome: SendState) -> None:
        """Whatever is unknown is offered once more with its key, or is left alone."""
        self.real += seconds
        expected = {
            send_id
            for send_id, known in self.model.items()
            if known.state == "unknown" and known.handed_to == self.account and known.not_before <= self.real
            if known.key_until is not None and known.key_until > self.real and not self.suppressed
        }
        with self.world.database.write() as connection:
            rows = unknown_sends.hand_over_again(
                connection, list(self.model), self.account, self.at(self.product), self.at(self.real)
            )
        assert {row["id"] for row in rows} == expected
        self.claims += 1
        for row in rows:
            send_id = row["id"]
            first_account, first_at = self.first_offers[send_id]
            assert first_account == self.account, "a key is good where it was first used, and nowhere else"
            assert self.real - first_at < (ACCOUNTS[first_account] or 0), "the provider may have forgotten the key"
            self.change(send_id, state="handed_over", claim=self.claims, lease=self.real + 90,
                        attempts=self.model[send_id].attempts + 1)  # fmt: skip
            self.repeats[send_id] = self.repeats.get(send_id, 0) + 1
            self.hand_overs[send_id] += 1
            token = Token(send_id, self.claims, dict(row))
            self.tokens.append(token)
            if goes_on:
                self.try_finish(token, outcome, 0)

    @rule()
    def give_up_keys(self) -> None:
        """A person is told of every unknown send that no key can settle any more, once."""
        expected = {
            send_id
            for send_id, known in self.model.items()
            if known.state == "unknown" and known.key_until is not None
            if known.key_until <= self.real or known.handed_to != self.account
        }
        with self.world.database.write() as connection:
            rows = unknown_sends.give_up_keys(connection, self.account, self.at(self.real))
        assert {row["id"] for row in rows} == expected
        for send_id in expected:
            self.change(send_id, key_until=None)

    @rule()
    def release(self) -> None:
        expected = [
            send_id
            for send_id, known in self.model.items()
            if known.state == "held" and known.held_until is not None and known.held_until <= self.product
        ]
        with self.world.database.write() as connection:
            assert sends.release_holds(connection, self.at(self.product)) == len(expected)
        for send_id in expected:
            self.change(send_id, state="planned", held_until=None)

    @rule(chance=st.integers(0, 9))
    def withdraw(self, chance: int) -> None:
        if chance != 9:
            return  # it ends every send that there is: not too often
        expected = {send_id for send_id, known in self.model.items() if known.state in PENDING}
        with self.world.database.write() as connection:
            kinds = [SendKind.ACKNOWLEDGEMENT]
            withdrawn = sends.cancel_pending(connection, self.lead_id, CancelReason.ERASED, kinds=kinds)
        assert set(withdrawn) == expected
        for send_id in expected:
            self.change(send_id, state="cancelled", lease=None)

    @rule()
    def suppress_or_not(self) -> None:
        self.suppressed = not self.suppressed
        with self.world.database.write() as connection:
            if self.suppressed:
                suppressions.add(connection, self.address, SuppressionReason.COMPLAINED, "model", START)
            else:
                connection.execute(delete(tables.suppressions))

    # --- what is always true ---

    @invariant()
    def the_database_says_the_same(self) -> None:
        with self.world.database.read() as connection:
            rows = {row.id: row for row in connection.execute(select(tables.sends))}
        assert {send_id: row.state for send_id, row in rows.items()} == {
            send_id: known.state for send_id, known in self.model.items()
        }
        for send_id, known in self.model.items():
            row = rows[send_id]
            assert row.attempts == known.attempts
            assert row.lease_until == (None if known.lease is None else self.at(known.lease))

    @invariant()
    def nothing_is_handed_over_again_unless_it_was_certainly_refused_or_has_its_key(self) -> None:
        for send_id, count in self.hand_overs.items():
            assert count <= 1 + self.refusals.get(send_id, 0) + self.repeats.get(send_id, 0)


def test_the_ledger_agrees_with_the_model_whatever_happens(world: World) -> None:
    lead_id = world.lead_from()

    class HereAndNow(Ledger):
        """The model on this test's database."""

    HereAndNow.world, HereAndNow.lead_id = world, lead_id
    HereAndNow.address = str(world.lead(lead_id)["email_hash"])
    run_state_machine_as_test(
        HereAndNow,
        settings=settings(
            max_examples=40,
            stateful_step_count=50,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
