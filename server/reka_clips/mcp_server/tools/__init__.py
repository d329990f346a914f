"""The tools, one module each: `tool(runtime)` returns what is registered."""
