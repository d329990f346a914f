"""Video clips for AI agents: an MCP server in front of the Reka Clip API, with an engine of its own."""

__version__ = "0.1.0"
