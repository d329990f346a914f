// A finished generation: its clips as cards.

/** Show the clips of a completed generation. `actions`: {remove, save, open, back, expand}; absent ones are not offered. */
function clipsView(host, generation, actions) {
  const clips = generation.output.map((output, index) => readClip(generation, output, index));
  const grid = h("ul", { class: "clips" }, clips.map((clip) => h("li", {}, card(host, clip, actions))));
  const wide = clips.every((clip) => clip.ratio > 1);
  grid.classList.toggle("wide", wide);
  return h(
    "section",
    { "aria-labelledby": "heading" },
    header(`${count(clips.length, "clip")} ready`, sourceLine(generation), [
      actions.back && button("back", "All generations", actions.back),
      actions.expand && button("expand", "Full screen", actions.expand, { quiet: true }),
      actions.remove && removeButton(generation, clips.length, actions.remove),
    ]),
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
    score: Number.isFinite(output.ai_score) ? Math.round(output.ai_score) : null,
    seconds: Number.isFinite(output.duration_seconds) ? output.duration_seconds : null,
    start: Number.isFinite(output.source_start_time) ? output.source_start_time : null,
    bytes: Number(output.size_bytes) || 0,
    isLocal: generation.backend === "local",
    videoUrl: output.video_url,
    posterUrl: output.poster_url,
    ratio: Number.isFinite(ratio) ? Math.min(Math.max(ratio, 0.4), 2.5) : 9 / 16,
  };
}

function card(host, clip, actions) {
  const note = h("p", { class: "note", hidden: true });
  const explain = (text) => {
    note.textContent = text;
    note.hidden = false;
    announce(`${clip.name}: ${text}`);
  };
  return h(
    "article",
    { class: "card", "aria-label": clip.name },
    h("div", { class: "stage" }, picture(host, clip, explain), clip.seconds !== null && lengthBadge(clip.seconds)),
    h(
      "div",
      { class: "about" },
      h("div", { class: "headline" }, words("h3", "title", clip.title), clip.score !== null && scoreBadge(clip.score)),
      clip.start !== null && h("p", { class: "faint" }, `from ${clock(clip.start)}`),
      clip.caption && captionBlock(clip),
      clip.hashtags.length > 0 && hashtagBlock(clip),
      place(clip),
      cardActions(clip, actions, explain),
      note,
    ),
  );
}

function lengthBadge(seconds) {
  return h("span", { class: "length" }, h("span", { class: "unseen" }, "Length "), clock(seconds));
}

function scoreBadge(score) {
  const level = score >= 80 ? "high" : score >= 60 ? "middle" : "low";
  return h(
    "span",
    { class: `score ${level}`, title: "How promising the clip is, 0 to 100" },
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
  return h("div", { class: "copyable" }, h("div", {}, text, more), copyCaption);
}

function hashtagBlock(clip) {
  const list = h("ul", { class: "hashtags" }, clip.hashtags.map((tag) => h("li", {}, words("span", "hashtag", tag))));
  return h("div", { class: "copyable" }, list, copyButton(`Copy the hashtags of ${clip.name}`, clip.hashtags.join(" ")));
}

/** Where the clip is, always: the plain link, or the path on this machine. */
function place(clip) {
  const file = link(clip.videoUrl, "file:");
  const url = link(clip.videoUrl, "https:", "http:");
  if (!file && !url) return null;
  const text = plain(file ? filePath(file) : url.host + url.pathname, "url");
  const shown = file ? text : url.href;
  return h(
    "div",
    { class: "copyable place" },
    h("p", { class: "path", title: text }, h("bdi", {}, text)),
    copyButton(file ? `Copy the path of ${clip.name}` : `Copy the link of ${clip.name}`, shown),
  );
}

function cardActions(clip, actions, explain) {
  const url = link(clip.videoUrl, "https:", "http:");
  const row = h("div", { class: "actions" });
  if (actions.save) {
    const save = button("save", "Save", async () => {
      save.disabled = true;
      explain(await actions.save(clip));
      save.disabled = false;
    });
    save.setAttribute("aria-label", `Save ${clip.name}`);
    row.append(save);
  }
  if (url) row.append(openLink(url, clip, actions, explain));
  return row.childElementCount ? row : null;
}

function openLink(url, clip, actions, explain) {
  const anchor = h(
    "a",
    {
      class: "button",
      href: url.href,
      target: "_blank",
      rel: "noopener noreferrer",
      "aria-label": `Open ${clip.name}`,
    },
    icon("open"),
    h("span", {}, "Open"),
  );
  if (actions.open) {
    anchor.addEventListener("click", async (event) => {
      event.preventDefault();
      if (!(await actions.open(url.href))) explain("This host did not open the link. Copy it and open it yourself.");
    });
  }
  return anchor;
}
