"""What lint measures: syllables and grades, contrast and the colours that a dark screen shows, sentences."""

from __future__ import annotations

import pytest

from worker.content.lint.contrast import colours, contrast
from worker.content.lint.page import read_page
from worker.content.lint.paragraphs import paragraphs_of, sentences_of
from worker.content.lint.readability import grade, syllables

SYLLABLES = {
    1: "the watched gone through spaced while likes nerves friend",
    2: "table little sleepy safer needed device social patients changes causes quiet science lonely going region",
    3: "ketamine infusion depression clinician medicine serious opinion carefully beforehand FDA",
    4: "anxiety psychiatric suicidal experience diagnosis situation PTSD",
    5: "individual dissociation antidepressants",
}


@pytest.mark.parametrize(
    ("count", "word"), [(count, word) for count, text in SYLLABLES.items() for word in text.split()]
)
def test_syllables_are_counted_as_people_speak(count: int, word: str) -> None:
    assert syllables(word) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sat on the mat.", -1.45),  # 6 words of 6 syllables
        (  # 29 words of 40 syllables in 2 sentences, by the CMU dictionary
            "Ketamine has been used for many years to put people to sleep for surgery. The dose is measured for each "
            "person and stays below the one used for surgery.",
            6.34,
        ),
        (  # 26 words of 59 syllables in 2 sentences
            "Depression, including major depressive disorder, is a common mental health condition that affects "
            "millions of people worldwide. Unfortunately, not all patients respond to traditional antidepressant "
            "medication.",
            16.26,
        ),
    ],
)
def test_a_grade_is_the_flesch_kincaid_grade(text: str, expected: float) -> None:
    assert grade([text]) == pytest.approx(expected, abs=0.01)


def test_nothing_has_grade_nought() -> None:
    assert grade([]) == 0


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000", "#ffffff") == 21
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)

    with pytest.raises(ValueError, match="write it as #rrggbb"):
        contrast("rebeccapurple", "#fff")


PAGE = """
<html><head><style>
p { color: #111111; }
@media (prefers-color-scheme: dark) {
  .page { background-color: #000000 !important; }
  .page p { color: #dddddd !important; }
  .page .note p { color: #eeeeee !important; }
}
@media print { .page p { color: #ff0000; } }
</style></head><body>
<div class="page" style="background-color: #fefefe"><p style="color: #222222">One</p>
<div class="note"><p style="color: #333333">Two <a>three</a></p></div>
<div style="display: none"><p>Four</p></div></div>
</body></html>
"""


def test_words_have_the_colours_that_each_palette_gives_them() -> None:
    page = read_page(PAGE)
    light, dark = colours(page, dark=False), colours(page, dark=True)
    shown = {" ".join(element.words): element for element in page.visible}

    assert {text: light[element] for text, element in shown.items()} == {
        "One": ("#222222", "#fefefe"), "Two": ("#333333", "#fefefe"), "three": ("#333333", "#fefefe"),
    }  # fmt: skip
    assert {text: dark[element] for text, element in shown.items()} == {
        "One": ("#dddddd", "#000000"), "Two": ("#eeeeee", "#000000"), "three": ("#eeeeee", "#000000"),
    }  # fmt: skip


def test_hidden_words_are_not_read() -> None:
    assert read_page(PAGE).text == "One Two three"


def test_a_paragraph_knows_what_it_is() -> None:
    found = paragraphs_of('# Title\n\nText with a [link](https://example.com/).\n\n- item\n\n[Go](tel:1 "button")\n')

    assert [(one.kind, one.text, one.is_button) for one in found] == [
        ("heading", "Title", False), ("text", "Text with a link.", False), ("item", "item", False),
        ("text", "Go", True),
    ]  # fmt: skip


def test_sentences_end_where_people_stop() -> None:
    assert sentences_of('Is it so? "Yes," he said. At 9.30 we go. Fine') == (
        "Is it so?", '"Yes," he said.', "At 9.30 we go.", "Fine",
    )  # fmt: skip
