// The moments that a search found: pictures, times and words, of which the person chooses.

/** Return a search's candidates, from `find_moments` or from the status of its generation; null if it is none. */
function readMoments(data) {
  const isPlan = data?.generation_config?.plan_only === true && data.status === "completed";
  const found = Array.isArray(data?.candidates) ? data.candidates : isPlan ? data.output : null;
  if (!Array.isArray(found) || data.status !== "completed") return null;
  return found.slice(0, 12).map((one, index) => {
    const [start, end] = [Number(one.source_start_time), Number(one.source_end_time)];
    const times = `${clock(start)}–${clock(end)}`;
    return {
      generationId: data.id, number: index + 1, name: `moment ${index + 1}, ${times}`, times, start, end,
      score: Number.isFinite(one.ai_score) ? Math.round(one.ai_score) : null,
      seconds: Number.isFinite(one.duration_seconds) ? one.duration_seconds : end - start,
      said: plain(one.transcript, "caption") || spokenIn(one.subtitles_srt),
      why: (Array.isArray(one.reasons) ? one.reasons : []).map((reason) => plain(reason)).filter(Boolean).join("; "),
      sourceUrl: typeof one.source_url === "string" ? one.source_url : "",
    };
  });
}

/** Return the words of subtitles in SRT form, on one line. */
function spokenIn(srt) {
  if (typeof srt !== "string") return "";
  const lines = srt.split("\n").filter((line) => line.trim() && !/^\d+\s*$/.test(line) && !line.includes("-->"));
  return plain(lines.join(" "), "caption");
}

/** Show the moments with a box each. `make`: takes the chosen ones, returns a sentence if it failed; absent: not offered. */
function momentsView(host, data, moments, { make, back }) {
  const chosen = new Set();
  const note = h("div", { class: "note", hidden: true });
  const go = make && button("film", "Choose moments", async () => {
    go.disabled = true;
    const problem = await make(moments.filter(({ number }) => chosen.has(number)));
    go.disabled = false;
    if (!problem) return;
    note.replaceChildren(h("p", {}, problem));
    note.hidden = false;
    announce(problem);
  });
  const label = () => {
    go.disabled = chosen.size === 0;
    go.lastChild.textContent = chosen.size ? `Make ${chosen.size === 1 ? "this one" : `these ${chosen.size}`}` : "Choose moments";
  };
  if (go) label();
  const card = (moment) => {
    const frame = h("div", { class: "picture" }, blank());
    frame.style.setProperty("--ratio", String(16 / 9));
    if (host.can("serverResources")) showPoster(host, `reka-clips://clips/${moment.generationId}/posters/${moment.number}`, frame);
    const box = h("input", { type: "checkbox", "aria-label": `Choose ${moment.name}` });
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(moment.number);
      else chosen.delete(moment.number);
      label();
    });
    const stage = h("div", { class: "stage" }, frame, moment.score !== null && scoreBadge(moment.score), lengthBadge(moment.seconds));
    return h(
      "article",
      { class: "card", "aria-label": moment.name },
      stage,
      h(
        "div",
        { class: "about" },
        h("label", { class: "title" }, go && box, ` ${moment.number}. ${moment.times}`),
        moment.why && words("p", "faint", moment.why),
        moment.said && words("p", "caption", moment.said),
      ),
    );
  };
  return h(
    "section",
    { "aria-labelledby": "heading" },
    header(`${count(moments.length, "moment")} found`, sourceLine(data), [back && button("back", "All generations", back), go]),
    note,
    warnings(data),
    h("ul", { class: "clips wide" }, moments.map((moment) => h("li", {}, card(moment)))),
  );
}
