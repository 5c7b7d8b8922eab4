"""`python -m worker.cli` is `nurture`."""

from worker.cli import main

main()
