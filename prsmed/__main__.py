"""`python -m prsmed`, which launchers of several processes start."""

from prsmed.cli import main

main()
