// What several views share: the heading, the source, the warnings, the question before a deletion.

function header(title, subtitle, tools = []) {
  return h(
    "header",
    {},
    h("div", { class: "headings" }, h("h2", { id: "heading", tabindex: "-1" }, title), subtitle),
    h("div", { class: "tools" }, tools),
  );
}

/** One line by which the person knows what was asked: the source, and the prompt if there was one. */
function sourceLine(generation) {
  const urls = Array.isArray(generation.video_urls) ? generation.video_urls : [];
  const name = urls.length ? sourceName(urls[0]) : "";
  const more = urls.length > 1 ? ` and ${urls.length - 1} more` : "";
  const prompt = plain(generation.prompt, "title");
  if (!name && !prompt) return null;
  return h(
    "p",
    { class: "source" },
    name && h("bdi", {}, name + more),
    name && prompt && h("span", { "aria-hidden": "true" }, " · "),
    prompt && h("bdi", { class: "prompt" }, prompt),
  );
}

function warnings(generation) {
  const texts = (Array.isArray(generation.warnings) ? generation.warnings : []).map((text) => plain(text)).filter(Boolean);
  if (!texts.length) return null;
  return h("div", { class: "warnings" }, icon("alert"), h("ul", {}, texts.map((text) => words("li", "", text))));
}

/** A button that asks once more before it calls `remove`, which returns a sentence if it failed. */
function removeButton(generation, clips, remove) {
  const what = clips ? `this generation and its ${count(clips, "clip")}` : "this generation";
  const wrapper = h("div", { class: "removal" });
  const ask = button("trash", "Delete", () => {
    wrapper.replaceChildren(question);
    keep.focus();
  }, { quiet: true });
  const keep = button(null, "Keep", () => {
    wrapper.replaceChildren(ask);
    ask.focus();
  });
  const confirm = button(null, "Delete", async () => {
    keep.disabled = confirm.disabled = true;
    const problem = await remove(generation.id);
    keep.disabled = confirm.disabled = false;
    if (problem) text.textContent = problem;
  }, { kind: "danger" });
  const text = h("p", {}, `Delete ${what}? This cannot be undone.`);
  const question = h("div", { class: "question", role: "group", "aria-label": "Delete?" }, text, keep, confirm);
  question.addEventListener("keydown", (event) => {
    if (event.key === "Escape") keep.click();
  });
  wrapper.append(ask);
  return wrapper;
}

/** A state without clips: what is the case, and what can be done about it. */
function noticeView({ iconName, title, generation, reason, hints = [], tools = [], danger = false }) {
  return h(
    "section",
    { class: `notice ${danger ? "danger" : ""}`.trim(), "aria-labelledby": "heading" },
    h("div", { class: "emblem" }, icon(iconName)),
    header(title, generation && sourceLine(generation)),
    reason && words("p", "reason", reason),
    hints.length > 0 && h("ul", { class: "hints" }, hints.map((hint) => h("li", {}, hint))),
    generation && warnings(generation),
    tools.length > 0 && h("div", { class: "actions" }, tools),
  );
}
