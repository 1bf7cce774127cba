import asyncpg
import pytest

from unihire import errors
from unihire.cli.console.ending import code_of, describe_error, show_error
from unihire.cli.console.exits import EXIT_CODES


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UnihireError("x"), 1),
        (errors.ConfigError("x"), 3),
        (errors.ReauthorizeNeeded("x"), 4),
        (errors.RetryLater("x"), 5),
        (errors.VendorRefused("x", status=400), 1),
        (asyncpg.PostgresError("x"), 3),
        (ConnectionRefusedError("x"), 3),
    ],
)
def test_each_expected_error_is_a_line_and_a_documented_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_error(error) == code == code_of(error)
    assert code in EXIT_CODES
    shown = capsys.readouterr()
    assert shown.err.startswith("error: ")
    assert shown.out == ""


def test_a_database_error_keeps_row_contents_to_itself() -> None:
    error = asyncpg.UniqueViolationError("duplicate key\nDETAIL: Key (email)=(a@example.com) already exists.")
    assert "example.com" not in describe_error(error)
