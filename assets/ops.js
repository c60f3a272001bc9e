// The pages under /ops work without this script. With it they show changes by themselves, answer keys, ask in dialogs and
// copy.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const live = document.getElementById("live");
  document.documentElement.setAttribute("data-script", "");

  const say = (text) => {
    if (live) live.textContent = text;
  };

  // A page of the service; `null`: it cannot be had now.
  const load = async (address) => {
    try {
      const answer = await fetch(address, { headers: { accept: "text/html" } });
      return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    } catch {
      return null;
    }
  };

  // --- what is hidden until somebody asks ---------------------------------------------------------------------------

  const reveal = (element) => {
    const isVeiled = element.classList.toggle("veiled");
    if (isVeiled) element.title = "Hidden: click to show";
    else element.removeAttribute("title");
  };

  document.addEventListener("click", (event) => {
    const hidden = event.target.closest("[data-private]");
    if (hidden) reveal(hidden);
  });

  // --- copying ------------------------------------------------------------------------------------------------------

  const offerCopies = () => {
    if (navigator.clipboard) for (const button of all("[data-copy]")) button.hidden = false;
  };
  offerCopies();

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    button.dataset.name ??= button.textContent;
    const said = await navigator.clipboard.writeText(button.dataset.copy).then(() => "Copied", () => "Not allowed");
    button.textContent = said;
    say(said);
    setTimeout(() => (button.textContent = button.dataset.name), 1500);
  });

  // --- dialogs: the page that asks, in a dialog ---------------------------------------------------------------------

  const ask = async (address) => {
    const page = await load(address);
    const content = page && one("[data-dialog]", page);
    if (!content) return location.assign(address);
    const dialog = document.createElement("dialog");
    dialog.className = "ask";
    dialog.append(content);
    // Addresses in the page are relative to its own.
    const base = new URL(address, location.href);
    for (const form of all("form", dialog)) form.action = new URL(form.getAttribute("action"), base).href;
    for (const link of all("a", dialog)) link.href = new URL(link.getAttribute("href"), base).href;
    const title = one("h1", dialog);
    if (title) {
      title.id = "ask-title";
      dialog.setAttribute("aria-labelledby", "ask-title");
    }
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => {
      if (!event.target.closest("[data-close]")) return;
      event.preventDefault();
      dialog.close();
    });
    dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-confirm]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask(link.href);
  });

  const selection = document.getElementById("selection");
  if (selection) {
    selection.addEventListener("submit", (event) => {
      event.preventDefault();
      const query = new URLSearchParams(new FormData(selection));
      if (!query.has("call")) {
        say("Select at least one call");
        const first = one("input[name=call]:enabled");
        if (first) first.focus();
        return;
      }
      ask(`${selection.action}?${query}`);
    });
  }

  // --- keys ---------------------------------------------------------------------------------------------------------

  const rows = () => all("#calls tbody tr");
  const current = () => one("#calls tr[aria-selected=true]");

  const select = (row) => {
    if (!row) return;
    for (const other of all("#calls tr[aria-selected]")) other.removeAttribute("aria-selected");
    row.setAttribute("aria-selected", "true");
    one("th a", row).focus();
    row.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const list = rows();
    const at = list.indexOf(current());
    select(at < 0 ? list[step > 0 ? 0 : list.length - 1] : list[at + step]);
  };

  const nextError = () => {
    const list = rows();
    const at = list.indexOf(current());
    const isWrong = (row) => one("[data-status=failed], [data-delivery=dead], [data-delivery=parked]", row) || one(".reason:not([data-note])", row)?.textContent;
    const after = [...list.slice(at + 1), ...list.slice(0, at + 1)];
    if (list.length) {
      select(after.find(isWrong));
      return;
    }
    const wrong = all(".moments .answer, .delivery .answer, .notice.bad").map((it) => it.closest("tr, .delivery, .notice") || it);
    const next = wrong.find((it) => it.getBoundingClientRect().top > 8) || wrong[0];
    if (!next) return;
    next.tabIndex = -1;
    next.focus();
    next.scrollIntoView({ block: "center" });
  };

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    e: nextError,
    "/": () => document.getElementById("q")?.focus(),
    "?": () => document.getElementById("keys")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("[data-private]")) {
      event.preventDefault();
      reveal(event.target);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog[open]")) return;
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  // --- what changes -------------------------------------------------------------------------------------------------

  const table = document.getElementById("calls");
  const watched = one("[data-watch]");
  const news = document.getElementById("news");
  const isList = location.pathname.replace(/\/$/, "").endsWith("/ops");
  const query = new URLSearchParams(location.search);
  const fresh = new Set();

  const isPlainList = () => [...query.keys()].every((name) => name === "status" || !query.get(name));

  const number = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  const showCounts = (counts) => {
    for (const count of all("[data-count]")) {
      const now = counts[count.dataset.count];
      if (now !== undefined) count.textContent = number(now);
    }
  };

  const showNews = (text) => {
    if (!news) return;
    one("[data-news]", news).textContent = text;
    news.hidden = false;
    say(text);
  };

  const showRow = (changed) => {
    const row = document.getElementById(`call-${changed.id}`);
    if (!row) {
      const status = query.get("status");
      if (!isPlainList() || query.get("cursor") || (status && status !== changed.status)) return;
      const newest = one("#calls tbody time")?.getAttribute("datetime");
      if (newest && changed.started && Date.parse(changed.started) < Date.parse(newest)) return;
      fresh.add(changed.id);
      showNews(`${fresh.size} new`);
      return;
    }
    const parsed = document.createElement("template");
    parsed.innerHTML = changed.html;
    const next = parsed.content.firstElementChild;
    const select = one("td.select", row);
    if (select) next.prepend(select);
    if (row.getAttribute("aria-selected")) next.setAttribute("aria-selected", "true");
    const hadFocus = row.contains(document.activeElement);
    if (one("[data-private]:not(.veiled)", row)) all("[data-private]", next).forEach(reveal);
    row.replaceWith(next);
    next.classList.add("changed");
    if (hadFocus) one("th a", next).focus();
    offerRetry();
  };

  // Only what is not done can be retried.
  const offerRetry = () => {
    const waits = (row) => one("[data-delivery]", row) !== null;
    const some = rows().some(waits);
    for (const row of rows()) {
      const box = one("input[name=call]", row);
      if (!box) continue;
      box.disabled = !waits(row);
      if (box.disabled) box.checked = false;
    }
    if (!selection) return;
    one("button", selection).disabled = !some;
    one("[data-nothing]", selection).hidden = some;
    if (some) one("[data-all]", selection).hidden = false;
  };

  // The call's page is loaded again, and its parts that may have changed are exchanged.
  const refreshCall = async () => {
    const page = await load(watched.dataset.address + location.search);
    if (!page) return;
    for (const id of ["deliveries", "timeline", "facts", "figures", "participants", "recordings"]) {
      const [old, next] = [document, page].map((it) => it.getElementById(id)?.closest("section"));
      if (old && next) exchange(old, next);
    }
    const [before, after] = [document, page].map((it) => it.getElementById("notices"));
    if (before && after && before.innerHTML !== after.innerHTML) exchange(before, after);
    const [old, next] = [document, page].map((it) => one("header.title h1 .pill", it));
    if (old && next && old.textContent !== next.textContent) {
      old.replaceWith(document.importNode(next, true));
      say(`Status: ${next.textContent}`);
    }
    refreshCounts(page);
    offerCopies();
  };

  // The counts in the bar at the top, unless somebody is just there.
  const refreshCounts = (page) => {
    const [old, next] = [document, page].map((it) => one("header.top nav", it));
    if (old && next && old.innerHTML !== next.innerHTML && !old.contains(document.activeElement)) exchange(old, next);
  };

  // What has the focus keeps it, and what somebody asked to see stays visible.
  const exchange = (old, next) => {
    const focused = document.activeElement;
    const place = all("a, button, [tabindex]", old).indexOf(focused);
    const seen = all("[data-private]:not(.veiled)", old).map((it) => it.textContent);
    old.replaceChildren(...document.importNode(next, true).childNodes);
    all("[data-private]", old).filter((it) => seen.includes(it.textContent)).forEach(reveal);
    all("a, button, [tabindex]", old)[place]?.focus();
  };

  const handlers = {
    calls: (event) => {
      const { counts, rows: changed, many } = JSON.parse(event.data);
      showCounts(counts);
      changed.forEach(showRow);
      if (many) showNews("Many calls have changed");
    },
    call: refreshCall,
    missed: () => (watched ? refreshCall() : showNews("Calls have changed")),
  };

  const root = one("link[rel=stylesheet]")?.getAttribute("href").split("assets/")[0] ?? "/";
  let source = null;
  let wasHidden = false;

  const open = () => {
    const call = watched ? `?call=${encodeURIComponent(watched.dataset.watch)}` : "";
    source = new EventSource(`${root}ops/events${call}`);
    for (const [name, handler] of Object.entries(handlers)) source.addEventListener(name, handler);
    source.addEventListener("open", () => document.documentElement.setAttribute("data-live", ""));
    if (!wasHidden) return;
    wasHidden = false;
    if (watched) refreshCall();
    else showNews("Calls may have changed");
  };

  const close = () => {
    source?.close();
    source = null;
    document.documentElement.removeAttribute("data-live");
  };

  const follow = () => {
    if (document.hidden) {
      wasHidden = source !== null;
      close();
    } else if (!source) open();
  };

  // A part that is loaded again every so many seconds, while somebody can see it; when it is gone, so is the page.
  const again = async (old) => {
    const page = document.hidden ? null : await load(location.href);
    const next = page && one("[data-again]", page);
    if (page && !next) return location.reload();
    if (next && next.innerHTML !== old.innerHTML) exchange(old, next);
    if (page) refreshCounts(page);
    setTimeout(again, Number(old.dataset.again) * 1000, old);
  };
  const repeated = one("[data-again]");
  if (repeated) setTimeout(again, Number(repeated.dataset.again) * 1000, repeated);

  if (watched || (isList && (table || one(".empty, .first-run")))) {
    document.addEventListener("visibilitychange", follow);
    window.addEventListener("pagehide", close);
    follow();
  }
})();
