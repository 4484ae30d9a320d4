# Starts trytond and ends it as soon as standard input ends: whoever started it
# holds the other end, so the server cannot outlive a test that was killed.
import os
import sys
import threading


def watch():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=watch, daemon=True).start()

from trytond.cli import main  # noqa: E402

main()
