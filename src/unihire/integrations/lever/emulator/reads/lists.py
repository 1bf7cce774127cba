"""The other lists: which rows each gives, under which filters, and in which order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from unihire.integration.emulate import Row, misprint
from unihire.integrations.lever.emulator.api.answers import Answer, refuse_input
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint
from unihire.integrations.lever.emulator.api.queries import CONFIDENTIALITY
from unihire.integrations.lever.emulator.reads.pages import BEYOND, Placed, answer_page, read_rank
from unihire.integrations.lever.emulator.rows.values import (
    find_millis,
    list_texts,
    read_object,
    read_text,
)

WEEK = 7 * 86_400_000
MONTH = 30 * 86_400_000
STATES = ("published", "internal", "closed", "draft", "pending", "rejected")
Accepts = Callable[[Row], bool]
MakeFilter = Callable[[Call], Accepts]


def _accept_all(_call: Call) -> Accepts:
    return lambda _row: True


@dataclass(frozen=True)
class RowList:
    """A list of a stream's rows."""

    path: str
    stream: str
    resource: str
    make_filter: MakeFilter = _accept_all
    is_rising: bool = False
    """The oldest first, for short lists whose order means something; otherwise the newest first."""
    is_paged: bool = True

    def make_endpoint(self) -> Endpoint:
        return Endpoint("GET", self.path, f"{self.resource}:read:admin", self.answer, stream=self.stream)

    def answer(self, call: Call) -> Answer:
        accepts = self.make_filter(call)
        if self.path.startswith("/opportunities/"):
            call.get_opportunity()

        def show(row: Row) -> Row:
            return call.site.show.row(self.stream, row, call.view)

        if not self.is_paged:
            rows = [show(placed.row) for placed in self._walk(call, None) if accepts(placed.row)]
            misprint(rows, call.site.faults, call.request.path)
            return Answer(rows)

        def walk(offset: list[Any] | None) -> Iterator[Placed]:
            return (placed for placed in self._walk(call, read_rank(offset)) if accepts(placed.row))

        return answer_page(call, walk, show, BEYOND if self.is_rising else 0)

    def _walk(self, call: Call, rank: int | None) -> Iterator[Placed]:
        rows = call.rows
        if self.path.startswith("/opportunities/"):
            found = rows.walk_owned(self.stream, call.ids[0], upto=rank)
        elif self.is_rising:
            pairs = list(rows.walk(self.stream))[::-1]
            found = (pair for pair in pairs if rank is None or pair[0] >= rank)
        else:
            found = rows.walk(self.stream, upto=rank)
        for number, row in found:
            yield Placed(number, find_millis(row.get("createdAt")) or 0, row)


# Filters


def _make_window(
    call: Call, prefix: str, find: Callable[[Row], object], default: tuple[int, int] | None = None
) -> Accepts:
    """Both ends are within; a row without the moment is in no window."""
    least, most = call.query.find_millis(f"{prefix}_start"), call.query.find_millis(f"{prefix}_end")
    if least is None and most is None:
        if default is None:
            return lambda _row: True
        least, most = default

    def check(row: Row) -> bool:
        at = find_millis(find(row))
        return at is not None and (least is None or at >= least) and (most is None or at <= most)

    return check


def _make_confidential(call: Call) -> Accepts:
    wanted = call.query.find_word("confidentiality", CONFIDENTIALITY) or CONFIDENTIALITY[1]
    sees = call.caller.sees_confidential
    return lambda row: (
        (sees or row.get("confidentiality") != "confidential")
        and (wanted == "all" or row.get("confidentiality") == wanted)
    )


def _all_of(*checks: Accepts) -> Accepts:
    return lambda row: all(check(row) for check in checks)


_BESIDE_UPDATED = {"updated_at_start", "updated_at_end", "confidentiality", "limit", "offset", "expand", "include"}


def filter_postings(call: Call) -> Accepts:
    """A filter by update goes with that by confidentiality alone. What is only on the internal site is asked for."""
    query = call.query
    by_update = "updated_at_start" in query or "updated_at_end" in query
    if by_update and (others := sorted(query.names() - _BESIDE_UPDATED)):
        raise refuse_input("updated_at cannot be combined with this filter", others[0])
    checks = [_make_confidential(call), _make_window(call, "updated_at", lambda row: row.get("updatedAt"))]
    if (state := query.find_word("state", STATES)) is not None:
        checks.append(lambda row: row.get("state") == state)
    channels = frozenset(query.values("distributionChannel")) or {"public"}
    if not by_update:
        checks.append(
            lambda row: (
                row.get("state") != "published" or not channels.isdisjoint(list_texts(row, "distributionChannels"))
            )
        )
    for name in ("team", "department", "location", "commitment", "level"):
        if name in query:
            checks.append(_make_category(name, frozenset(query.values(name))))
    if "tag" in query:
        tags = frozenset(query.values("tag"))
        checks.append(lambda row: not tags.isdisjoint(list_texts(row, "tags")))
    return _all_of(*checks)


def _make_category(name: str, wanted: frozenset[str]) -> Accepts:
    def check(row: Row) -> bool:
        categories = read_object(row, "categories")
        own = [read_text(categories, name), *(list_texts(categories, "allLocations") if name == "location" else ())]
        return not wanted.isdisjoint(one for one in own if one is not None)

    return check


def filter_requisitions(call: Call) -> Accepts:
    checks = [_make_confidential(call), _make_window(call, "created_at", lambda row: row.get("createdAt"))]
    for name, member in (("requisition_code", "requisitionCode"), ("status", "status")):
        wanted = call.query.find(name)
        if wanted is not None:
            checks.append(_make_equal(member, wanted))
    return _all_of(*checks)


def _make_equal(member: str, wanted: str) -> Accepts:
    return lambda row: row.get(member) == wanted


def filter_users(call: Call) -> Accepts:
    """Those who were deactivated are asked for."""
    query = call.query
    emails = {one.strip().lower() for one in query.values("email")}
    roles, directory = query.values("accessRole"), query.find("external_directory_id")
    all_of_them = query.find_bool("includeDeactivated") is True
    return lambda row: (
        (all_of_them or row.get("deactivatedAt") is None)
        and (not emails or (read_text(row, "email") or "").lower() in emails)
        and (not roles or row.get("accessRole") in roles)
        and (directory is None or row.get("externalDirectoryId") == directory)
    )


def filter_reasons(call: Call) -> Accepts:
    type_ = call.query.find_word("type", ("hired", "non-hired"))
    return lambda row: type_ is None or row.get("type") == type_


def filter_requisition_fields(call: Call) -> Accepts:
    is_required, type_ = call.query.find_bool("isRequired"), call.query.find("type")
    return lambda row: (
        (is_required is None or row.get("isRequired") is is_required) and (type_ is None or row.get("type") == type_)
    )


def filter_files(call: Call) -> Accepts:
    return _make_window(call, "uploaded_at", lambda row: row.get("uploadedAt"))


def filter_resumes(call: Call) -> Accepts:
    """One without a file was uploaded when it was made."""
    return _make_window(
        call, "uploaded_at", lambda row: read_object(row, "file").get("uploadedAt", row.get("createdAt"))
    )


def filter_file_actions(call: Call) -> Accepts:
    return _make_window(call, "occurred_at", lambda row: row.get("occurredAt"))


# Answers for statistics


def list_eeo(call: Call, *, has_names: bool) -> Answer:
    """Of the last week, unless times are given."""
    names = ("created_at_start", "created_at_end") if has_names else ("fromDate", "toDate")
    least, most = call.query.find_millis(names[0]), call.query.find_millis(names[1])
    now = call.rows.now()
    if least is None and most is None:
        least, most = now - WEEK, now
    show = call.site.show

    def walk(offset: list[Any] | None) -> Iterator[Placed]:
        since = None if least is None else max(least // 1000 - 1, 0)
        until = None if most is None else max(most // 1000 + 1, 0)
        for number, row in call.rows.walk("eeo_responses", upto=read_rank(offset), since=since, until=until):
            at = find_millis(row.get("eeoSurveyRespondedAt"))
            is_within = at is not None and (least is None or at >= least) and (most is None or at <= most)
            if is_within and not call.rows.is_orphan("eeo_responses", row) and _may_see(call, row):
                yield Placed(number, at or 0, row)

    def make(row: Row) -> Row:
        return show.row("eeo_responses", row, call.view) if has_names else show.eeo_without_names(row)

    answer = answer_page(call, walk, make, 0)
    if not has_names and call.site.options["eeo_form"] == "wrapped":
        return answer._replace(data={"eeoResponses": answer.data})
    return answer


def _may_see(call: Call, row: Row) -> bool:
    opportunity = call.rows.find("opportunities", row.get("opportunityId")) or {}
    return call.caller.sees_confidential or opportunity.get("confidentiality") != "confidential"


# Deletions


def list_deleted(call: Call, stream: str) -> Answer:
    """What was deleted from the start on and before the end, at most thirty days later."""
    least, most = call.query.find_millis("deleted_at_start"), call.query.find_millis("deleted_at_end")
    if least is None and most is None and stream != "applications":
        most = call.rows.now() + 1
        least = most - MONTH
    if least is None:
        raise refuse_input("Missing required parameter", "deleted_at_start")
    if most is None:
        raise refuse_input("Missing required parameter", "deleted_at_end")
    if not 0 <= most - least <= MONTH:
        raise refuse_input("The window must be 30 days at most", "deleted_at_end")

    def walk(offset: list[Any] | None) -> Iterator[Placed]:
        rank = read_rank(offset)
        for place, deletion in enumerate(call.rows.deletions[stream], 1):
            is_hidden = deletion.row.get("confidentiality") == "confidential" and not call.caller.sees_confidential
            if least <= deletion.deleted_at < most and (rank is None or place >= rank) and not is_hidden:
                yield Placed(place, deletion.deleted_at, _show_deletion(call, stream, place - 1))

    return answer_page(call, walk, lambda row: row)


def _show_deletion(call: Call, stream: str, place: int) -> Row:
    row, deleted_at, actor = call.rows.deletions[stream][place]
    times: Row = {"deletedAt": deleted_at}
    if stream == "postings":
        return {"id": row["id"], **times}
    if stream == "applications":
        ids = {"opportunityId": row.get("opportunityId"), "postingId": row.get("posting")}
        return {"id": row["id"], **times, **ids}
    return call.site.show.row("opportunities", row, call.view) | times | {"deletedBy": actor or row.get("owner")}


_OF = "/opportunities/{}/"
LISTS = (
    RowList("/archive_reasons", "archive_reasons", "archive_reasons", filter_reasons, is_rising=True),
    RowList("/stages", "stages", "stages", is_rising=True),
    RowList("/tags", "tags", "tags", is_rising=True),
    RowList("/sources", "sources", "sources", is_rising=True),
    RowList("/users", "users", "users", filter_users),
    RowList("/postings", "postings", "postings", filter_postings),
    RowList("/requisitions", "requisitions", "requisitions", filter_requisitions),
    RowList(
        "/requisition_fields",
        "requisition_fields",
        "requisition_fields",
        filter_requisition_fields,
        is_rising=True,
        is_paged=False,
    ),
    RowList("/feedback_templates", "feedback_templates", "feedback_templates", is_rising=True),
    RowList("/form_templates", "form_templates", "form_templates", is_rising=True),
    RowList("/webhooks", "webhooks", "webhooks", is_rising=True, is_paged=False),
    RowList(_OF + "applications", "applications", "applications"),
    RowList(_OF + "notes", "notes", "notes"),
    RowList(_OF + "feedback", "feedback", "feedback"),
    RowList(_OF + "interviews", "interviews", "interviews"),
    RowList(_OF + "panels", "panels", "panels"),
    RowList(_OF + "offers", "offers", "offers"),
    RowList(_OF + "referrals", "referrals", "referrals"),
    RowList(_OF + "forms", "forms", "forms"),
    RowList(_OF + "files", "files", "files", filter_files),
    RowList(_OF + "file_actions", "file_actions", "files", filter_file_actions),
    RowList(_OF + "resumes", "resumes", "resumes", filter_resumes),
)


def make_lists() -> list[Endpoint]:
    deleted = (("opportunities", "opportunities"), ("postings", "postings"), ("applications", "applications"))
    return [
        *(spec.make_endpoint() for spec in LISTS),
        *(
            Endpoint(
                "GET",
                f"/{stream}/deleted",
                f"{resource}:read:admin",
                lambda call, stream=stream: list_deleted(call, stream),  # type: ignore[misc]
            )
            for stream, resource in deleted
        ),
        Endpoint("GET", "/eeo/responses", "eeo_responses:read:admin", lambda call: list_eeo(call, has_names=False)),
        Endpoint(
            "GET",
            "/eeo/responses/pii",
            "eeo_responses_pii:read:admin",
            lambda call: list_eeo(call, has_names=True),
            stream="eeo_responses",
        ),
    ]
