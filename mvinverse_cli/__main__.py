"""`python -m mvinverse_cli` is the console script."""

from .cli.main import run

if __name__ == "__main__":
    run()
