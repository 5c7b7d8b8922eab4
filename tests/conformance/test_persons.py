"""Nothing about a person can be forgotten by erasure and export: not even by a table that is added later."""

from __future__ import annotations

from worker.storage import persons, tables


def test_every_table_is_reached_from_a_lead_or_said_not_to_be_about_one() -> None:
    """Erasure, export and the search walk foreign keys: a table beside them says how it names a person, or why not."""
    reached = {table.name for table in persons.walked()}

    assert {"leads", "submissions", "consents", "enrollments", "sends", "timeline", "alerts"} <= reached
    assert reached | persons.BESIDE.keys() == tables.metadata.tables.keys()
    assert reached & persons.BESIDE.keys() == set()
