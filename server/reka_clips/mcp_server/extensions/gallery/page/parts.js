// What several views share: the heading, the source, the warnings, the question before a deletion.

function header(title, subtitle, tools = []) {
  const shown = tools.filter(Boolean);
  return h(
    "header",
    {},
    h("div", { class: "headings" }, h("h2", { id: "heading", tabindex: "-1" }, title), subtitle),
    shown.length > 0 && h("div", { class: "tools" }, shown),
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

/** A button that asks before it calls `remove`, which returns a sentence if it failed; and the place of the question. */
function removal(generation, clips, remove) {
  const what = clips ? `this generation and its ${count(clips, "clip")}` : "this generation";
  const text = h("p", {}, `Delete ${what}? This cannot be undone.`);
  const question = h("div", { class: "question", role: "group", "aria-label": "Delete?", hidden: true }, text);
  const ask = button("trash", "Delete", () => {
    ask.disabled = true;
    question.hidden = false;
    keep.focus();
  }, { quiet: true });
  const keep = button(null, "Keep", () => {
    question.hidden = true;
    ask.disabled = false;
    ask.focus();
  });
  const confirm = button(null, "Delete for good", async () => {
    keep.disabled = confirm.disabled = true;
    const problem = await remove(generation.id);
    keep.disabled = confirm.disabled = false;
    if (!problem) return;
    text.textContent = problem;
    announce(problem);
    keep.focus();
  }, { kind: "danger" });
  question.append(h("div", { class: "actions" }, keep, confirm));
  question.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !keep.disabled) keep.click();
  });
  return { ask, question };
}
