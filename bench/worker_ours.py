"""`unihire worker` as a child of the bench: ends in good order when the bench does."""

from bench.processes import end_with_parent
from unihire.cli import main

if __name__ == "__main__":
    end_with_parent()
    main()
