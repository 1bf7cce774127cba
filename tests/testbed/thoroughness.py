"""Whether tests that try every combination really do, as in `make chaos`, or a part of them, as in `make test`."""

import os

IS_WHOLE = os.environ.get("FAULTS") == "whole"
