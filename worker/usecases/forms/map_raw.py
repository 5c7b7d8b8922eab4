"""Map a foreign form's post: the submission that it makes by the published entry of its form, or why it makes none.

Judged like any other post, but for one thing: nobody is there to mend a bad field, so it is set aside and flagged,
and only a post by which nobody can be answered is refused.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote_plus

from worker.content.catalog import Catalog
from worker.domain.forms import Form, TokenCheck
from worker.domain.mapping import KEPT, MappedPost, map_answers
from worker.domain.safety import CrisisTier, screen
from worker.domain.submissions import Fields, RawPost, Submission
from worker.errors import InvalidSubmission, Unmappable
from worker.hooks.delivery import Delivery
from worker.hooks.readers import read_post
from worker.usecases.arrival.understand import understand

FORM_GONE, NO_FORM = "map_form_gone", "map_no_form"
SET_ASIDE = "field.set_aside"


def map_raw(raw: Submission, post: RawPost, catalog: Catalog) -> Submission:
    """The submission that a raw one makes. Raises Unmappable."""
    form = catalog.forms.get(raw.form)
    if form is None:
        raise Unmappable(FORM_GONE)
    mapped = map_answers(_delivery(post).answers, form, catalog.synonyms)
    understood = understood_of(mapped, form, catalog, raw)
    return replace(
        understood,
        id=raw.id,
        reference=raw.reference,
        suspicions=(*raw.suspicions, *understood.suspicions),
        digest=raw.digest,
    )


def understood_of(mapped: MappedPost, form: Form, catalog: Catalog, raw: Submission) -> Submission:
    """What intake makes of mapped fields. Raises Unmappable."""
    fields, flags = {**mapped.fields, "form": (form.key,)}, mapped.flags
    try:
        submission = understand(fields, catalog, raw.received_at, None, TokenCheck())
    except InvalidSubmission as error:
        bad = {problem.pointer.removeprefix("/") for problem in error.errors} & fields.keys()
        try:
            submission = understand(_without(fields, bad), catalog, raw.received_at, None, TokenCheck())
        except InvalidSubmission:
            raise Unmappable(f"map_{error.errors[0].code.replace('.', '_')}") from None
        flags = (*flags, SET_ASIDE)
    return replace(submission, flags=(*submission.flags, *flags))


def crisis_in(post: RawPost, catalog: Catalog) -> CrisisTier | None:
    """The tier of whatever stands in a post that can't be mapped: this can't wait for someone to mend the mapping."""
    return screen(texts_in(post), catalog.crisis)


def texts_in(post: RawPost) -> list[str]:
    """Everything that was typed, as far as it can be told from the rest."""
    try:
        return [value for answer in _delivery(post).answers for value in answer.values]
    except Unmappable:
        return [unquote_plus(post.body.encode("latin-1").decode("utf-8", "replace"))]


def _delivery(post: RawPost) -> Delivery:
    delivery = read_post(post.source, post.body.encode("latin-1"))[1]
    if delivery is None:
        raise Unmappable(NO_FORM)
    return delivery


def _without(fields: Fields, bad: set[str]) -> Fields:
    """What is of no use under its name is kept beside the others."""
    return {KEPT + name if name in bad else name: values for name, values in fields.items()}
