// Asks for the state of a generation for as long as it runs and somebody looks.

const POLL_FIRST_MS = 2000;
const POLL_SLOWEST_MS = 15000;
const POLL_AFTER_ERROR_MS = 60000;
const POLL_GROWTH = 1.3;

/** `ask`: returns whether something changed, or throws. It is called again until `stop`. */
class Poller {
  #ask;
  #wait = POLL_FIRST_MS;
  #timer = null;
  #seen = false; // whether the page was on the screen at all: a host may start it without any height
  #onScreen = true;
  #stopped = false;
  #asking = false;
  #observer;

  constructor(ask) {
    this.#ask = ask;
    this.#observer = new IntersectionObserver((entries) => {
      const visible = entries.at(-1).isIntersecting;
      this.#seen ||= visible;
      this.#onScreen = visible || !this.#seen;
      this.#resume();
    });
    this.#observer.observe(document.getElementById("gallery"));
    document.addEventListener("visibilitychange", this.#resume);
    this.#schedule();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    document.removeEventListener("visibilitychange", this.#resume);
  }

  get #visible() {
    return !document.hidden && this.#onScreen;
  }

  #resume = () => {
    if (this.#stopped || this.#asking) return;
    if (!this.#visible) {
      clearTimeout(this.#timer);
      this.#timer = null;
    } else if (this.#timer === null) {
      this.#wait = POLL_FIRST_MS;
      this.#poll();
    }
  };

  #schedule() {
    if (this.#stopped || !this.#visible) return;
    this.#timer = setTimeout(() => this.#poll(), this.#wait);
  }

  async #poll() {
    this.#timer = null;
    this.#asking = true;
    try {
      const changed = await this.#ask();
      this.#wait = changed ? POLL_FIRST_MS : Math.min(this.#wait * POLL_GROWTH, POLL_SLOWEST_MS);
    } catch {
      this.#wait = Math.min(this.#wait * 2, POLL_AFTER_ERROR_MS);
    }
    this.#asking = false;
    this.#schedule();
  }
}
