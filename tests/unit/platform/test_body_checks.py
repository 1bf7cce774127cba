"""Bodies of writes, checked against declarations before anything is asked of anybody."""

import pytest

from unihire.errors import Invalid
from unihire.integration.registry import list_integrations, list_writes
from unihire.integration.write import Write
from unihire.platform.writing.body_checks import check_body
from unihire.platform.writing.body_schema import describe_body

EMPTIED = [
    (f"{one.slug}/{write.name}/{name}", write, name)
    for one in list_integrations()
    for write in list_writes(one.slug).values()
    for name in write.cannot_empty
]


@pytest.mark.parametrize(("write", "name"), [case[1:] for case in EMPTIED], ids=[case[0] for case in EMPTIED])
def test_member_that_the_vendor_cannot_empty_is_refused_by_its_name(write: Write, name: str) -> None:
    is_list = describe_body(write)["properties"][name].get("type") == "array"
    for empty in (None, []) if is_list else (None,):
        with pytest.raises(Invalid) as refused:
            check_body(write, "The vendor", {name: empty})
        (problem,) = refused.value.problems
        assert (problem["loc"], problem["msg"]) == (["body", name], "The vendor has no way to empty this")
