// The picture of a clip, and its video once somebody wants to see it: from its link where the browser may load that,
// else read through the host, else not at all, and then with the reason.

const barred = new Set(); // origins that the host's policy kept out

document.addEventListener("securitypolicyviolation", ({ blockedURI }) => {
  const url = link(blockedURI, "https:", "http:");
  if (url) barred.add(url.origin);
});

/**
 * Make the picture of one clip, as `readClip` returns it.
 * `explain`: shows a sentence under the picture, for what cannot be played.
 */
function picture(host, clip, explain, actions) {
  const frame = h("div", { class: "picture" });
  frame.style.setProperty("--ratio", String(clip.ratio));
  if (clip.remoteUrl) {
    remotePlayer(host, clip, explain, actions, frame);
  } else if (clip.fileUrl) {
    localPlayer(host, clip, explain, frame);
  } else {
    frame.append(blank());
    explain("This clip has no address yet.", { remedy: renewal(actions) });
  }
  return frame;
}

function remotePlayer(host, clip, explain, actions, frame) {
  const video = videoElement(clip, { preload: "metadata", poster: clip.posterUrl?.href });
  const play = playButton(clip, () => start(video, play));
  video.addEventListener("error", async () => {
    await new Promise((resolve) => setTimeout(resolve, 50)); // the browser tells of the failure before it tells of a policy
    frame.replaceChildren(blank());
    if (clip.isLocal && host.can("serverResources")) {
      localPlayer(host, clip, explain, frame);
    } else if (barred.has(clip.remoteUrl.origin)) {
      explain("This host does not play videos from there. Open the link instead.", { failed: true });
    } else {
      explain("The video did not load; its link may have expired.", { failed: true, remedy: renewal(actions) });
    }
  });
  frame.append(video, play);
  // Without a poster the first picture is shown; some browsers need to be told that it is wanted.
  video.src = clip.posterUrl ? clip.remoteUrl.href : `${clip.remoteUrl.href.split("#")[0]}#t=0.05`;
}

/** A clip on the machine of the server: its poster, and on a click the video, both read through the host. */
function localPlayer(host, clip, explain, frame) {
  frame.replaceChildren(blank());
  if (!host.can("serverResources")) {
    explain("This host does not let the page read clips. Open the file with your video player.", { failed: true });
    return;
  }
  const uri = `reka-clips://clips/${clip.generationId}`;
  showPoster(host, `${uri}/posters/${clip.number}`, frame);
  if (clip.bytes > PLAYABLE_BYTES) {
    const size = `${megabytes(clip.bytes)} are too much to play here (up to ${megabytes(PLAYABLE_BYTES)}).`;
    explain(`${size} Open the file with your video player.`, { failed: true });
    return;
  }
  const play = playButton(clip, async () => {
    play.disabled = true;
    play.classList.add("busy");
    announce(`Loading ${clip.name}.`);
    try {
      const video = await localVideo(await host.readResource(`${uri}/videos/${clip.number}`), clip);
      frame.replaceChildren(video);
      start(video, play);
    } catch (error) {
      play.remove();
      explain(`It cannot be played here: ${plain(error.message)}`, { failed: true });
    }
  });
  frame.append(play);
}

async function showPoster(host, uri, frame) {
  try {
    const { blob, mimeType } = await host.readResource(uri);
    if (mimeType !== "image/jpeg") return;
    const image = h("img", { alt: "", class: "poster" });
    image.src = `data:image/jpeg;base64,${blob}`;
    await image.decode();
    frame.querySelector(".blank")?.replaceWith(image);
  } catch {
    // Without a poster the blank picture stays, and the clip plays all the same.
  }
}

/** Return a video element that can play, from the first kind of link that the host's policy allows. */
async function localVideo({ blob, mimeType }, clip) {
  if (mimeType !== "video/mp4" || !blob) throw new HostError("The host returned no video.");
  const data = `data:video/mp4;base64,${blob}`; // what the policy in the specification lets through
  const bytes = Uint8Array.from(atob(blob), (character) => character.charCodeAt(0));
  const object = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  for (const source of [data, object]) {
    const video = videoElement(clip, { preload: "auto" });
    if (await loads(video, source)) return video;
  }
  URL.revokeObjectURL(object);
  throw new HostError("this host does not play videos in pages.");
}

function loads(video, source) {
  return new Promise((resolve) => {
    video.addEventListener("loadedmetadata", () => resolve(true), { once: true });
    video.addEventListener("error", () => resolve(false), { once: true });
    video.src = source;
  });
}

/** Hand the picture over to the browser's own player. */
function start(video, play) {
  play.remove();
  video.controls = true;
  video.focus();
  video.play().catch(() => {}); // a host may ask for one more click: the controls are there
}

function videoElement(clip, attributes) {
  const video = h("video", { playsinline: true, "aria-label": clip.name, ...attributes });
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== video) other.pause();
    video.closest(".card")?.classList.add("playing");
  });
  return video;
}

function playButton(clip, click) {
  return h("button", { type: "button", class: "play", "aria-label": `Play ${clip.name}`, click }, icon("play"));
}

function renewal(actions) {
  return actions.renew ? button(null, "Renew the link", actions.renew) : null;
}

function blank() {
  return h("div", { class: "blank" }, icon("film"));
}
