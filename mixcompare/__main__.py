"""`python -m mixcompare` is the command `mixcompare`."""

from mixcompare.cli import main

main(prog_name="mixcompare")
