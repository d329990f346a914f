// The picture of a clip: a player where the browser may load the video, else a poster, else the plain link.

/**
 * Make the picture of one clip, as `readClip` returns it.
 * `explain`: shows a sentence under the picture, for what cannot be played.
 */
function picture(host, clip, explain) {
  const frame = h("div", { class: "picture" });
  frame.style.setProperty("--ratio", String(clip.ratio));
  const remote = link(clip.videoUrl, "https:", "http:");
  if (remote) {
    frame.append(remotePlayer(host, remote, clip, explain, frame));
  } else if (link(clip.videoUrl, "file:")) {
    localPlayer(host, clip, explain, frame);
  } else {
    frame.append(blank("film"));
    explain("This clip has no address yet. Ask for its status again in a minute.");
  }
  return frame;
}

function remotePlayer(host, url, clip, explain, frame) {
  const poster = link(clip.posterUrl, "https:", "http:");
  const video = videoElement(clip, { preload: "metadata", poster: poster?.href });
  video.addEventListener("error", () => {
    // The host's policy, as a rule. What the server has itself can still come through the host.
    frame.replaceChildren();
    if (clip.isLocal && host.can("serverResources")) {
      localPlayer(host, clip, explain, frame);
    } else {
      frame.append(blank("film"));
      explain("It cannot be played here. Open the link instead.");
    }
  });
  video.src = url.href;
  return video;
}

/** A clip on the machine of the server: its poster, and on a click the video, both read through the host. */
function localPlayer(host, clip, explain, frame) {
  frame.append(blank("film"));
  if (!host.can("serverResources")) {
    explain("This host does not let the page read clips. Open the file with your video player.");
    return;
  }
  const uri = `reka-clips://clips/${clip.generationId}`;
  showPoster(host, `${uri}/posters/${clip.number}`, frame);
  if (clip.bytes > PLAYABLE_BYTES) {
    explain(`With ${megabytes(clip.bytes)} it is too large to play here. Open the file with your video player.`);
    return;
  }
  const play = h("button", { type: "button", class: "play", "aria-label": `Play ${clip.name}` }, icon("play"));
  play.addEventListener("click", async () => {
    play.disabled = true;
    play.classList.add("busy");
    announce(`Loading ${clip.name}.`);
    try {
      const video = await localVideo(await host.readResource(`${uri}/videos/${clip.number}`), clip);
      frame.replaceChildren(video);
      video.focus();
      video.play().catch(() => {}); // a host may ask for one more click: the controls are there
    } catch (error) {
      play.remove();
      explain(`It cannot be played here: ${plain(error.message)}`);
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
  const bytes = Uint8Array.from(atob(blob), (character) => character.charCodeAt(0));
  const objectUrl = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  for (const source of [objectUrl, `data:video/mp4;base64,${blob}`]) {
    const video = videoElement(clip, { preload: "auto" });
    if (await loads(video, source)) return video;
  }
  URL.revokeObjectURL(objectUrl);
  throw new HostError("This host does not play videos in pages.");
}

function loads(video, source) {
  return new Promise((resolve) => {
    video.addEventListener("loadedmetadata", () => resolve(true), { once: true });
    video.addEventListener("error", () => resolve(false), { once: true });
    video.src = source;
  });
}

function videoElement(clip, attributes) {
  const video = h("video", { controls: true, playsinline: true, "aria-label": clip.name, ...attributes });
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== video) other.pause();
    video.closest(".card")?.classList.add("playing");
  });
  return video;
}

function blank(iconName) {
  return h("div", { class: "blank" }, icon(iconName));
}
