// A small host of MCP Apps in a web page: the Apps protocol by its official host side (AppBridge), MCP by the official
// client, which speaks with the real server. Tests order it about through `window.host`.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  AppBridge,
  PostMessageTransport,
  RESOURCE_MIME_TYPE,
  buildAllowAttribute,
  getToolUiResourceUri,
} from "@modelcontextprotocol/ext-apps/app-bridge";

const EVERYTHING = { openLinks: {}, serverTools: {}, serverResources: {}, logging: {}, updateModelContext: { text: {} } };
const INFO = { name: "gallery tests", version: "1.0.0" };

/** MCP with a server over stdio: lines that the site passes on. */
class StdioRelay {
  #source;

  async start() {
    this.#source = new EventSource("/stdio");
    this.#source.onmessage = ({ data }) => this.onmessage?.(JSON.parse(data));
    await new Promise((resolve) => (this.#source.onopen = resolve));
  }

  async send(message) {
    await fetch("/stdio", { method: "POST", body: JSON.stringify(message) });
  }

  async close() {
    this.#source.close();
    this.onclose?.();
  }
}

const emptyLog = () => ({ calls: [], reads: [], links: [], contexts: [], modes: [], errors: [] });

class TestHost {
  tools = [];
  log = emptyLog();
  grants = null; // permissions for the page, instead of those that it asks for
  ended = false; // whether the call that was begun has its result
  #broken = null;
  #client;
  #bridge;

  /** Connect to a server: `url` of its /mcp, or null for the one over stdio. */
  async connect({ url = null, apps = true } = {}) {
    const extensions = apps ? { "io.modelcontextprotocol/ui": { mimeTypes: [RESOURCE_MIME_TYPE] } } : {};
    this.#client = new Client(INFO, { capabilities: { extensions } });
    await this.#client.connect(url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioRelay());
    this.tools = (await this.#client.listTools()).tools;
    return this.tools;
  }

  /** Show the page that belongs to a tool, as it stands before the tool's input. */
  async open({ tool, sandboxUrl, capabilities = EVERYTHING, context = {}, media = true, sandbox, said = "" }) {
    document.getElementById("said").textContent = said;
    const uri = getToolUiResourceUri(this.tools.find(({ name }) => name === tool));
    const [content] = (await this.#client.readResource({ uri })).contents;
    const { csp } = content._meta.ui;
    const permissions = this.grants ?? content._meta.ui.permissions;
    const frame = document.createElement("iframe");
    frame.id = "app";
    frame.title = "App";
    frame.allow = buildAllowAttribute(permissions);
    document.body.append(frame);
    const bridge = (this.#bridge = new AppBridge(null, INFO, capabilities, { hostContext: context }));
    this.#listen(bridge, frame, capabilities);
    const ready = new Promise((resolve) => (bridge.onsandboxready = resolve));
    const initialized = new Promise((resolve) => (bridge.oninitialized = resolve));
    await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
    const allowed = media ? csp : { ...csp, resourceDomains: [] };
    frame.src = `${sandboxUrl}?csp=${encodeURIComponent(JSON.stringify(allowed))}`;
    await ready;
    await bridge.sendSandboxResourceReady({ html: content.text, csp: allowed, permissions, sandbox: sandbox ?? "allow-scripts allow-same-origin" });
    await initialized;
    return { mimeType: content.mimeType, meta: content._meta };
  }

  /** Be as if no app had been shown yet. */
  async reset() {
    document.getElementById("app")?.remove();
    await this.#bridge?.close();
    Object.assign(this, { log: emptyLog(), ended: false });
    this.break(null);
  }

  /** Call a tool as a chat does: its input to the page, then the call, then its result to the page. */
  async call(name, args) {
    await this.#bridge.sendToolInput({ arguments: args });
    const result = await this.#client.callTool({ name, arguments: args });
    await this.#bridge.sendToolResult(result);
    return result;
  }

  /** Call a tool without the page. */
  ask(name, args) {
    return this.#client.callTool({ name, arguments: args });
  }

  input(args) {
    return this.#bridge.sendToolInput({ arguments: args });
  }

  result(result) {
    return this.#bridge.sendToolResult(result);
  }

  /** Send a result that no schema would let pass. */
  raw(structuredContent) {
    const message = { jsonrpc: "2.0", method: "ui/notifications/tool-result", params: { structuredContent } };
    document.getElementById("app").contentWindow.postMessage(message, "*");
  }

  cancelled(reason) {
    return this.#bridge.sendToolCancelled({ reason });
  }

  /** Refuse every call of the page with these words, until told null. */
  break(words) {
    this.#broken = words;
  }

  setContext(context) {
    if (context.theme) document.documentElement.dataset.theme = context.theme;
    this.#bridge.setHostContext(context);
  }

  teardown() {
    return this.#bridge.teardownResource({});
  }

  #listen(bridge, frame, capabilities) {
    bridge.onerror = (error) => this.log.errors.push(String(error));
    bridge.onsizechange = ({ height }) => {
      frame.style.height = `${height + 2}px`;
    };
    if (capabilities.serverTools) {
      bridge.oncalltool = (params) => {
        this.log.calls.push(params);
        if (this.#broken) throw new Error(this.#broken);
        return this.#client.callTool(params);
      };
    }
    if (capabilities.serverResources) {
      bridge.onreadresource = (params) => {
        this.log.reads.push(params.uri);
        return this.#client.readResource(params);
      };
    }
    if (capabilities.openLinks) {
      bridge.onopenlink = async ({ url }) => {
        this.log.links.push(url);
        return {};
      };
    }
    if (capabilities.updateModelContext) {
      bridge.onupdatemodelcontext = async (params) => {
        this.log.contexts.push(params);
        return {};
      };
    }
    bridge.onrequestdisplaymode = async ({ mode }) => {
      this.log.modes.push(mode);
      return { mode };
    };
  }
}

window.host = new TestHost();
