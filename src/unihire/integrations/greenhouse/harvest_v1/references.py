"""What inputs of Harvest v1 refer to by other than v3's ids, found at the vendor before anything is written.

Each raises ReferenceMissing where the vendor has no such thing; the message says at which place of the input.
"""

from collections.abc import Mapping, Sequence

from unihire.errors import ReferenceMissing
from unihire.integration.operate import OperationContext
from unihire.integration.vendor_row import list_ids
from unihire.integrations.greenhouse.harvest_v1.inputs import CustomValue, Referrer, UserRef
from unihire.integrations.greenhouse.writes.custom_values import WrittenValues, has_text, write_values


async def find_user_id(context: OperationContext, ref: UserRef | None, place: str) -> int | None:
    """The user's id; by address in one call."""
    if ref is None or ref.id is not None:
        return ref.id if ref is not None else None
    return await _find_by_email(context, ref.email, f"{place}/email") if ref.email else None


async def find_referrer_id(context: OperationContext, referrer: Referrer | None, place: str) -> int | None:
    """The id v3 has for who is credited, who was a user in v1; in one call, two by address, all referrers by name."""
    if referrer is None or referrer.type2 is None:
        return None
    place = f"{place}/value"
    if referrer.type2 == "outside":
        rows = await context.all("referrers")
        name = str(referrer.value)
        found = [row for row in rows if row.find_value("user_id") is None and has_text(row, "name", name)]
    else:
        is_email = referrer.type2 == "email"
        user = await _find_by_email(context, str(referrer.value), place) if is_email else int(str(referrer.value))
        found = await context.find("referrers", "user_id", [user])
    if not found:
        raise ReferenceMissing(f"{place}: the vendor has no such referrer, and Harvest v3 cannot make one")
    return min(row.get_number("id") for row in found)


async def _find_by_email(context: OperationContext, email: str, place: str) -> int:
    rows = await context.all("user_emails", {"email": email})
    if not rows:
        raise ReferenceMissing(f"{place}: no user has this address")
    return rows[0].get_number("user_id")


async def check_there(context: OperationContext, stream: str, places: Mapping[str, int]) -> None:
    """Check that the vendor has the rows of these ids, by their place in the input; one call for fifty."""
    there = set(list_ids(await context.find(stream, "id", places.values())))
    for place, id in places.items():
        if id not in there:
            raise ReferenceMissing(f"{place}: the vendor has no such row in {stream}")


async def write_custom_values(context: OperationContext, values: Sequence[CustomValue], place: str) -> WrittenValues:
    """The values as v3 takes them, in one call."""
    given = [
        (f"{place}/{number}/key", str(one.key), one.value)
        for number, one in enumerate(values)
        if one.key not in (None, "")
    ]
    return await write_values(context, "candidate", given)
