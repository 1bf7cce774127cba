"""What is said of a write wherever it is described: its id, its outcome, its steps."""

from unihire.dialects.common.describing import ID, Json
from unihire.platform.writing import outcomes

ENDED = (
    outcomes.DONE, outcomes.PARTLY_DONE, outcomes.REFUSED, outcomes.PERHAPS_MADE, outcomes.NOT_MADE,
)  # fmt: skip
OPEN = (outcomes.WAITING, outcomes.RUNNING)

WRITE_ID: Json = {**ID, "description": "The write's id, by which the log of writes has it."}

OUTCOME: Json = {
    "type": "string",
    "enum": list(ENDED),
    "description": "`done`; `partly_done`: a part is missing, and `steps` says which; `refused` or `not_made`: nothing "
    "is at the vendor; `perhaps_made`: it is not known before somebody looks.",
}

STEP: Json = {
    "type": "object",
    "required": ["step", "outcome", "id", "error"],
    "properties": {
        "step": {"type": "string", "description": "What was to be made."},
        "outcome": {"type": "string", "enum": list(ENDED)},
        "id": {"type": ["string", "null"], "description": "The vendor's id of what was made."},
        "error": {"type": ["string", "null"], "description": "Why it was not, in words."},
    },
}

STEPS: Json = {"type": "array", "items": STEP, "description": "The calls that the write is made of."}

VENDOR_RESPONSE: Json = {"type": "object", "description": "The rows the vendor answered with, by step."}

DRY_RUN: Json = {
    "type": "object",
    "description": "What a write would send.",
    "required": ["dry_run", "calls", "steps"],
    "properties": {
        "dry_run": {"const": True},
        "calls": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["step", "method", "path", "body"],
                "properties": {
                    "step": {"type": "string"},
                    "method": {"type": "string"},
                    "path": {"type": "string", "description": "At the vendor."},
                    "body": {"description": "Without the content of files."},
                },
            },
        },
        "steps": {**STEPS, "description": "Those that would be refused without the rest of the write."},
    },
}
