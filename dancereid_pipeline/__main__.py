"""`python -m dancereid_pipeline` is the command `dancereid`."""

from .cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
