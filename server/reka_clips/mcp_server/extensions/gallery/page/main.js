// Decides what to show for what the host sends, and carries out what the person asks for.

class Gallery {
  #host;
  #view = null; // {root, close?}
  #poller = null;
  #list = null; // the newest list, to go back to

  constructor() {
    this.#host = new Host({
      "ui/notifications/tool-input": ({ arguments: args }) => this.#showInput(args ?? {}),
      "ui/notifications/tool-result": (result) => this.#showResult(result),
      "ui/notifications/tool-cancelled": () => this.#show({ root: cancelledView() }),
      "ui/notifications/host-context-changed": (context) => this.#applyContext(context),
      "ui/resource-teardown": () => this.#leave(),
    });
  }

  async start() {
    this.#show({ root: h("section", { class: "running" }, h("p", { class: "faint" }, "One moment…")) });
    await this.#host.connect();
    dress(this.#host.context);
    reportSize(this.#host);
  }

  #show(view, heading = false) {
    this.#poller?.stop();
    this.#poller = null;
    this.#view?.close?.();
    this.#view = view;
    document.getElementById("gallery").replaceChildren(view.root);
    if (heading) document.getElementById("heading")?.focus({ preventScroll: true });
  }

  // What the host sends

  #showInput(args) {
    const urls = Array.isArray(args.video_urls) ? args.video_urls : [args.video_urls];
    const isCreation = urls.every((url) => typeof url === "string"); // else a status or a list, which comes at once
    if (isCreation) this.#awaitCreation({ ...args, video_urls: urls });
  }

  #showResult(result) {
    const data = result.structuredContent;
    if (Array.isArray(data?.items)) this.#showList(data);
    else if (typeof data?.id === "string" && typeof data.status === "string") this.#showGeneration(data);
    else if (data?.status === "submitting" && data.next?.arguments) this.#showInput(data.next.arguments);
    else this.#showText(result);
  }

  #showGeneration(generation, { back = null, heading = false } = {}) {
    const output = Array.isArray(generation.output) ? generation.output : [];
    const moments = readMoments(generation);
    if (moments?.length) {
      this.#show({ root: momentsView(this.#host, generation, moments, { make: this.#maker(generation), back }) }, heading);
    } else if (generation.status === "failed") {
      this.#show({ root: failedView(generation, this.#generationActions(generation, back)) }, heading);
    } else if (generation.status !== "completed") {
      const view = new ProgressView(generation, back, this.#canceller(generation, back));
      this.#show(view);
      this.#follow(view, generation.id, back);
    } else if (output.length === 0) {
      this.#show({ root: noClipView(generation, this.#generationActions(generation, back)) }, heading);
    } else {
      const actions = this.#generationActions(generation, back);
      this.#show({ root: clipsView(this.#host, { ...generation, output }, actions) }, heading);
    }
  }

  /** Show a creation that was asked for, until its result comes; follow it as soon as it can be found. */
  #awaitCreation(args) {
    const view = new ProgressView({ ...args, status: "queued" });
    this.#show(view);
    if (!this.#host.can("serverTools")) return;
    this.#poller = new Poller(async () => {
      const id = await findRunning(this.#host, args);
      if (id && this.#view === view) this.#follow(view, id);
      return false;
    });
  }

  #follow(view, id, back = null) {
    this.#poller?.stop();
    if (!this.#host.can("serverTools")) {
      view.note("This host does not let the page ask for news. Ask the assistant for the status of the clips.");
      return;
    }
    this.#poller = new Poller(async () => {
      const result = await this.#status(id);
      if (this.#view !== view) return false;
      const news = result.structuredContent;
      if (typeof news?.status !== "string") {
        view.note(`${plain(textOf(result)) || "The status could not be read."} It is asked for again.`);
        throw new HostError("no status");
      }
      if (news.status !== "completed" && news.status !== "failed") return view.update(news);
      announce(news.status === "completed" ? "Your clips are ready." : "The generation failed.");
      this.#showGeneration(news, { back });
      this.#tellModel(textOf(result));
      return true;
    });
  }

  #showList(list) {
    this.#list = list;
    if (list.items.length === 0) {
      this.#show({ root: noGenerationsView() });
      return;
    }
    const tools = this.#host.can("serverTools");
    this.#show({
      root: listView(list, {
        view: tools && ((id) => this.#open(id)),
        remove: tools && ((id) => this.#remove(id)),
        more: tools && ((args) => this.#more(args)),
      }),
    });
  }

  #showText(result) {
    this.#show({ root: textView(plain(textOf(result), "caption"), result.isError === true) });
  }

  // What the person asks for

  #generationActions(generation, back) {
    const host = this.#host;
    const tools = host.can("serverTools");
    const modes = host.context.availableDisplayModes ?? [];
    const expandable = modes.includes("fullscreen") && host.context.displayMode !== "fullscreen";
    const savesFiles = tools && SAVES_FILES;
    return {
      back,
      expand: expandable && (() => host.request("ui/request-display-mode", { mode: "fullscreen" }).catch(() => {})),
      open: host.can("openLinks") && ((url) => this.#openLink(url)),
      renew: tools && (() => this.#open(generation.id, back)),
      remove: tools && (async (id) => {
        const problem = await this.#remove(id);
        if (!problem) this.#showDeleted(back);
        return problem;
      }),
      savesFiles,
      save: (savesFiles || host.can("downloadFile")) && ((clip) => (savesFiles ? this.#save(clip) : this.#download(clip))),
    };
  }

  /** Make clips of chosen moments, exactly as long. */
  #maker(search) {
    const asked = search.next?.arguments?.video_urls ?? search.video_urls;
    if (!this.#host.can("serverTools") || !Array.isArray(asked)) return null;
    return async (moments) => {
      const segments = moments.map(({ start, end, sourceUrl }) => {
        return { start, end, source: Math.max(0, asked.indexOf(sourceUrl)) };
      });
      const args = { video_urls: asked, generation_config: { segments }, wait_seconds: 0 };
      const result = await this.#host.callTool("create_clips", args).catch(refused);
      if (result.isError) return plain(textOf(result), "caption") || "They were not made.";
      this.#tellModel(`The person chose ${count(segments.length, "moment")} in the gallery: ${textOf(result)}`);
      this.#showResult(result);
      return null;
    };
  }

  /** Stop a generation that the embedded engine works on; Reka cannot. */
  #canceller(generation, back) {
    if (!this.#host.can("serverTools") || generation.backend !== "local" || !generation.id) return null;
    return async () => {
      const problem = await this.#remove(generation.id);
      if (!problem) this.#showDeleted(back);
      return problem;
    };
  }

  #status(id) {
    return this.#host.callTool("get_clip_status", { id, wait_seconds: 0 }).catch(refused);
  }

  /** Show a generation of the list, or the same one again as it is now. */
  async #open(id, back = this.#list && this.#backTo(this.#list)) {
    announce("Loading.");
    const result = await this.#status(id);
    if (typeof result.structuredContent?.status !== "string") this.#showText(result);
    else this.#showGeneration(result.structuredContent, { back, heading: true });
  }

  #backTo(list) {
    return () => this.#showList(list);
  }

  async #more(args) {
    const result = await this.#host.callTool("list_clips", args).catch(refused);
    const list = result.structuredContent;
    if (!Array.isArray(list?.items)) return null;
    this.#list = { ...list, items: [...this.#list.items, ...list.items] };
    return list;
  }

  /** Delete a generation. Returns a sentence if it failed. */
  async #remove(id) {
    const result = await this.#host.callTool("delete_clip", { id }).catch(refused);
    if (result.isError) return plain(textOf(result)) || "It was not deleted.";
    if (this.#list) this.#list = { ...this.#list, items: this.#list.items.filter((item) => item.id !== id) };
    this.#tellModel(`The person deleted generation ${id} in the gallery.`);
    return null;
  }

  #showDeleted(back) {
    if (back) this.#showList(this.#list);
    else this.#show({ root: deletedView() }, true);
    announce("Deleted.");
  }

  /** Save a clip on the machine of the server. Returns a sentence on how it went. */
  async #save({ generationId, number }) {
    announce("Saving.");
    const result = await this.#host.callTool("save_clip", { id: generationId, clip: number }).catch(refused);
    const path = plain(result.structuredContent?.path, "url");
    if (result.isError || !path) return plain(textOf(result)) || "It was not saved.";
    return `Saved to ${path}`;
  }

  /** Have the host save a clip where the person is: this server is elsewhere. Returns a sentence on how it went. */
  async #download({ remoteUrl, title, number }) {
    const file = { type: "resource_link", uri: remoteUrl.href, name: `clip-${number}.mp4`, title, mimeType: "video/mp4" };
    const result = await this.#host.request("ui/download-file", { contents: [file] }).catch(refused);
    return result.isError ? "It was not saved." : "Handed over to be saved.";
  }

  async #openLink(url) {
    const result = await this.#host.request("ui/open-link", { url }).catch(refused);
    return !result.isError;
  }

  /** Keep the assistant's picture true: it did not see what happened here. */
  #tellModel(text) {
    if (!text || !this.#host.can("updateModelContext")) return;
    this.#host.request("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
  }

  #applyContext(context) {
    Object.assign(this.#host.context, context);
    dress(context);
  }

  #leave() {
    this.#poller?.stop();
    this.#view?.close?.();
    for (const video of document.querySelectorAll("video")) video.pause();
  }
}

/** A request that the host refused, as a tool result. */
function refused(error) {
  return { isError: true, content: [{ type: "text", text: error.message }] };
}

function textOf(result) {
  const blocks = Array.isArray(result.content) ? result.content : [];
  return blocks.filter((block) => block.type === "text").map((block) => block.text).join("\n");
}

new Gallery().start();
