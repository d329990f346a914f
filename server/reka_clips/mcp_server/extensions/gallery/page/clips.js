// A finished generation: its clips as cards.

const MANY = 6; // more clips than this are shown smaller

/** Show the clips of a completed generation. `actions`: {remove, save, open, renew, back, expand}; absent ones are not offered. */
function clipsView(host, generation, actions) {
  const clips = generation.output.map((output, index) => readClip(generation, output, index));
  const grid = h("ul", { class: "clips" }, clips.map((clip) => h("li", {}, card(host, clip, actions))));
  grid.classList.toggle("wide", clips.every((clip) => clip.ratio > 1));
  grid.classList.toggle("single", clips.length === 1);
  grid.classList.toggle("many", clips.length > MANY);
  const { ask, question } = actions.remove ? removal(generation, clips.length, actions.remove) : {};
  return h(
    "section",
    { "aria-labelledby": "heading" },
    header(`${count(clips.length, "clip")} ready`, sourceLine(generation), [
      actions.back && button("back", "All generations", actions.back),
      actions.expand && button("expand", "Full screen", actions.expand, { quiet: true }),
      ask,
    ]),
    question,
    warnings(generation),
    grid,
  );
}

/** Return what a card shows, cleaned. `number` counts from 1, as the tools do. */
function readClip(generation, output, index) {
  const number = index + 1;
  const title = plain(output.title, "title") || `Clip ${number}`;
  const [width, height] = [Number(output.width), Number(output.height)];
  const [across, down] = String(generation.rendering_config?.aspect_ratio ?? "9:16").split(/[:-]/).map(Number);
  const ratio = width > 0 && height > 0 ? width / height : across / down;
  return {
    generationId: generation.id,
    number,
    title,
    name: `clip ${number}: ${title}`,
    caption: plain(output.caption, "caption"),
    hashtags: hashtags(output.hashtags),
    said: spokenIn(output.subtitles_srt),
    score: Number.isFinite(output.ai_score) ? Math.round(output.ai_score) : null,
    seconds: Number.isFinite(output.duration_seconds) ? output.duration_seconds : null,
    start: Number.isFinite(output.source_start_time) ? output.source_start_time : null,
    bytes: Number(output.size_bytes) || 0,
    isLocal: generation.backend === "local",
    remoteUrl: link(output.video_url, "https:", "http:"),
    fileUrl: link(output.video_url, "file:"),
    posterUrl: link(output.poster_url, "https:", "http:"),
    ratio: Number.isFinite(ratio) ? Math.min(Math.max(ratio, 0.4), 2.5) : 9 / 16,
  };
}

function card(host, clip, actions) {
  const note = h("div", { class: "note", hidden: true });
  const where = place(clip, actions);
  const explain = (text, { failed = false, remedy = null } = {}) => {
    note.replaceChildren(...[h("p", {}, text), remedy].filter(Boolean));
    note.hidden = false;
    if (failed && where) where.hidden = false;
    announce(`${clip.name}: ${text}`);
  };
  return h(
    "article",
    { class: "card", "aria-label": clip.name },
    h(
      "div",
      { class: "stage" },
      picture(host, clip, explain, actions),
      clip.score !== null && scoreBadge(clip.score),
      clip.seconds !== null && lengthBadge(clip.seconds),
    ),
    h(
      "div",
      { class: "about" },
      words("h3", "title", clip.title),
      clip.start !== null && h("p", { class: "faint" }, `From ${clock(clip.start)} in the source`),
      clip.caption && captionBlock(clip),
      clip.hashtags.length > 0 && hashtagBlock(clip),
      clip.said && h("details", { class: "faint" }, h("summary", {}, "What is said"), words("p", "", clip.said)),
      note,
      where,
      cardActions(clip, actions, explain),
    ),
  );
}

function lengthBadge(seconds) {
  return h("span", { class: "badge length" }, h("span", { class: "unseen" }, "Length "), clock(seconds));
}

function scoreBadge(score) {
  return h(
    "span",
    { class: "badge score", title: `Score ${score} of 100: how promising the clip is` },
    icon("star"),
    h("span", { class: "unseen" }, "Score "),
    String(score),
  );
}

function captionBlock(clip) {
  const text = words("p", "caption", clip.caption);
  const more = h("button", { type: "button", class: "more", "aria-expanded": "false", hidden: true }, "Show more");
  more.addEventListener("click", () => {
    const open = text.classList.toggle("open");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Show less" : "Show more";
  });
  new ResizeObserver(() => {
    more.hidden = !text.classList.contains("open") && text.scrollHeight <= text.clientHeight + 1;
  }).observe(text);
  const copyCaption = copyButton(`Copy the caption of ${clip.name}`, clip.caption);
  return h("div", { class: "copyable described" }, h("div", {}, text, more), copyCaption);
}

function hashtagBlock(clip) {
  const list = h("ul", { class: "hashtags" }, clip.hashtags.map((tag) => h("li", {}, words("span", "hashtag", tag))));
  return h("div", { class: "copyable" }, list, copyButton(`Copy the hashtags of ${clip.name}`, clip.hashtags.join(" ")));
}

/** Where the clip is: the path on the server's machine, always; the plain link, hidden as long as the clip plays. */
function place({ name, fileUrl, remoteUrl }, actions) {
  if (fileUrl) {
    const path = plain(filePath(fileUrl), "url");
    const shown = h("p", { class: "path", title: path }, h("bdi", {}, path));
    return h("div", { class: "copyable place" }, shown, copyButton(`Copy the path of ${name}`, path));
  }
  if (!remoteUrl) return null;
  const shown = anchor(remoteUrl, actions, { class: "path" }, h("bdi", {}, plain(remoteUrl.href, "url")));
  return h("div", { class: "copyable place", hidden: true }, shown);
}

function cardActions(clip, actions, explain) {
  const row = h("div", { class: "actions" });
  if (actions.save && (actions.savesFiles || clip.remoteUrl)) {
    const save = button("save", "Save", async () => {
      save.disabled = true;
      explain(await actions.save(clip));
      save.disabled = false;
    });
    save.setAttribute("aria-label", `Save ${clip.name}`);
    row.append(save);
  }
  if (clip.remoteUrl) {
    const attributes = { class: "button", "aria-label": `Open ${clip.name}` };
    row.append(
      anchor(clip.remoteUrl, actions, attributes, icon("open"), h("span", {}, "Open")),
      copyButton(`Copy the link of ${clip.name}`, clip.remoteUrl.href),
    );
  }
  return row.childElementCount ? row : null;
}

/** A link that the host opens if it can; else the browser, as far as it may. */
function anchor(url, actions, attributes, ...children) {
  const element = h("a", { ...attributes, href: url.href, target: "_blank", rel: "noopener noreferrer" }, ...children);
  if (actions.open) {
    element.addEventListener("click", async (event) => {
      event.preventDefault();
      if (!(await actions.open(url.href))) announce("This host did not open the link. Copy it and open it yourself.");
    });
  }
  return element;
}
