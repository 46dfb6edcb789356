"""``python _leash.py PARENT COMMAND...``: become COMMAND, which the kernel kills when the process PARENT dies.

Run as a script without the package, so that it costs milliseconds. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # it died before we could ask
        sys.exit(1)
    os.execv(sys.argv[2], sys.argv[2:])
