"""`python -m hakit.cli`."""

from hakit.cli import main

main()
