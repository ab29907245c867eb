/* What is now, as a stream; where a proxy holds a stream back, asked for again and again. */

const FIRST_MS = 5000;
const BEAT_MS = 25000;
const POLL_MS = 5000;
const RETRY_MS = 60000;

export async function ask(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

export class Feed {
  /* `take(now)` gets what is now; `lose()` is called when nothing comes. */
  constructor(take, lose) {
    this.take = take;
    this.lose = lose;
    this.stream = null;
    this.watch = null;
    this.timer = null;
  }

  start() {
    this.poll(false);
    this.listen();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.poll(false);
    });
  }

  listen() {
    if (typeof EventSource === "undefined") return this.keepPolling();
    this.stream = new EventSource("api/events");
    this.expect(FIRST_MS);
    this.stream.addEventListener("now", (event) => {
      this.stopPolling();
      this.expect(BEAT_MS);
      this.hear(JSON.parse(event.data));
    });
    this.stream.addEventListener("error", () => this.keepPolling());
  }

  hear(now) {
    document.documentElement.dataset.feed = this.timer === null ? "stream" : "poll";
    this.take(now);
  }

  /* Without an event in time the stream is given up, and tried again later. */
  expect(within) {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => {
      this.stream.close();
      this.keepPolling();
      this.watch = setTimeout(() => this.listen(), RETRY_MS);
    }, within);
  }

  keepPolling() {
    if (this.stream && this.stream.readyState === 2) {
      clearTimeout(this.watch);
      this.watch = setTimeout(() => this.listen(), RETRY_MS);
    }
    if (this.timer !== null) return;
    this.timer = setInterval(() => this.poll(true), POLL_MS);
    this.poll(true);
  }

  stopPolling() {
    clearInterval(this.timer);
    this.timer = null;
  }

  async poll(isOnlyWay) {
    try {
      this.hear(await ask("api/now"));
    } catch {
      if (isOnlyWay) this.lose();
    }
  }
}
