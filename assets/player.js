// Makes a player of each [data-player]: one pair of controls and one waveform per recording, and the lines of the transcript in
// time with them. Without this script the browser's own controls play.
(() => {
  "use strict";

  const STEP = 5; // seconds of a key
  const BEFORE = 0.3; // a click on a line starts a little before its words
  const RETRY = 10000; // ms between attempts to get another address of the file
  const nonce = document.querySelector('meta[name="style-nonce"]')?.content;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const two = (number) => String(number).padStart(2, "0");
  const clock = (seconds) => {
    const all = Math.max(0, Math.floor(seconds));
    const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
    return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const points = (text) => Array.from(atob(text), (byte) => byte.charCodeAt(0) / 255);

  // A recording with its controls.
  class Part {
    constructor(player, element) {
      this.player = player;
      this.index = Number(element.dataset.part);
      this.audio = element.querySelector("audio");
      this.known = Number(element.dataset.length) || 0;
      const find = (name) => element.querySelector(`[data-${name}]`);
      [this.now, this.total, this.seek, this.head, this.problem] = ["now", "total", "seek", "head", "problem"].map(find);
      this.button = find("play");
      this.when = new Map(["paused", "playing"].map((it) => [it, element.querySelector(`[data-when="${it}"]`)]));
      this.retried = 0;
      this.audio.removeAttribute("controls");
      find("controls").hidden = false;
      this.listen(element, find("speed"));
      this.draw(find("wave"), element.dataset.peaks);
      this.show();
    }

    get length() {
      return Number.isFinite(this.audio.duration) && this.audio.duration > 0 ? this.audio.duration : this.known;
    }

    listen(element, speed) {
      const { audio } = this;
      this.button.addEventListener("click", () => this.toggle());
      for (const step of element.querySelectorAll("[data-step]")) {
        step.addEventListener("click", () => this.move(Number(step.dataset.step)));
      }
      this.seek.addEventListener("input", () => this.to(Number(this.seek.value)));
      speed.addEventListener("change", () => { audio.playbackRate = Number(speed.value); });
      for (const track of element.querySelectorAll(".lane, .wave")) {
        const drag = (event) => {
          const box = track.getBoundingClientRect();
          this.to(((event.clientX - box.left) / box.width) * this.length);
        };
        track.addEventListener("pointerdown", (event) => {
          if (event.button !== 0) return;
          track.setPointerCapture(event.pointerId);
          drag(event);
        });
        track.addEventListener("pointermove", (event) => { if (track.hasPointerCapture(event.pointerId)) drag(event); });
      }
      audio.addEventListener("play", () => { this.player.begin(this); this.show(); });
      audio.addEventListener("pause", () => { this.show(); this.player.remember(); });
      audio.addEventListener("ended", () => this.player.next(this));
      audio.addEventListener("error", () => this.fail());
      for (const event of ["timeupdate", "seeked", "loadedmetadata", "durationchange"]) {
        audio.addEventListener(event, () => this.show());
      }
    }

    // The points are given, so that nothing is fetched or decoded for the picture.
    draw(container, peaks) {
      if (!container || !peaks || !window.WaveSurfer || !this.known) return;
      const channels = peaks.split(".").map(points);
      const height = channels.length > 1 ? 32 : 64;
      const colours = () => {
        const played = channels.length > 1 ? ["agent", "caller"] : ["accent"];
        return played.map((name) => ({ waveColor: colour("wave"), progressColor: colour(name), height }));
      };
      this.wave = WaveSurfer.create({
        container, media: this.audio, peaks: channels, duration: this.known, height, cspNonce: nonce,
        barWidth: 2, barGap: 1, barRadius: 1, cursorWidth: 0, hideScrollbar: true, interact: false,
        ...colours()[0], ...(channels.length > 1 && { splitChannels: colours() }),
      });
      dark.addEventListener("change", () => {
        this.wave.setOptions({ ...colours()[0], ...(channels.length > 1 && { splitChannels: colours() }) });
      });
    }

    toggle() {
      this.player.choose(this);
      if (this.audio.paused) this.audio.play().catch(() => {});
      else this.audio.pause();
    }

    move(seconds) { this.to(this.audio.currentTime + seconds); }

    to(seconds) {
      this.player.choose(this);
      this.audio.currentTime = Math.min(Math.max(0, seconds), this.length || Infinity);
      this.moved();
      this.player.remember();
    }

    // As long as nothing is loaded, the browser says nothing of a new position.
    moved() {
      if (this.audio.readyState === 0) this.audio.dispatchEvent(new Event("timeupdate"));
      else this.show();
    }

    show() {
      const { currentTime, paused } = this.audio;
      const { length } = this;
      this.now.textContent = clock(currentTime);
      if (length) {
        this.total.textContent = clock(length);
        this.seek.max = length;
        this.head.style.left = `${Math.min(100, (currentTime / length) * 100)}%`;
      }
      this.head.hidden = !length || (currentTime === 0 && paused);
      this.seek.value = currentTime;
      this.seek.setAttribute("aria-valuetext", `${clock(currentTime)} of ${clock(length)}`);
      this.button.setAttribute("aria-label", paused ? "Play" : "Pause");
      this.when.get("paused").hidden = !paused;
      this.when.get("playing").hidden = paused;
      this.player.mark(this);
    }

    // The address of the file lives for a while only; the link has another one.
    fail() {
      const at = this.audio.currentTime;
      if (Date.now() - this.retried < RETRY) {
        this.problem.textContent = "The recording cannot be played. Reload the page, or download the file.";
        this.problem.hidden = false;
        return;
      }
      this.retried = Date.now();
      this.audio.load();
      this.audio.currentTime = at;
      this.audio.play().catch(() => {});
    }
  }

  class Player {
    constructor(root) {
      root.dataset.started = "";
      this.parts = [];
      this.hold = null;
      this.current = null;
      const lines = [...document.querySelectorAll("[data-lines] [data-start]")];
      this.lines = lines.map((element) => ({
        element, part: Number(element.dataset.part), start: Number(element.dataset.start), end: Number(element.dataset.end),
      }));
      // In the order of time; the order of the page is that of the conversation.
      this.lines.sort((a, b) => a.part - b.part || a.start - b.start);
      for (const element of root.querySelectorAll("[data-part]")) this.parts.push(new Part(this, element));
      this.active = this.parts[0];
      this.read();
      for (const line of this.lines) this.listen(line);
      document.addEventListener("keydown", (event) => this.key(event));
      const keys = document.querySelector("[data-keys]");
      if (keys) keys.hidden = false;
    }

    listen(line) {
      line.element.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || String(getSelection())) return;
        event.preventDefault();
        this.hold = line;
        this.parts[line.part].to(line.start - BEFORE);
      });
    }

    // The second in the page's address.
    read() {
      const query = new URLSearchParams(location.search);
      const at = Number.parseFloat(query.get("t"));
      const part = this.parts[Number.parseInt(query.get("part") ?? "1", 10) - 1] ?? this.parts[0];
      if (!(at >= 0) || !part) return;
      const near = (line) => line.part === part.index && line.start >= at && line.start <= at + BEFORE + 0.06;
      this.hold = this.lines.find(near) ?? null;
      this.choose(part);
      part.audio.currentTime = at;
      part.moved();
    }

    // At once, and while somebody drags now and then: browsers limit how often an address changes.
    remember() {
      if (!this.active || this.written) return;
      this.write();
      this.written = setTimeout(() => { this.written = 0; this.write(); }, 300);
    }

    write() {
      const url = new URL(location.href);
      url.searchParams.set("t", String(Math.round(this.active.audio.currentTime * 10) / 10));
      if (this.parts.length > 1) url.searchParams.set("part", String(this.active.index + 1));
      history.replaceState(history.state, "", url);
    }

    choose(part) { this.active = part; }

    begin(part) {
      this.choose(part);
      for (const other of this.parts) if (other !== part) other.audio.pause();
      if (this.frame) return;
      let written = Date.now();
      const turn = () => {
        this.frame = this.active.audio.paused ? 0 : requestAnimationFrame(turn);
        this.active.show();
        if (Date.now() - written > 5000) {
          written = Date.now();
          this.remember();
        }
      };
      this.frame = requestAnimationFrame(turn);
    }

    next(part) {
      const following = this.parts[part.index + 1];
      if (following) following.audio.play().catch(() => {});
    }

    // Marks the line that is heard: the last that has begun, or the one that was clicked and begins at once.
    mark(part) {
      if (part !== this.active) return;
      const now = part.audio.currentTime;
      const { hold } = this;
      if (hold && (hold.part !== part.index || now < hold.start - BEFORE - 0.1 || now >= hold.start)) this.hold = null;
      const line = this.hold ?? this.heard(part.index, now);
      if (line === this.current) return;
      const followed = !this.current || this.inView(this.current);
      this.current?.element.removeAttribute("aria-current");
      this.current = line;
      line?.element.setAttribute("aria-current", "true");
      if (line && followed && !part.audio.paused) line.element.scrollIntoView({ block: "nearest" });
    }

    heard(part, now) {
      let found = null;
      for (const line of this.lines) {
        if (line.part === part && line.start <= now) found = line;
        else if (line.part > part) break;
      }
      return found;
    }

    inView({ element }) {
      const { top, bottom } = element.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    }

    key(event) {
      const { target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !this.active) return;
      if (target.closest?.("textarea, select, dialog, [contenteditable], input:not([type=range])")) return;
      if (event.key === " ") {
        if (target.closest?.("button, a, summary")) return;
        this.active.toggle();
      } else if (event.key === ",") this.active.move(-STEP);
      else if (event.key === ".") this.active.move(STEP);
      else return;
      event.preventDefault();
    }
  }

  for (const root of document.querySelectorAll("[data-player]:not([data-started])")) new Player(root);
})();
