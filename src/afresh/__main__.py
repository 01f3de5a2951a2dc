"""`python -m afresh`: the command, also where its script is not on the path."""

from afresh.cli.main import main

if __name__ == "__main__":
    main()
