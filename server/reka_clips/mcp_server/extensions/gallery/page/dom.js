// Elements made by hand. Strings become text nodes; nothing here ever reads markup.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  alert: "M12 8v5m0 3v.01M12 3l9.5 17h-19z",
  back: "M14 6l-6 6 6 6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  expand: "M9 4H4v5m11-5h5v5M9 20H4v-5m11 5h5v-5",
  film: "M4 5h16v14H4zM8 5v14m8-14v14M4 12h4m8 0h4",
  open: "M14 4h6v6m0-6l-9 9M18 14v6H4V6h6",
  play: "M8 5.5v13l11-6.5z",
  star: "M12 4l2.4 5.2 5.6.7-4.1 3.9 1.1 5.6-5-2.8-5 2.8 1.1-5.6L4 9.9l5.6-.7z",
  save: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 20h14",
  trash: "M4 7h16M9 7V4h6v3m-8 0l1 13h8l1-13",
};

/** Make an element. A property that is a function listens; one that is null or false is left out. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Upstream text: its own direction, which ends where the element ends. */
function words(tag, className, text) {
  return h(tag, { class: className, dir: "auto" }, text);
}

/** A button with an icon; `label` is its name, shown beside the icon unless `quiet`. */
function button(iconName, label, click, { quiet = false, kind = "" } = {}) {
  const className = `button ${kind} ${quiet ? "quiet" : ""}`.trim().replace(/\s+/g, " ");
  return h(
    "button",
    { type: "button", class: className, click, "aria-label": quiet ? label : null, title: quiet ? label : null },
    iconName && icon(iconName),
    !quiet && h("span", {}, label),
  );
}

/** A button that copies `text` and says so. */
function copyButton(label, text, options = {}) {
  const element = button("copy", label, async () => {
    const copied = await copy(text);
    announce(copied ? "Copied." : "This host does not let the page copy. Select the text and copy it.");
    if (!copied) return;
    element.replaceChild(icon("check"), element.firstChild);
    setTimeout(() => element.replaceChild(icon("copy"), element.firstChild), 1500);
  }, { quiet: true, ...options });
  return element;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Hosts that keep the clipboard from frames may still allow the old way, within a click.
    const field = h("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    field.value = text;
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    focused?.focus?.();
    return copied;
  }
}

/** Tell people who listen instead of look. */
function announce(text) {
  document.getElementById("announcer").textContent = text;
}
