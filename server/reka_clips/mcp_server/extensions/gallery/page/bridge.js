// The Apps protocol: JSON-RPC 2.0 over postMessage with the host that embeds this page.
// Source: MCP Apps specification of 2026-01-26 (io.modelcontextprotocol/ui).

const APPS_PROTOCOL = "2026-01-26";
const METHOD_NOT_FOUND = -32601;

/** What a host answered instead of a result. */
class HostError extends Error {}

/** The host as seen from this page. `handlers`: method → function of its params, for what the host sends. */
class Host {
  capabilities = {};
  context = {};
  #nextId = 1;
  #waiting = new Map();
  #handlers;

  constructor(handlers) {
    this.#handlers = handlers;
    window.addEventListener("message", (event) => {
      if (event.source === window.parent && event.data?.jsonrpc === "2.0") this.#receive(event.data);
    });
  }

  /** Shake hands. From then on `capabilities` and `context` hold what the host said. */
  async connect() {
    const result = await this.request("ui/initialize", {
      protocolVersion: APPS_PROTOCOL,
      appInfo: { name: "reka-clips gallery", version: VERSION },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    this.capabilities = result.hostCapabilities ?? {};
    this.context = result.hostContext ?? {};
    this.notify("ui/notifications/initialized", {});
  }

  can(capability) {
    return this.capabilities[capability] !== undefined;
  }

  request(method, params) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  notify(method, params) {
    this.#send({ method, params });
  }

  callTool(name, args) {
    return this.request("tools/call", { name, arguments: args });
  }

  /** Return the only content of a resource: {mimeType, blob} or {mimeType, text}. */
  async readResource(uri) {
    const { contents } = await this.request("resources/read", { uri });
    if (!contents?.length) throw new HostError("The host returned nothing.");
    return contents[0];
  }

  #send(message) {
    // The page cannot know where it is embedded; nothing secret is sent.
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  #receive(message) {
    if (message.method !== undefined) {
      this.#dispatch(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    if (message.error) waiting.reject(new HostError(String(message.error.message ?? "The host refused.")));
    else waiting.resolve(message.result ?? {});
  }

  async #dispatch({ id, method, params }) {
    const handler = this.#handlers[method];
    if (id === undefined) {
      await handler?.(params ?? {});
    } else if (handler || method === "ping") {
      this.#send({ id, result: (await handler?.(params ?? {})) ?? {} });
    } else {
      this.#send({ id, error: { code: METHOD_NOT_FOUND, message: `${method} is not known here.` } });
    }
  }
}
