"""The MCP side: tools, results, progress, resources, and the transports that carry them."""
