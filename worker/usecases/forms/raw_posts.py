"""A vendor's webhook as submissions still to be mapped: kept whole, under an id that a repeat gets too."""

from __future__ import annotations

from datetime import datetime

from worker.domain.ids import reference, submission_id
from worker.domain.submissions import RawPost, Submission
from worker.errors import Unmappable
from worker.hooks.decode import split
from worker.hooks.delivery import keyed
from worker.hooks.readers import read_post


def raw_submissions(
    form: str, source: str, body: bytes, *, secret: str, received_at: datetime, suspicions: tuple[str, ...] = ()
) -> list[Submission]:
    """One for each form in a body; none for an event that is no form. `secret` keys the ids of those without one.

    Never raises: what can't be read is kept as it is, known by its bytes.
    """
    found = []
    for each in split(body):
        try:
            name, delivery = read_post(source, each)
        except Unmappable:
            text = each.decode("latin-1")
            key, digest = keyed(secret, text), keyed(secret, f"body/{text}")
        else:
            if delivery is None:
                continue
            key, digest = f"{name}/{delivery.key(secret, received_at)}", delivery.digest
        identity = submission_id(form, key)
        found.append(
            Submission(
                id=identity,
                reference=reference(identity),
                received_at=received_at,
                form=form,
                fields={},
                email=None,
                phone=None,
                consent_email=False,
                wording_version="",
                suspicions=suspicions,
                raw=RawPost(source=source, body=each.decode("latin-1")),
                digest=digest,
            )
        )
    return found
