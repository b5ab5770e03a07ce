"""``python -m sedsep.cli``: how a launcher of processes calls sedsep."""

from sedsep.cli import main

main()
