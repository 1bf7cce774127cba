"""How Ashby's lists are walked: by a cursor and a sync token, or as they are; asked for by POST."""

from unihire.outbound.paging import WholeList
from unihire.outbound.paging_by_token import NextToken

SYNC_TOKEN = "syncToken"  # noqa: S105 - the name of a parameter

LIST = NextToken(
    items="results",
    token=("nextCursor",),
    param="cursor",
    page_size={"limit": 100},
    more=("moreDataAvailable",),
    in_body=True,
    sync=(SYNC_TOKEN,),
)
WHOLE = WholeList(items="results", in_body=True)
ONE = WholeList(items="results", in_body=True, may_be_lone=True)
"""The answer of a call for one thing."""
