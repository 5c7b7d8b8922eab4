"""The clinic's own articles break the rules; each such sentence, pasted into a draft, is caught by the rule for it.

Facts carry over into emails, sentences do not: these are the sentences that someone in a hurry would paste.
"""

from __future__ import annotations

import pytest

from tests.unit.lint.drafts import ALBANY, BOTH, CARBONDALE, rules, said_of_text

INFUSION = [
    ("MED003", "Ketamine infusion therapy is also used to treat chronic pain syndromes."),
    ("SRC002", "The first clinical use of ketamine was in the Vietnam War to treat troops with battle wounds."),
    (
        "MED020",
        "Ketamine has been used in psychiatry as a promising treatment option, for depression, anxiety and PTSD.",
    ),
    ("TST001", "There have been many reported cases of successful ketamine infusion therapy treatment for conditions."),
    ("SRC002", "It has shown promising results for individuals who found success with traditional treatments."),
    ("MED020", "Research studies have shown that ketamine infusion therapy can help improve mood."),
    ("MED023", "The treatment typically lasts for about an hour, and patients may require multiple sessions."),
    (
        "MED020",
        "The treatment typically lasts for about an hour, and patients may require more to achieve optimal results.",
    ),
    ("MED015", "It can provide fast relief for individuals who are struggling with severe mental health symptoms."),
    (
        "MED014",
        "Unlike traditional antidepressants, which can take weeks or even months to take effect, ketamine infusion "
        "therapy can provide relief within hours or days.",
    ),
    ("MED015", "Ketamine infusion therapy can provide relief within hours or days."),
    (
        "MED024",
        "The drug blocks the activity of a chemical transporter, which can increase the levels of certain "
        "neurotransmitters associated with mood, such as serotonin and norepinephrine.",
    ),
    ("MED024", "Additionally, ketamine's antidepressant effects are related to its interaction with opioid receptors."),
    (
        "MED016",
        "Ketamine may also help to promote the growth of new brain cells, which can improve brain function and "
        "potentially reverse the effects of certain neurological conditions.",
    ),
    ("MED023", "The infusion takes approximately 40 minutes to complete, and patients are monitored throughout."),
    ("MED015", "Patients often experience relief from symptoms within hours or days after the infusion."),
    ("STA001", "Depression, including major depressive disorder, is a condition that affects millions of people."),
    ("MED020", "Ketamine infusion therapy has been shown to be effective in treating several types of depression."),
    ("TST001", "Often, patients who have tried other depression therapies without success find relief with ketamine."),
    ("MED024", "Ketamine works by targeting the glutamate system in the brain, which is responsible for mood."),
    ("MED016", "It helps to increase a protein (BDNF), which is essential for the growth and survival of neurons."),
    ("MED015", "It can help relieve chronic pain symptoms for several months to years after treatment."),
    ("MED024", "It also helps to reduce inflammation and improve blood flow to the affected area."),
    ("MED020", "Ketamine infusion therapy has been shown to be effective in treating the symptoms of PTSD."),
    ("TST001", "Patients often report an improvement in symptoms such as anxiety, depression, and flashbacks."),
    ("MED024", "Ketamine works by helping to reduce the activity in the amygdala."),
    ("MED015", "Patients often experience a reduction in symptoms shortly after receiving the infusion."),
    ("MED015", "Ketamine infusion therapy is known for its rapid-relief effects."),
    ("MED013", "Low Risk Of Addiction"),
    ("MED013", "Ketamine has been shown to have a low risk of addiction or dependence when used as prescribed."),
    ("MED013", "It is considered safe for individuals without a history of substance abuse or schizophrenia."),
    ("MED014", "This makes ketamine infusion therapy a safer alternative to traditional medications."),
    ("MED013", "Minimal Side Effects"),
    ("MED013", "The most common side effects are mild and may include nausea, dizziness, or increased blood pressure."),
    ("MED013", "Ketamine infusion therapy is a relatively safe and effective therapy option."),
    ("MED011", "It offers a safe and innovative approach to mental health and pain management."),
    ("MED012", "Don’t let your condition hold you back any longer"),
    ("MED012", "Regain control of your life with ketamine infusion therapy at The Albany Clinic."),
    (
        "MED012",
        "If you are interested in learning more, contact The Albany Clinic and request your consultation today.",
    ),
]

SOCIAL_ANXIETY = [
    ("MED020", "However, ketamine therapy offers a promising path forward, showing significant relief from symptoms."),
    ("MED015", "Ketamine therapy offers a path forward, showing fast and significant relief from SAD symptoms."),
    ("MED011", "Read on to explore the science and benefits of this transformative approach."),
    ("STA001", "According to NIMH , 7.1% of the U.S. population experiences social anxiety disorder annually."),
    ("MED011", "We offer ketamine therapy as a groundbreaking approach to address SAD."),
    ("MED014", "Unlike traditional treatments, ketamine interacts with NMDA receptors in the brain."),
    ("MED016", "Enhancing neuroplasticity —the brain’s ability to form new neural connections."),
    ("MED020", "Brain scanning experiments show ketamine alters connectivity in a brain region."),
    ("MED016", "Ketamine could help restore its normal function and reduce SAD symptoms."),
    ("MED024", "Ketamine also lowers the activity of the amygdala , a brain region linked to fear."),
    ("MED015", "One of its most significant advantages is its rapid action , often providing relief within hours."),
    ("MED014", "It works, compared to the weeks or months traditional antidepressants can take."),
    ("MED015", "Additionally, ketamine has shown sustained effects , with a single dose improving symptoms for days."),
    ("MED015", "With a single dose sometimes improving symptoms for days or even weeks."),
    ("MED014", "Whereas common medications, such as antidepressants, are used every day, ketamine is used less."),
    ("MED023", "A typical dosing regime involves twice-weekly sessions for the first four weeks."),
    ("MED013", "This prevents people from developing tolerance to the drug."),
    ("MED013", "They don’t experience withdrawal symptoms once they stop taking medication."),
    ("MED013", "Ketamine has mild side effects that generally wear off once the drug is cleared from the system."),
    ("MED019", "These include: Dizziness, decreased heart rate and blood pressure, drowsiness, nausea"),
    ("MED020", "A clinical trial found ketamine infusions significantly decreased measures of social phobia."),
    ("MED015", "The difference in improvement was significant from two days post-treatment."),
    ("MED015", "Patients had significantly improved symptoms two weeks following ketamine treatment."),
    ("MED020", "It can be highly effective for those who have not found relief with traditional treatments."),
    ("MED022", "You may be a good candidate if: You have been diagnosed with SAD."),
    ("MED014", "You are seeking a treatment with faster results"),
    ("INS003", "Your journey begins with a complimentary consultation to discuss whether therapy is suitable."),
    ("MED023", "Each infusion session lasts about 40 minutes , during which you’ll receive an injection."),
    ("MED015", "It helps you integrate the positive effects into your life, promoting long-term well-being."),
    ("MED011", "The Albany Clinic offers expert-led ketamine therapy designed to meet your needs."),
    ("MED020", "Our team is committed to providing evidence-based treatment plans."),
    ("MED012", "We help you regain control and live a fulfilling life."),
    ("MED012", "Schedule a complimentary consultation with one of our specialists today."),
]

ILLINOIS = [
    ("INS002", "Several advanced, insurance-backed options are available beyond traditional antidepressants."),
    ("MED011", "This article explores innovative treatments for depression."),
    ("STA001", "In 2023, data showed that 18.1% of all adults in the state had a doctor's diagnosis."),
    ("STA001", "Approximately one-third of patients are treatment-resistant."),
    ("MED002", "Spravato is an FDA-approved nasal spray that contains esketamine, a derivative of ketamine."),
    ("MED024", "Like ketamine, esketamine treats depression by interacting with NMDA receptors."),
    ("MED014", "Whereas antidepressants typically take around four weeks, Spravato can have rapid action."),
    (
        "MED015",
        "Spravato reduced depression symptoms compared to a placebo drug within just 24 hours of administration.",
    ),
    ("INS002", "Spravato is covered by most major insurance plans in Illinois, including Medicare and Medicaid."),
    ("INS001", "Due to its FDA approval, Spravato is covered by most major insurance plans, including Medicaid."),
    ("SRC002", "Only patients with a formal diagnosis of TRD or MDSI are eligible for the treatment."),
    ("MED021", "Only patients with major depressive disorder with suicidal ideation are eligible for the treatment."),
    ("INS002", "We’re here to help you understand your costs and maximize your coverage."),
    ("LOC003", "At the Albany Clinic, we’re here to help you understand your costs."),
    ("MED016", "Potentially “re-wiring” nerve circuits associated with unhealthy thinking and behavior."),
    ("MED023", "Each session lasts about 20-40 minutes, during which patients remain awake and alert."),
    ("MED017", "Since TMS therapy is FDA-approved, some major insurance providers in Illinois cover costs."),
    ("INS001", "Some major insurance providers in Illinois cover costs, but the state’s Medicaid does not."),
    ("MED015", "This approach has shown rapid and robust antidepressant effects."),
    ("MED014", "IV ketamine shares the same mechanism as Spravato but tends to have more rapid-acting effects."),
    ("MED023", "A standard course includes multiple infusions, with each session lasting approximately one hour."),
    ("INS001", "However, some insurance companies may reimburse some of the treatment costs."),
    ("INS004", "Full payment is required before each procedure."),
    ("INS002", "We’re dedicated to effective treatments while minimizing out-of-pocket costs."),
    ("MED012", "Contact us today to learn more about your options and take the next step toward relief."),
]


@pytest.mark.parametrize(("rule", "sentence"), [*INFUSION, *SOCIAL_ANXIETY, *ILLINOIS])
def test_a_pasted_sentence_is_caught(rule: str, sentence: str) -> None:
    assert rule in rules(said_of_text(sentence))


@pytest.mark.parametrize(
    ("rule", "sentence", "email"),
    [
        ("LOC001", "At The Albany Clinic in Albany, New York, we provide customized plans.", CARBONDALE),
        ("LOC001", "The Albany Clinic in Albany, NY, offers therapy.", CARBONDALE),
        ("LOC001", "At our Albany Clinic in Carbondale.", ALBANY),
        ("LOC001", "Depression remains a significant public health concern in Illinois.", ALBANY),
        ("LOC002", "TMS therapy is a noninvasive procedure that uses magnetic fields.", ALBANY),
        ("LOC002", "Spravato is a nasal spray that contains esketamine.", BOTH),
        ("MED001", "Ketamine is a type of anesthetic, with its origins dating back to the 1960s.", ALBANY),
    ],
)
def test_a_sentence_is_caught_where_it_is_not_true(rule: str, sentence: str, email: str) -> None:
    assert rule in rules(said_of_text(sentence, email))
