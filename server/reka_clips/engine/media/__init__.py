"""From video files to clips: probe, analyse, select, reframe, caption, render. Knows nothing of HTTP."""
