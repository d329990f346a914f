"""A host of MCP Apps for tests: a web page in Chromium that embeds the gallery as chats do, before the real server."""

from gallery_host.browser import App, Browser, missing
from gallery_host.site import HostSite

__all__ = ["App", "Browser", "HostSite", "missing"]
