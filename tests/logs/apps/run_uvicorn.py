"""uvicorn as the guide has it, on the listening socket whose number is given."""

from __future__ import annotations

import sys

import uvicorn

from errorplane.logs import dict_config

if __name__ == "__main__":
    uvicorn.run("asgi:app", fd=int(sys.argv[1]), log_config=dict_config("shop"), lifespan="off")
