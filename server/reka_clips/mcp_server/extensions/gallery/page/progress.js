// A generation that runs: where it is, how long it has taken.

const STEPS = ["queued", "downloading", "indexing", "preprocessing", "processing"];

/** Shows a running generation; `update` takes the newest state of it. `back`: leads to the list it was opened from. */
class ProgressView {
  #bar = h("div", { class: "bar", role: "progressbar", "aria-label": "Progress" }, h("div", { class: "fill" }));
  #steps = h("ol", { class: "steps" });
  #elapsed = h("span", { class: "elapsed", role: "timer", "aria-live": "off", title: "Time so far" });
  #note = h("p", { class: "faint" });
  #started = Date.now();
  #stage = null;
  #ticker = setInterval(() => this.#tick(), 1000);

  constructor(generation, back = null, cancel = null) {
    const stop = cancel && button("trash", "Stop", async () => {
      stop.disabled = true;
      const problem = await cancel();
      stop.disabled = false;
      if (problem) this.note(problem);
    });
    this.root = h(
      "section",
      { class: "running", "aria-labelledby": "heading" },
      header("Making your clips", sourceLine(generation), [this.#elapsed, back && button("back", "All generations", back), stop]),
      this.#bar,
      this.#steps,
      this.#note,
    );
    this.note("This keeps itself up to date. You can go on in the meantime.");
    this.update(generation);
  }

  /** Take the newest state. Returns whether anything moved. */
  update(generation) {
    if (Number.isFinite(generation.elapsed_seconds)) this.#started = Date.now() - generation.elapsed_seconds * 1000;
    this.#tick();
    const moved = this.#setProgress(generation.progress);
    const stage = typeof generation.status === "string" ? generation.status : STEPS[0];
    if (stage === this.#stage) return moved;
    this.#stage = stage;
    this.#setSteps(stage);
    announce(`${stageLabel(stage)}.`);
    return true;
  }

  note(text) {
    this.#note.textContent = text;
  }

  close() {
    clearInterval(this.#ticker);
  }

  #tick() {
    this.#elapsed.textContent = clock((Date.now() - this.#started) / 1000);
  }

  #setProgress(progress) {
    const known = Number.isFinite(progress) && progress > 0;
    const percent = known ? Math.min(Math.round(progress * 100), 100) : null;
    const before = this.#bar.getAttribute("aria-valuenow");
    this.#bar.classList.toggle("unknown", !known);
    if (!known) {
      for (const name of ["aria-valuenow", "aria-valuemin", "aria-valuemax"]) this.#bar.removeAttribute(name);
      return before !== null;
    }
    this.#bar.setAttribute("aria-valuemin", "0");
    this.#bar.setAttribute("aria-valuemax", "100");
    this.#bar.setAttribute("aria-valuenow", String(percent));
    this.#bar.firstChild.style.inlineSize = `${percent}%`;
    return before !== String(percent);
  }

  /** A stage that was passed is done, also one that the generation left out: the line stays the same for all. */
  #setSteps(current) {
    const known = STEPS.includes(current) ? STEPS : [...STEPS, current];
    const here = known.indexOf(current);
    const items = known.map((stage, index) => {
      const state = index < here ? "done" : index === here ? "now" : "next";
      const mark = h("span", { class: "mark" }, state === "done" && icon("check"));
      const spokenState = state === "done" ? ", done" : state === "next" ? ", to come" : "";
      return h(
        "li",
        { class: state, "aria-current": state === "now" ? "step" : null },
        mark,
        h("span", {}, stageLabel(stage), h("span", { class: "unseen" }, spokenState)),
      );
    });
    this.#steps.replaceChildren(...items);
  }
}
