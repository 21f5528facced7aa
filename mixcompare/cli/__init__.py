"""The command line: parse, call, exit code.

Nothing but click is imported until a command runs, so that help is immediate. Exit codes: 0 done; 1 the
study ran but an expectation did not hold; 2 the input is wrong, one message on standard error; 130
interrupted.
"""

from mixcompare.cli.commands import FORMATS, KINDS
from mixcompare.cli.program import main

__all__ = ["FORMATS", "KINDS", "main"]
