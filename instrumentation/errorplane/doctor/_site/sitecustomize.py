"""Python runs this first in a process that `errorplane doctor` watches; in any other it does nothing."""

from __future__ import annotations

import os

if os.environ.get("_ERRORPLANE_DOCTOR"):
    from errorplane.doctor._watch import begin

    begin(os.environ["_ERRORPLANE_DOCTOR"])
