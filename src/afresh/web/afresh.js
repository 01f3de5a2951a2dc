// Keeps the page as it is now: listens to what happens, and fetches its content again when the judgement has changed.
(() => {
  "use strict";
  if (!window.EventSource || document.querySelector('form[action="/login"]')) return;
  const lost = document.getElementById("link");
  const LOST_AFTER = 7000;
  const soon = () => 50 + 250 * Math.random();  // all who look hear of a change at once, and should not ask at once
  let heard = Date.now(), waiting = 0;

  // What an element is after the page was made again: numbers in its words may have changed.
  const named = (one) => [one.tagName, one.id, one.getAttribute("name"), one.getAttribute("href"),
    one.tagName === "SUMMARY" ? one.textContent.replace(/\d+/g, "#").replace(/tables?/g, "table") : ""].join(" ");

  const busy = () => {
    const active = document.activeElement;
    return active && active.closest("main form") || document.querySelector("main .ask[open]");
  };

  const refresh = async () => {
    waiting = 0;
    if (busy()) { later(2000); return; }
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok && answer.status !== 422) return;  // 422: the page whose form was not understood
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = [...document.querySelectorAll("main details[open] > summary")].map(named);
      const active = document.activeElement;
      const focus = active && active.closest("main, footer") ? named(active) : null;
      for (const part of ["main", "footer"]) {
        document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
      }
      for (const summary of document.querySelectorAll("main details > summary")) {
        if (open.includes(named(summary))) summary.parentElement.open = true;
      }
      if (focus) {
        const same = [...document.querySelectorAll("main, main *, footer *")].find((one) => named(one) === focus);
        if (same) same.focus({ preventScroll: true });
      }
      document.title = page.title;
    } catch { /* the link is lost, which is shown by the clock below */ }
  };
  const later = (delay) => { if (!waiting) waiting = setTimeout(refresh, delay); };

  const listen = () => {
    const events = new EventSource("/api/v1/events");
    const alive = () => { heard = Date.now(); lost.hidden = true; };
    events.onopen = alive;
    events.addEventListener("beat", (event) => {
      alive();
      if (JSON.parse(event.data).mark !== document.querySelector("main").dataset.mark) later(soon());
    });
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000); };
    window.addEventListener("pagehide", () => events.close());
  };
  setInterval(() => { lost.hidden = Date.now() - heard < LOST_AFTER; }, 1000);
  listen();
})();
