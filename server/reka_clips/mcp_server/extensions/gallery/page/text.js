// Words and numbers as people read them. What comes from upstream is cleaned and cut here, and only here.

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu; // controls, bidi overrides, zero-width, private
const LONGEST = { title: 200, caption: 2000, hashtag: 80, line: 500, url: 8192 };

let preferredLocale; // the browser's own, until the host names one

const STAGES = {
  queued: "In the queue",
  downloading: "Fetching the video",
  indexing: "Watching it",
  preprocessing: "Finding the moments",
  processing: "Cutting the clips",
};

/** Return upstream text on one line, without what cannot be seen, at most LONGEST[kind] characters long. */
function plain(value, kind = "line") {
  if (typeof value !== "string") return "";
  const limit = LONGEST[kind];
  const visible = value.slice(0, limit * 4).replace(/\s+/gu, " ").replace(HIDDEN, "").trim();
  if (visible.length <= limit) return visible;
  return `${visible.slice(0, limit - 1).replace(HIDDEN, "").trimEnd()}…`; // again: the cut may have split a character
}

/** Return hashtags as they are typed: with one # and no spaces, without empty ones and repeats. */
function hashtags(values) {
  if (!Array.isArray(values)) return [];
  const tags = values.map((value) => plain(value, "hashtag").replace(/^#+/, "").replaceAll(" ", ""));
  return [...new Set(tags.filter(Boolean).map((tag) => `#${tag}`))].slice(0, 30);
}

/** Return the URL if it is one of these kinds of link, else null. */
function link(value, ...schemes) {
  if (typeof value !== "string" || value.length > LONGEST.url) return null;
  try {
    const url = new URL(value);
    return schemes.includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Return the path that a file:// link names, as the person's system writes it. */
function filePath(url) {
  let path;
  try {
    path = decodeURIComponent(url.pathname);
  } catch {
    path = url.pathname;
  }
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1).replaceAll("/", "\\") : path;
}

/** Return the few words by which a person knows a source again: its file name, or its site. */
function sourceName(value) {
  const url = link(value, "http:", "https:", "file:");
  if (!url) return plain(value);
  const name = filePath(url).split(/[/\\]/).filter(Boolean).pop() ?? "";
  if (url.protocol === "file:") return plain(name);
  return plain(/\.\w{2,5}$/.test(name) ? name : url.hostname.replace(/^www\./, ""));
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, "0"));
  return parts[0] ? `${parts[0]}:${minutes}:${rest}` : `${Number(minutes)}:${rest}`;
}

function megabytes(bytes) {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

/** Return the day of a time, as the host's language writes it, or null if it is none. */
function day(value) {
  const moment = new Date(typeof value === "string" ? value : NaN);
  if (Number.isNaN(moment.getTime())) return null;
  try {
    return moment.toLocaleDateString(preferredLocale, { day: "numeric", month: "short", year: "numeric" });
  } catch {
    return moment.toISOString().slice(0, 10); // a host may name a language that there is not
  }
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function stageLabel(stage) {
  return STAGES[stage] ?? (plain(stage, "hashtag") || "Working");
}
