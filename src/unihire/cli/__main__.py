"""`python -m unihire.cli`: the `unihire` command without its script."""

from unihire.cli import main

if __name__ == "__main__":
    main()
