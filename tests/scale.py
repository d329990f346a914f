"""How much of the long proofs is run: some of each in `make test`, all of it by `make faults`, `make soak` and so on."""

from __future__ import annotations

import os

FULL = os.environ.get("REKA_TESTS_FULL") == "1"
