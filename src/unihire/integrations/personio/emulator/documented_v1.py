"""What the vendor's documents state about v1's recruiting paths: codes, words, limits. Sources as in `documented`.

Official unless it says that it is a guess: the published description of the v1 recruiting API.
"""

MOST_FILE_BYTES = 20 * 2**20
"""20 MB; that MB are meant as 2**20 bytes is a guess, the more lenient one."""
MOST_BODY_BYTES = 2**20
"""Of the JSON body. No limit is documented: a guess."""

UNKNOWN_ATTRIBUTE = "errors.attribute-validation.unknown"
REQUIRED = "errors.attribute-validation.required-attribute"
BAD_DATE = "errors.attribute-validation.invalid-date-format"
BAD_EMAIL = "errors.attribute-validation.invalid-email-format"
UNKNOWN_OPTION = "errors.attribute-validation.unknown-attribute-option"
FUTURE_DATE = "errors.date-validation.date-in-the-future"
BAD_SYSTEM_PHASE = "errors.phase-validation.invalid-system-phase"
NO_FILE = "errors.file-validation.file-not-exists"
UNKNOWN_FILE_CATEGORY = "errors.file-validation.unknown-file-category"
BAD_FILE_TYPE = "errors.invalid-file-type"
FILE_TOO_BIG = "errors.file-too-big"
ALREADY_APPLIED = "errors.applicant-already-exists"
NO_POSTING = "errors.posting-validation.posting-not-found"
NO_CHANNEL = "errors.posting-validation.channel-not-found"
NOT_PUBLISHED = "errors.job-position.not-published"
API_DISABLED = "feature.public-api.disabled"

FILE_CATEGORIES = ("cv", "cover-letter", "employment-reference", "certificate", "work-sample", "other")

# The five system phases, and the word that `documented.SYSTEM_STAGES` has for each.
SYSTEM_PHASES = {
    "unassigned": "new",
    "rejected": "rejected",
    "withdrawn": "withdrawn",
    "offer": "offer",
    "accepted": "hired",
}

GENDER_OPTIONS = ("male", "female", "diverse", "undefined")

# Attributes and what their values are: text, a date, or one of these options. The six system attributes are
# documented; that `available_from` and `salary_expectations` are any text is a guess; the custom ones are made up.
ATTRIBUTES: dict[str, str | tuple[str, ...]] = {
    "birthday": "date",
    "gender": GENDER_OPTIONS,
    "location": "text",
    "phone": "text",
    "available_from": "text",
    "salary_expectations": "text",
    "custom_attribute_1": "text",
    "custom_attribute_2": "date",
    "custom_attribute_3": ("Yes", "No"),
}

# Extensions that may be uploaded, and the type that is "detected": by the extension alone, which is a guess.
MIMETYPES = {
    "pdf": "application/pdf",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "7z": "application/x-7z-compressed",
    "gz": "application/gzip",
    "rar": "application/vnd.rar",
    "zip": "application/zip",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "png": "image/png",
    "tif": "image/tiff",
    "csv": "text/csv",
    "txt": "text/plain",
    "rtf": "application/rtf",
    "mp4": "video/mp4",
    "3gp": "video/3gpp",
    "mov": "video/quicktime",
    "avi": "video/x-msvideo",
    "wmv": "video/x-ms-wmv",
}
