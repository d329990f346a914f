// States without clips: what is the case, and what can be done about it.

function noticeView({ iconName, title, generation, reason, hints = [], tools = [], danger = false, actions = {} }) {
  const { ask, question } = generation && actions.remove ? removal(generation, 0, actions.remove) : {};
  const back = actions.back && button("back", "All generations", actions.back);
  return h(
    "section",
    { class: `notice ${danger ? "danger" : ""}`.trim(), "aria-labelledby": "heading" },
    h("div", { class: "emblem" }, icon(iconName)),
    h(
      "div",
      { class: "said" },
      header(title, generation && sourceLine(generation), [back, ask]),
      question,
      reason && words("p", "reason", reason),
      hints.length > 0 && h("ul", { class: "hints" }, hints.map((hint) => h("li", {}, hint))),
      generation && warnings(generation),
      tools.length > 0 && h("div", { class: "actions" }, tools),
    ),
  );
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
    actions,
    danger: true,
  });
}

function noClipView(generation, actions) {
  return noticeView({
    iconName: "film",
    title: "It finished without a clip",
    generation,
    hints: [
      "Allow shorter clips: a smaller minimum length finds more moments.",
      "Or describe in the prompt what the clips should show.",
    ],
    actions,
  });
}

function noGenerationsView() {
  return noticeView({
    iconName: "film",
    title: "No clips yet",
    hints: ["Give the assistant a video and say what you want, such as “three vertical clips of the funniest moments”."],
  });
}

function cancelledView() {
  return noticeView({
    iconName: "film",
    title: "The call was stopped",
    hints: ["A generation that had already started goes on: ask the assistant to list your clips."],
  });
}

function deletedView() {
  return noticeView({ iconName: "trash", title: "Deleted", hints: ["The clips and their links are gone. Files that were saved are still there."] });
}

/** A result that is only words. */
function textView(text, isError) {
  const title = isError ? "That did not work" : "Video clips";
  return noticeView({ iconName: isError ? "alert" : "film", title, reason: text, danger: isError });
}
