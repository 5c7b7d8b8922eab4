"""Admit stored submissions: people never seen before all together, whoever is known one by one.

Of two first posts of one person at once, the database lets one create the lead; the other finds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from worker.domain.submissions import Submission
from worker.storage import leads, new_people
from worker.storage.installation import Moment
from worker.storage.new_people import Standing
from worker.usecases.arrival.admit_again import admit_again
from worker.usecases.arrival.admit_new import admit_new
from worker.usecases.arrival.arrivals import Arrival, Desk, open_desk, receive
from worker.usecases.services import Services


def admit(
    services: Services, connection: Connection, submissions: Sequence[Submission], moment: Moment
) -> Mapping[str, str]:
    """Admit submissions within the transaction that stored or released them; lead ids by submission id."""
    if not submissions:
        return {}
    desk = open_desk(services, connection, moment)
    arrivals = [receive(desk, submission) for submission in submissions]
    standing = new_people.look_up(connection, {arrival.email_hash for arrival in arrivals if arrival.email_hash})
    owners = admit_new(desk, connection, _never_seen(connection, arrivals, standing), standing)
    for arrival in arrivals:
        if arrival.submission.id not in owners:
            owners |= _admit_one(desk, connection, arrival, standing)
    return owners


def _admit_one(desk: Desk, connection: Connection, arrival: Arrival, standing: Standing) -> Mapping[str, str]:
    """Someone who is known, or is just being created by another transaction, or by an earlier of this group."""
    while True:
        person = leads.find_person(connection, arrival.email_hash, arrival.phone_hash)
        if person is not None:
            return admit_again(desk, connection, arrival, person)
        if owners := admit_new(desk, connection, [arrival], standing):
            return owners


def _never_seen(connection: Connection, arrivals: Sequence[Arrival], standing: Standing) -> list[Arrival]:
    """Those of whom neither the database nor this group knows another form, always in one order.

    One order, so that two groups that create the same people wait for each other and not in a circle.
    """
    hashes = Counter(value for arrival in arrivals for value in (arrival.email_hash, arrival.phone_hash) if value)
    alone = [arrival for arrival in arrivals if hashes[arrival.person] == 1]
    new = [arrival for arrival in alone if not _is_known(connection, arrival, standing)]
    return sorted(new, key=lambda arrival: arrival.person)


def _is_known(connection: Connection, arrival: Arrival, standing: Standing) -> bool:
    if arrival.email_hash:
        return arrival.email_hash in standing.known
    return leads.is_known_phone(connection, arrival.person)
