"""A page written as Markdown and as HTML: nothing in it can break out of its place."""

import re

import pytest

from unihire.dialects.common.markup import (
    Block,
    Code,
    Heading,
    Link,
    Paragraph,
    Table,
    join_codes,
    to_html,
    to_markdown,
    to_plain,
)

NASTY = '<script>alert("1")</script> & a|b *c* _d_ `e` [f](g) \\'
BLOCKS: list[Block] = [
    Heading(2, NASTY),
    Paragraph((NASTY, Code("<b>"), Link(NASTY, 'https://example.com/?a=1&b="2"'))),
    Table((NASTY, "b"), (((Code("x|y"),), (NASTY,)),)),
]


def test_html_shows_every_text_as_it_is_and_runs_none() -> None:
    page = to_html("A <title>", BLOCKS)
    assert "<script" not in page
    assert "<b>" not in page
    assert page.count(NASTY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")) == 5
    assert 'href="https://example.com/?a=1&amp;b=&quot;2&quot;"' in page
    assert "<title>A &lt;title&gt;</title>" in page


def test_markdown_keeps_text_out_of_its_own_signs() -> None:
    heading, paragraph, head, rule, row = (line for line in to_markdown(BLOCKS).splitlines() if line)
    escaped = NASTY.replace("\\", "\\\\")
    for sign in "`*_[]<|":
        escaped = escaped.replace(sign, f"\\{sign}")
    assert heading == f"## {escaped}"
    assert paragraph.startswith(f"{escaped}`<b>`[")
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in (head, rule, row)] == [3, 3, 3]
    assert row == f"| `x\\|y` | {escaped} |"


def test_plain_text_is_the_pieces_one_after_another() -> None:
    assert to_plain(("See ", Code("a"), " at ", Link("b", "#c"))) == "See a at b"
    assert to_plain(join_codes(["a", "b"])) == "a, b"
    assert join_codes([]) == ()


@pytest.mark.parametrize(
    ("text", "anchor"),
    [("Acme Hire: job", "acme-hire-job"), ("Not given", "not-given"), ("E-Recruiter 2", "e-recruiter-2")],
)
def test_anchor_of_a_heading_is_the_one_hosts_of_markdown_give_it(text: str, anchor: str) -> None:
    assert Heading(3, text).anchor == anchor


def test_html_lets_a_long_code_break_after_its_parts() -> None:
    page = to_html("page", [Paragraph((Code("harvest:candidates:create"), Code("job_interview_stage"), Code("_x")))])
    assert "<code>harvest:<wbr>candidates:<wbr>create</code>" in page
    assert "<code>job_<wbr>interview_<wbr>stage</code><code>_<wbr>x</code>" in page
