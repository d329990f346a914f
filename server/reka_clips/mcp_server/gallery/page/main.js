// Decides what to show for what the host sends, and carries out what the person asks for.

const HOST_COLORS = {
  "--color-background-primary": "--surface",
  "--color-background-secondary": "--raised",
  "--color-text-primary": "--ink",
  "--color-text-secondary": "--soft",
  "--color-border-primary": "--line",
};

class Gallery {
  #host;
  #view = null; // {root, close?}
  #poller = null;
  #list = null; // the newest list, to go back to
  #lastHeight = 0;

  constructor() {
    this.#host = new Host({
      "ui/notifications/tool-input": ({ arguments: args }) => this.#showInput(args ?? {}),
      "ui/notifications/tool-result": (result) => this.#showResult(result),
      "ui/notifications/tool-cancelled": () => this.#showCancelled(),
      "ui/notifications/host-context-changed": (context) => this.#applyContext(context),
      "ui/resource-teardown": () => this.#leave(),
    });
  }

  async start() {
    this.#show({ root: h("section", { class: "running" }, h("p", { class: "faint" }, "Waiting for the host…")) });
    await this.#host.connect();
    this.#applyContext(this.#host.context);
    new ResizeObserver(() => this.#reportSize()).observe(document.body);
    this.#reportSize();
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
    if (args.video_urls === undefined) return; // a status or a list: its result comes at once
    const urls = Array.isArray(args.video_urls) ? args.video_urls : [args.video_urls];
    this.#show(new ProgressView({ ...args, video_urls: urls, status: "queued" }, []));
  }

  #showResult(result) {
    const data = result.structuredContent;
    if (Array.isArray(data?.items)) this.#showList(data);
    else if (typeof data?.id === "string" && typeof data.status === "string") this.#showGeneration(data);
    else if (data?.status === "submitting") this.#showSubmitting(data);
    else this.#showText(result);
  }

  #showGeneration(generation, { back = null, heading = false } = {}) {
    const output = Array.isArray(generation.output) ? generation.output : [];
    const tools = back ? [button("back", "All generations", back)] : [];
    if (generation.status === "failed") {
      this.#show({ root: failedView(generation, this.#generationActions(back)) }, heading);
    } else if (generation.status !== "completed") {
      this.#follow(generation, back, tools);
    } else if (output.length === 0) {
      this.#show({ root: emptyView(generation, this.#generationActions(back)) }, heading);
    } else {
      this.#show({ root: clipsView(this.#host, { ...generation, output }, this.#generationActions(back)) }, heading);
    }
  }

  #follow(generation, back, tools) {
    const view = new ProgressView(generation, tools);
    this.#show(view);
    if (!this.#host.can("serverTools")) {
      view.note("This host does not let the page ask for news. Ask the assistant for the status of the clips.");
      return;
    }
    this.#poller = new Poller(async () => {
      const result = await this.#status(generation.id);
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
    const text = plain(textOf(result), "caption");
    const title = result.isError ? "That did not work" : "Video clips";
    this.#show({ root: noticeView({ iconName: result.isError ? "alert" : "film", title, reason: text, danger: result.isError }) });
    announce(title);
  }

  /** The creation was sent, and its id is not known yet: the list will show it. */
  #showSubmitting(data) {
    const look = () => this.#host.callTool("list_clips", {}).catch(refused).then((result) => this.#showResult(result));
    const tools = this.#host.can("serverTools") ? [button("film", "Look for it", look)] : [];
    const reason = plain(data.message, "caption");
    this.#show({ root: noticeView({ iconName: "film", title: "On its way", reason, tools }) });
  }

  #showCancelled() {
    const hints = ["A generation that had already started goes on: ask the assistant to list your clips."];
    this.#show({ root: noticeView({ iconName: "film", title: "The call was stopped", hints }) });
  }

  // What the person asks for

  #generationActions(back) {
    const host = this.#host;
    const modes = host.context.availableDisplayModes ?? [];
    const expandable = modes.includes("fullscreen") && host.context.displayMode !== "fullscreen";
    return {
      back,
      expand: expandable && (() => host.request("ui/request-display-mode", { mode: "fullscreen" }).catch(() => {})),
      open: host.can("openLinks") && ((url) => this.#openLink(url)),
      remove: host.can("serverTools") && (async (id) => {
        const problem = await this.#remove(id);
        if (!problem) this.#showDeleted(back);
        return problem;
      }),
      save: host.can("serverTools") && ((clip) => this.#save(clip)),
    };
  }

  #status(id) {
    return this.#host.callTool("get_clip_status", { id, wait_seconds: 0 });
  }

  async #open(id) {
    const list = this.#list;
    announce("Loading.");
    const result = await this.#status(id).catch(refused);
    if (typeof result.structuredContent?.status !== "string") {
      this.#showText(result);
      return;
    }
    this.#showGeneration(result.structuredContent, { back: () => this.#showList(list), heading: true });
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
    if (back) {
      this.#showList(this.#list);
      announce("Deleted.");
      return;
    }
    this.#show({ root: noticeView({ iconName: "trash", title: "Deleted" }) }, true);
  }

  /** Save a clip on the machine of the server. Returns a sentence on how it went. */
  async #save({ generationId, number }) {
    announce("Saving.");
    const result = await this.#host.callTool("save_clip", { id: generationId, clip: number }).catch(refused);
    const path = plain(result.structuredContent?.path, "url");
    if (result.isError || !path) return plain(textOf(result)) || "It was not saved.";
    return `Saved to ${path}`;
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

  // The frame around the page

  #applyContext(context) {
    Object.assign(this.#host.context, context);
    const root = document.documentElement;
    if (context.theme === "light" || context.theme === "dark") root.dataset.theme = context.theme;
    const variables = context.styles?.variables ?? {};
    // Half of a palette can be unreadable: all of the host's colours, or none.
    if (Object.keys(HOST_COLORS).every((name) => variables[name])) {
      for (const [name, own] of Object.entries(HOST_COLORS)) root.style.setProperty(own, variables[name]);
    }
    if (variables["--font-sans"]) root.style.setProperty("--font", variables["--font-sans"]);
    const insets = context.safeAreaInsets;
    if (insets) root.style.setProperty("--insets", ["top", "right", "bottom", "left"].map((side) => `${Number(insets[side]) || 0}px`).join(" "));
  }

  #reportSize() {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === this.#lastHeight) return;
    this.#lastHeight = height;
    this.#host.notify("ui/notifications/size-changed", { height });
  }

  #leave() {
    this.#poller?.stop();
    this.#view?.close?.();
    for (const video of document.querySelectorAll("video")) video.pause();
  }
}

function failedView(generation, actions) {
  return noticeView({
    iconName: "alert",
    title: "No clips this time",
    generation,
    reason: plain(generation.error_message, "caption") || "The generation failed, and no reason was given.",
    hints: [
      "Check that the link opens the video itself, without signing in.",
      "Then ask the assistant to try again, or with another link.",
    ],
    tools: noticeTools(generation, actions),
    danger: true,
  });
}

function emptyView(generation, actions) {
  return noticeView({
    iconName: "film",
    title: "It finished without a clip",
    generation,
    hints: [
      "Allow shorter clips: a smaller minimum length finds more moments.",
      "Or describe in the prompt what the clips should show.",
    ],
    tools: noticeTools(generation, actions),
  });
}

function noGenerationsView() {
  return noticeView({
    iconName: "film",
    title: "No clips yet",
    hints: ["Give the assistant a video and say what you want, such as “three vertical clips of the funniest moments”."],
  });
}

function noticeTools(generation, actions) {
  return [
    actions.back && button("back", "All generations", actions.back),
    actions.remove && removeButton(generation, 0, actions.remove),
  ].filter(Boolean);
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
