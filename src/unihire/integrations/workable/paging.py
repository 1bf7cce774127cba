"""How Workable's lists are walked: by the address of the next page, or as they are."""

from unihire.outbound.paging import NextLink, WholeList

PAGE_SIZE = {"limit": "100"}
"""The most; a filtered list leads to another route with 50, which is followed as it is."""


def paged(items: str) -> NextLink:
    """A list in pages: the last one has no `paging`."""
    return NextLink(items=items, link=("paging", "next"), page_size=PAGE_SIZE)


BARE = WholeList(items=None)
ONE = WholeList(items=None, may_be_lone=True)
"""The answer of a call for one thing."""
