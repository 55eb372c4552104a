#!/usr/bin/env python3
"""The second implementation of docs/rules.md: standings, and vesting.

    apogee_shadow.py stand < cases          one case a line in, one document a line out
    apogee_shadow.py vested AMOUNT TOTAL_EPOCHS ELAPSED
"""

import sys

from shadow_read import Refused, a_number, a_positive, a_quantity, canonical, parse
from shadow_stand import stand, vested


def stand_line(line):
    """One line of the answer to one line of `stand`, without its end (section 12)."""
    try:
        answer = stand(parse(line))
    except Refused as why:
        answer = {"error": {"path": why.path, "reason": why.reason}}
    return canonical(answer)


def run_stand():
    """The command `stand` (section 12)."""
    for line in sys.stdin.buffer:
        if line.strip():
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                text = ""
            sys.stdout.buffer.write(stand_line(text).encode("utf-8") + b"\n")
            sys.stdout.buffer.flush()
    return 0


def run_vested(arguments):
    """The command `vested` (section 11)."""
    try:
        a_quantity(arguments[0], "AMOUNT")
        for name, text in zip(("TOTAL_EPOCHS", "ELAPSED"), arguments[1:]):
            a_quantity(text, name)
        a_positive(int(arguments[1]), "TOTAL_EPOCHS")
        a_number(int(arguments[2]), "ELAPSED")
    except Refused as why:
        print(why, file=sys.stderr)
        return 2
    print(vested(*(int(text) for text in arguments)))
    return 0


def main(arguments):
    """The command line."""
    if arguments == ["stand"]:
        return run_stand()
    if len(arguments) == 4 and arguments[0] == "vested":
        return run_vested(arguments[1:])
    print(__doc__.strip(), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
