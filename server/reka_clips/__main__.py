"""`python -m reka_clips` is the command `reka-clips-mcp`."""

import sys

from reka_clips.cli import main

if __name__ == "__main__":
    sys.exit(main())
