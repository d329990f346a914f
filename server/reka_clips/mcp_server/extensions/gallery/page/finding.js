// A creation whose answer is not there yet: the call waits for a while, or goes on as a task. The page does not know
// its id, but the list of generations shows it as soon as it runs.

/** Return the id of the running generation that a creation with these arguments became, or null. */
async function findRunning(host, args) {
  const { structuredContent } = await host.callTool("list_clips", { limit: 100 });
  const items = Array.isArray(structuredContent?.items) ? structuredContent.items : [];
  const running = items.filter(({ status }) => status !== "completed" && status !== "failed");
  const found = running.filter((item) => sameSources(item, args) && samePrompt(item, args));
  return found.length === 1 ? found[0].id : null; // of several, none is certainly this one
}

function sameSources({ video_urls: urls = [] }, { video_urls: wanted }) {
  return wanted.length > 0 && wanted.every((url, index) => urls[index] === url);
}

/** The list shows a long prompt cut, with a mark at its end, and the service's own prompt where none was given. */
function samePrompt({ prompt = "" }, { prompt: wanted = "" }) {
  const shown = plain(prompt).replace(/ ?\[…cut\]$/, "");
  return !wanted || (shown === plain(prompt) ? shown === plain(wanted) : plain(wanted).startsWith(shown));
}
