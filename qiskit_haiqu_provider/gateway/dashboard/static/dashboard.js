/* Local times, copy buttons, and the live state of jobs. Pages work without it. */
(() => {
  "use strict";

  const SOON = 800;
  const LATER = 4000;
  const MANY = 100;
  const started = Date.now();
  const format = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

  function prepare(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      time.title = time.textContent;
      time.textContent = format.format(new Date(time.dateTime));
    }
    for (const button of root.querySelectorAll("[data-copy]")) {
      button.hidden = !navigator.clipboard;
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const text = button.firstChild;
    text.textContent = "Copied";
    setTimeout(() => { text.textContent = "Copy"; }, 1500);
  });

  function setStatus(root, word) {
    const badge = root.querySelector("[data-status]");
    const text = badge.querySelector("[data-status-word]");
    if (text.textContent === word) return;
    badge.className = `status status-${word.toLowerCase()}`;
    text.textContent = word;
  }

  function setText(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function updateJob(view, state) {
    setStatus(view, state.status);
    setText(view.querySelector("[data-logs]"), state.logs || "Nothing yet.");
    const progress = view.querySelector("[data-progress]");
    if (progress && state.total) {
      progress.hidden = false;
      progress.querySelector("progress").max = state.total;
      progress.querySelector("progress").value = state.done;
      setText(progress.querySelector("[data-progress-text]"), `${state.done} of ${state.total}`);
    }
  }

  /* The job has ended: its page has results now. What is read aloud stays in place, so that the end is announced. */
  async function replaceJob(view) {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("job");
    const hadFocus = view.contains(document.activeElement);
    const [standing, newStanding] = [view.querySelector(".standing"), fresh.querySelector(".standing")];
    setStatus(standing, newStanding.querySelector("[data-status-word]").textContent);
    swap(view, fresh, ".title-side > form");
    swap(view, fresh, ".columns");
    view.querySelector("[data-progress]")?.remove();
    if (!fresh.hasAttribute("data-unfinished")) view.removeAttribute("data-unfinished");
    prepare(view);
    document.dispatchEvent(new CustomEvent("dashboard:replaced"));
    if (hadFocus && !view.contains(document.activeElement)) view.querySelector("h1").focus();
  }

  function swap(view, fresh, selector) {
    const [old, young] = [view.querySelector(selector), fresh.querySelector(selector)];
    if (old && young) old.replaceWith(young);
    else if (old) old.remove();
  }

  async function follow() {
    const view = document.querySelector("[data-live][data-unfinished]");
    const rows = [...document.querySelectorAll("tr[data-job][data-unfinished]")];
    const ids = new Set(rows.slice(0, MANY).map((row) => row.dataset.job));
    if (view) ids.add(view.dataset.live);
    if (!ids.size) return;
    if (!document.hidden) {
      try {
        const query = [...ids].map((id) => `id=${encodeURIComponent(id)}`).join("&");
        const answer = await fetch(`/dashboard/jobs/live.json?${query}`);
        if (answer.status === 401) return location.reload();
        if (answer.ok) await show(await answer.json(), view, rows);
      } catch {
        /* The gateway is away; it is asked again. */
      }
    }
    setTimeout(follow, Date.now() - started < 60000 ? SOON : LATER);
  }

  async function show(states, view, rows) {
    for (const row of rows) {
      const state = states[row.dataset.job];
      if (!state) continue;
      setStatus(row, state.status);
      if (state.final) row.removeAttribute("data-unfinished");
    }
    const state = view && states[view.dataset.live];
    if (!state) return;
    if (state.final) await replaceJob(view);
    else updateJob(view, state);
  }

  prepare(document);
  follow();
})();
