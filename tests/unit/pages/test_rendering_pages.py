"""Colours that can be read on, and policies that let nothing in."""

from hypothesis import given
from hypothesis import strategies as st

from unihire.pages.rendering_pages import load_asset, write_colours, write_policy

MOST_LINES = 300


def measure(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@given(st.integers(0, 0xFFFFFF))
def test_text_on_any_colour_can_be_read(number: int) -> None:
    colour = f"#{number:06x}"
    said = write_colours(colour)
    on = said.partition("--on-accent:")[2][:7]
    assert f"--accent:{colour};" in said
    light, dark = sorted((measure(colour), measure(on)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_nobody_frames_a_page_unless_named() -> None:
    assert write_policy(()).endswith("frame-ancestors 'none'")
    assert write_policy(("https://a.example.com",)).endswith("frame-ancestors https://a.example.com")


def test_stylesheet_stays_short_and_asks_nobody_else() -> None:
    content, kind = load_asset("link.css")
    assert kind == "text/css"
    assert content.count(b"\n") <= MOST_LINES
    assert b"url(" not in content
    assert b"@import" not in content
