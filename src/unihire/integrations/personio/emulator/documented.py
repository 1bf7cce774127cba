"""What the vendor's documents state literally: error texts, example rows, example cursors, words.

Sources: the OpenAPI document of "List all jobs", and the notes beside it in docs/sandbox.md. A fact marked
"guess" has no source; it is here, not in the code, so that it can be changed in one place.
"""

from typing import Any, NamedTuple

ERROR_CODES_PAGE = "https://developer.personio.de/v2.0/page/public-api-error-codes#"
ERRORS_REFERENCE = "https://developer.personio.de/reference/errors#"


class Problem(NamedTuple):
    """An entry of `errors` in a problem+json body, and the status it comes with."""

    status: int
    title: str
    detail: str
    type: str


# The status, title, detail and type of the first five are documented; the texts of the others are guesses.
BAD_PARAMETERS = Problem(
    400, "Bad request", "Provided request parameters are invalid.", ERROR_CODES_PAGE + "common.bad_request"
)
BAD_FILTER = Problem(
    400, "Bad request", "Provided filter encoding is invalid.", ERROR_CODES_PAGE + "common.bad_request"
)
NO_RESOURCE = Problem(
    404,
    "Resource not found",
    "There is no resource for the specified id.",
    ERRORS_REFERENCE + "common.resource_not_found",
)
NO_ENDPOINT = Problem(404, "Not Found", "The endpoint with {path} was not found.", ERROR_CODES_PAGE + "apinot_found")
SERVER_ERROR = Problem(
    500,
    "Internal Server Error",
    "There was a problem while processing this request. Please try again later.",
    ERRORS_REFERENCE + "common.internal_server_error",
)
UNAUTHORIZED = Problem(401, "Unauthorized", "Unauthorized Request", ERRORS_REFERENCE + "common.unauthorized")
FORBIDDEN = Problem(
    403,
    "Forbidden",
    "The access token does not carry the scope this endpoint requires.",
    ERRORS_REFERENCE + "common.forbidden",
)
WRONG_METHOD = Problem(
    405,
    "Method Not Allowed",
    "This endpoint does not support the request method.",
    ERRORS_REFERENCE + "common.method_not_allowed",
)


class TokenProblem(NamedTuple):
    """An OAuth error: `error`, its description, and the part of the link after `credentials.oauth2.`."""

    error: str
    description: str
    link: str


MISSING_PARAMETERS = TokenProblem(
    "invalid_request",
    "The request has missing or invalid required parameters.",
    "invalid_request.required_parameters_missing",
)
WRONG_CONTENT_TYPE = TokenProblem(
    "invalid_request",
    'The content type of the request must be "application/x-www-form-urlencoded".',
    "invalid_request.invalid_request_content_type",
)
UNKNOWN_CLIENT = TokenProblem(
    "invalid_client",
    "Client authentication failed (e.g., unknown client, wrong secret, no client authentication included, or"
    " unsupported authentication method).",
    "invalid_client",
)
BAD_GRANT = TokenProblem(
    "invalid_grant",
    "Error in the authorization flow. Examples: client doesn't have access to all attributes in the requested scope,"
    " refresh token has been revoked, authorization code has already been consumed...",
    "invalid_grant",
)
WRONG_SECRET = TokenProblem(
    "unauthorized_client", "Client is not allowed to use the specified grant type flow.", "unauthorized_client"
)
UNSUPPORTED_GRANT = TokenProblem(
    "unsupported_grant_type",
    "The requested authorization grant type is not supported by the server.",
    "unsupported_grant_type",
)
BAD_SCOPE = TokenProblem("invalid_scope", "One of the requested scopes is invalid.", "invalid_scope")

# Grants that OAuth 2.0 knows and this server does not offer; any other word is an invalid grant.
OTHER_GRANTS = ("authorization_code", "implicit", "password", "refresh_token")
OTHER_GRANT_PREFIX = "urn:ietf:params:oauth:grant-type:"

RECRUITING_SCOPE = "personio:recruiting:read"
PERSONS_SCOPE = "personio:persons:read"
# The right to read documents is documented, its name here is a guess after the other two [guess].
DOCUMENTS_SCOPE = "personio:documents:read"
SCOPES = (RECRUITING_SCOPE, PERSONS_SCOPE, DOCUMENTS_SCOPE)

COMPANY_ID = "10567"

# Every cursor that the documents print. A tester that follows the documents sends them, and expects 200.
DOCUMENTED_CURSORS = frozenset(
    {
        "cur_82sQwR2eZvKilo2duNh219Kw",
        "cur_15sdwf2eIvLilN2dKFh211Js",
        "cur_234ls0f02lalfdd",
        "cur_234ls0f02lalfddQrefvA2fe",
    }
)
# 2023-12-11T14:50:17Z, the time of every example row: where a documented cursor begins.
DOCUMENTED_AT = 1702306217


def _stage(type_: str, kind: str = "SYSTEM", id_: str | None = None, name: str | None = None) -> dict[str, Any]:
    return {"id": id_, "kind": kind, "name": name, "type": type_}


# Words for stages. v1 documents the five system phases in lower case; the v2 spelling and the nulls are guesses.
SYSTEM_STAGES: dict[str, dict[str, Any]] = {
    "new": _stage("UNASSIGNED"),
    "rejected": _stage("REJECTED"),
    "withdrawn": _stage("WITHDRAWN"),
    "offer": _stage("OFFER"),
    "hired": _stage("ACCEPTED"),
}
CUSTOM_STAGE_WORDS = {"kind": "CUSTOM", "type": "CUSTOM"}

# The persons document lists these words; that candidates use the same ones is a guess.
GENDERS = {"female": "FEMALE", "male": "MALE", "diverse": "DIVERSE"}

FIRST_CATEGORY_ID = 13415
FIRST_DEPARTMENT_ID = 321
DOCUMENTED_CATEGORY = {"id": "13415", "name": "Technology"}
DOCUMENTED_DEPARTMENT = {"id": "321", "name": "IT"}
DOCUMENTED_TEAM = [{"person": {"id": "98765"}, "role": {"name": "HR manager"}}]

# Number → whether the documented row names a hiring team.
DOCUMENTED_JOBS = {209321: True, 495039: False, 2309850: False, 3459829: False}
DOCUMENTED_CANDIDATE = 495039
DOCUMENTED_APPLICATION = 495039
DOCUMENTED_PERSONS = {
    98765: ("Robin", "Beispiel", "robin.beispiel@staff.example.com"),
    3003: ("Kim", "Muster", "kim.muster@staff.example.com"),
}
