"""What pages say: in every language all of it, with the same names in it, and in the language a reader asked for."""

import re
from importlib import resources

import pytest
from babel.messages.extract import extract_from_dir

from unihire.errors import LinkRefused
from unihire.integration.declare import Integration
from unihire.integration.registry import list_integrations
from unihire.pages import page_words
from unihire.pages.languages import ENGLISH, load_catalogue, load_vendor_catalogue, make_gettext, pick_language
from unihire.platform.linking.link_rules import LANGUAGES
from unihire.platform.linking.what_is_read import list_read

PLACES = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
OTHERS = [language for language in LANGUAGES if language != ENGLISH]


def list_texts() -> set[str]:
    """Every text of the templates and of the modules beside them."""
    found = extract_from_dir(
        str(resources.files("unihire.pages")),
        method_map=[("**.html", "jinja2.ext:babel_extract"), ("**.py", "python")],
        options_map={"**.html": {"trimmed": "true"}},
        keywords={"_": None, "mark": None, "gettext": None},
    )
    return {text for _, _, text, _, _ in found if isinstance(text, str)}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_there_in_every_language_and_no_other(language: str) -> None:
    catalogue, texts = load_catalogue(language), list_texts()
    assert len(texts) > 80
    assert texts == set(catalogue)
    for text in texts:
        assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(catalogue[text])), text


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("integration", list_integrations(), ids=lambda one: one.slug)
def test_every_vendor_says_in_every_language_where_its_credentials_are(integration: Integration, language: str) -> None:
    said = load_vendor_catalogue(language, integration.slug)
    assert {one.help for one in integration.list_credentials()} == set(said)
    assert all(said.values())


def test_vendor_that_says_nothing_in_a_language_says_it_in_english() -> None:
    assert load_vendor_catalogue("de", "nowhere") == load_catalogue("de", "unihire.kit") == {}


def test_every_reason_of_a_refusal_has_words() -> None:
    source = "".join(
        (resources.files("unihire.platform.linking") / name).read_text(encoding="utf-8")
        for name in ("link_flow.py", "trial_calls.py")
    )
    reasons = set(re.findall(r'LinkRefused\("(\w+)"', source))
    assert reasons
    assert reasons <= set(page_words.REFUSALS)
    assert LinkRefused("field_wrong", field="a", detail="b").field == "a"


def test_refusal_that_has_no_words_is_unexpected() -> None:
    said = page_words.say_refusal(make_gettext("en"), "strange", system="S", name="N")
    assert said == page_words.REFUSALS["unexpected"].format(system="S", name="N")


def test_every_model_that_is_read_has_a_name_for_people() -> None:
    for one in list_integrations():
        assert {model.name for model in list_read(one.slug)} <= set(page_words.MODEL_NAMES)


@pytest.mark.parametrize(
    ("asked", "accepted", "otherwise", "picked"),
    [
        ("de", "en", "en", "de"),
        ("fr", "de-CH,en;q=0.5", None, "de"),
        (None, "fr, en;q=0.3, de;q=0.9", None, "de"),
        (None, "en;q=0, de;q=0.1", None, "de"),
        (None, "fr", "de", "de"),
        (None, "en;q=odd", "de", "de"),
        (None, None, None, "en"),
        (None, "," * 10_000, None, "en"),
    ],
)
def test_reader_gets_the_language_that_was_asked_for(
    asked: str | None, accepted: str | None, otherwise: str | None, picked: str
) -> None:
    assert pick_language(asked, accepted, otherwise) == picked
