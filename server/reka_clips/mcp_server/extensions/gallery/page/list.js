// The generations there are, in the order in which the API lists them.

const STATES = { completed: "Ready", failed: "Failed" };

/** Show a page of generations. `actions`: {view, remove, more}; absent ones are not offered. */
function listView(list, actions) {
  const rows = h("ul", { class: "rows" }, list.items.map((item) => row(item, actions)));
  const section = h("section", { "aria-labelledby": "heading" }, header("Your generations", null), rows);
  if (actions.more && list.next?.arguments) section.append(moreButton(rows, list.next.arguments, actions));
  return section;
}

function row(item, actions) {
  const state = plain(item.status, "hashtag");
  const ended = state in STATES;
  const facts = [item.clip_count > 0 && count(item.clip_count, "clip"), day(item.created_at)].filter(Boolean);
  const remove = async (id) => {
    const problem = await actions.remove(id);
    if (!problem) {
      element.remove();
      announce("Deleted.");
    }
    return problem;
  };
  const { ask, question } = actions.remove && ended ? removal(item, 0, remove) : {}; // a running one cannot be deleted
  const element = h(
    "li",
    { class: "row" },
    h("span", { class: `state ${ended ? state : "running"}` }, STATES[state] ?? stageLabel(state)),
    h(
      "div",
      { class: "what" },
      sourceLine(item) ?? h("p", { class: "source" }, plain(item.id)),
      facts.length > 0 && h("p", { class: "faint" }, facts.join(" · ")),
    ),
    h("div", { class: "tools" }, actions.view && button(null, "View", () => actions.view(item.id)), ask),
    question,
  );
  return element;
}

function moreButton(rows, args, actions) {
  const wrapper = h("div", { class: "actions" });
  const more = button(null, "Show more", async () => {
    more.disabled = true;
    const list = await actions.more(args);
    more.disabled = false;
    if (!list) return;
    const added = list.items.map((item) => row(item, actions));
    rows.append(...added);
    announce(`${count(added.length, "more generation")}.`);
    if (list.next?.arguments && added.length) wrapper.replaceChildren(moreButton(rows, list.next.arguments, actions));
    else wrapper.remove();
  });
  wrapper.append(more);
  return wrapper;
}
