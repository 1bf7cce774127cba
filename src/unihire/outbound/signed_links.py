"""Links to a file store that are signed for a while: what differs each time a vendor is asked for one."""

import re
from datetime import UTC, datetime, timedelta

S3_SIGNATURE = re.compile(
    rb"\?(?:[\w-]+=(?:[^\"&\\\s]|\\/)*(?:&|\\u0026))*"
    rb"(?:X-Amz-)?Signature=(?:[^\"&\\\s]|\\/)*"
    rb"(?:(?:&|\\u0026)[\w-]+=(?:[^\"&\\\s]|\\/)*)*(?=\")",
    re.IGNORECASE,
)
"""The query of a link to S3 that is signed, in either of S3's ways: another one each time a link is asked for."""

SIGNED_AT = re.compile(rb"X-Amz-Date=(\d{8}T\d{6}Z)(?![\w%])", re.IGNORECASE)
GOOD_FOR = re.compile(rb"X-Amz-Expires=(\d{1,6})(?![\w%])", re.IGNORECASE)
ENDS_AT = re.compile(rb"(?:[?&]|\\u0026)Expires=(\d{1,11})(?![\w%])")


def find_end(query: bytes) -> datetime | None:
    """Until when a signed link is good: seconds from when it was signed on, or since 1970 in S3's older way."""
    signed_at, good_for, ends_at = SIGNED_AT.search(query), GOOD_FOR.search(query), ENDS_AT.search(query)
    if signed_at is not None and good_for is not None:
        signed = datetime.strptime(signed_at.group(1).decode(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed + timedelta(seconds=int(good_for.group(1)))
    return None if ends_at is None else datetime.fromtimestamp(int(ends_at.group(1)), UTC)
