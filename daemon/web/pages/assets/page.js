// Keeps a page that is open current, and makes it walkable by keys. All of a page is there
// without it. What a server said comes here as text only; HTML comes from this daemon alone,
// through the one policy below.
"use strict";
(() => {
  const policy = window.trustedTypes ? trustedTypes.createPolicy("server", { createHTML: (s) => s, createScriptURL: ownAsset }) : { createHTML: (s) => s, createScriptURL: ownAsset };
  const base = new URL(document.currentScript.src).pathname.replace(/[^/]*$/, "");
  const view = document.body.dataset.live || "";
  const live = document.getElementById("live");
  const byId = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function ownAsset(url) {
    if (!url.startsWith(base)) throw new TypeError("no asset of this page: " + url);
    return url;
  }

  function element(name, text, className) {
    const e = document.createElement(name);
    if (text) e.textContent = text;
    if (className) e.className = className;
    return e;
  }

  // ---- times

  // coarse is the text of a duration, as the daemon writes it.
  function coarse(seconds) {
    const two = (n) => String(n).padStart(2, "0");
    const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (s < 60) return s + "s";
    if (m < 10 && s % 60) return m + "m " + two(s % 60) + "s";
    if (h < 1) return m + "m";
    if (d < 1) return m % 60 ? h + "h " + two(m % 60) + "m" : h + "h";
    return d < 10 && h % 24 ? d + "d " + (h % 24) + "h" : d + "d";
  }

  function tick() {
    for (const e of all("[data-since]")) {
      const text = coarse((Date.now() - Date.parse(e.dataset.since)) / 1000);
      if (e.textContent !== text) e.textContent = text;
    }
  }

  // ---- replacing parts by what the daemon makes anew

  // Where a finger or the focus is, nothing moves: changes wait for a tap.
  let touched = { where: null, at: 0 };
  const touch = (e) => { touched = { where: e.target, at: Date.now() }; };
  addEventListener("pointermove", touch, { passive: true });
  addEventListener("pointerdown", touch, { passive: true });

  function inUse(part) {
    const focus = document.activeElement;
    if (part.contains(focus) && focus !== document.body) return true;
    return part.contains(touched.where) && Date.now() - touched.at < 3000;
  }

  const waiting = new Map();

  function replace(id, fresh) {
    const old = byId(id);
    if (!old || !fresh || old.outerHTML === fresh.outerHTML) return;
    if (inUse(old)) {
      waiting.set(id, fresh);
      offer();
      return;
    }
    waiting.delete(id);
    fresh.classList.add("fresh");
    old.replaceWith(fresh);
    if (fresh.dataset.state) icon(fresh.dataset.state);
    wire(fresh);
  }

  // icon shows a state in the tab of the window.
  function icon(state) {
    const shown = { down: "down", degraded: "degraded", failing: "degraded", recovering: "degraded", ok: "ok" }[state] || "none";
    document.querySelector("link[rel=icon]").href = base + "icon-" + shown + ".svg";
  }

  function offer() {
    if (!live || byId("apply")) return;
    const button = element("button", "Show changes", "link");
    button.id = "apply";
    button.addEventListener("click", () => {
      touched.where = null;
      button.remove();
      if (document.activeElement) document.activeElement.blur();
      for (const [id, fresh] of waiting) replace(id, fresh);
    });
    live.after(button);
  }

  async function parsed(url, signal) {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, signal, cache: "no-store" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") location.reload();
    if (!answer.ok) throw new Error(answer.status);
    return new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html");
  }

  const parts = { overview: ["attention"], check: ["now", "waterfall", "incidents", "coming"], incident: ["now", "story"], wall: ["wall"] };
  let refreshing = 0;

  // refresh asks for what has changed, at most once a second.
  function refresh() {
    if (refreshing) return;
    refreshing = setTimeout(async () => {
      refreshing = 0;
      try {
        const page = await parsed(view === "overview" ? "/fragment/trouble" : location.href);
        for (const id of parts[view] || []) replace(id, page.getElementById(id));
        sayLive();
      } catch { sayLost(); }
    }, 1000);
  }

  // ---- live

  let source = null, lastHeard = Date.now(), fallback = 0;

  function sayLive() {
    lastHeard = Date.now();
    if (!live) return;
    live.className = "";
    live.textContent = "Live";
  }

  function sayLost() {
    if (!live) return;
    live.className = "lost";
    live.textContent = "as of " + new Date(lastHeard).toTimeString().slice(0, 5);
  }

  function listen() {
    if (!view || source || document.hidden) return;
    const now = byId("now");
    const check = now && now.dataset.check;
    source = new EventSource("/api/v1/events" + (check ? "?check=" + encodeURIComponent(check) : ""));
    source.addEventListener("hello", (e) => {
      sayLive();
      clearInterval(fallback);
      fallback = 0;
      heard(JSON.parse(e.data));
      refresh(); // what has changed since the page was made, and before its stream
    });
    source.addEventListener("checks", (e) => { sayLive(); heard(JSON.parse(e.data)); });
    source.addEventListener("incident", () => { sayLive(); refresh(); });
    source.onerror = () => {
      sayLost();
      // What is refused, or is no stream, is not tried again by the browser.
      if (!fallback) fallback = setInterval(() => { if (!document.hidden) { refresh(); if (source && source.readyState === 2) { source = null; listen(); } } }, 30000);
    };
  }

  function stop() {
    if (source) source.close();
    source = null;
    clearInterval(fallback);
    fallback = 0;
  }

  function heard(news) {
    if (news.reload || view !== "overview") {
      if (news.reload || news.checks.length || (news.incidents || []).length) refresh();
      return;
    }
    let trouble = (news.incidents || []).length > 0;
    for (const c of news.checks) trouble = patch(c) || trouble;
    if (trouble || news.checks.length) refresh();
  }

  // patch shows the state of a check where it stands, and reports whether it is another one.
  function patch(c) {
    let changed = false;
    for (const row of all("li.check")) {
      if (row.dataset.check !== c.id) continue;
      const mark = row.querySelector("[data-part=glyph]"), glyph = mark && mark.querySelector("svg");
      if (!glyph || mark.className === "is-" + c.state) continue;
      changed = true;
      mark.className = "is-" + c.state;
      glyph.setAttribute("class", "glyph is-" + c.state);
      glyph.querySelector("use").setAttribute("href", "#g-" + c.state);
      mark.querySelector(".sr").textContent = c.state;
    }
    return changed;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return stop();
    if (view) { refresh(); listen(); }
  });
  addEventListener("pagehide", stop);

  // ---- search

  function search(form) {
    let running = null, timer = 0;
    const go = async () => {
      if (running) running.abort();
      running = new AbortController();
      const query = new URLSearchParams();
      for (const [name, value] of new FormData(form)) if (value) query.set(name, value);
      const url = "/" + (String(query) ? "?" + query : "");
      try {
        const page = await parsed(url, running.signal);
        const list = page.getElementById("list");
        if (list) byId("list").replaceWith(list);
        history.replaceState(null, "", url);
      } catch (e) { if (e.name !== "AbortError") form.submit(); }
    };
    form.addEventListener("submit", (e) => { e.preventDefault(); clearTimeout(timer); go(); });
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(go, 250); });
  }

  // ---- walking the days of a strip

  function walk(strip) {
    const rows = all("tbody tr", byId(strip.dataset.walk)).reverse(), out = byId("walked");
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("height", "100%");
    let at = rows.length - 1;
    const show = (n) => {
      at = Math.max(0, Math.min(rows.length - 1, n));
      cursor.setAttribute("x", (100 * at) / rows.length + "%");
      cursor.setAttribute("width", 100 / rows.length + "%");
      if (!cursor.parentNode) strip.append(cursor);
      out.textContent = [...rows[at].cells].map((c) => c.textContent).join(" · ");
    };
    const open = () => { location.href = rows[at].querySelector("a").href; };
    const place = (e) => { const box = strip.getBoundingClientRect(); return Math.floor(((e.clientX - box.left) / box.width) * rows.length); };
    const steps = { ArrowLeft: () => at - 1, ArrowRight: () => at + 1, ArrowUp: () => at - 7, ArrowDown: () => at + 7, Home: () => 0, End: () => rows.length - 1 };
    strip.addEventListener("keydown", (e) => {
      if (e.key === "Enter" || e.key === " ") { e.preventDefault(); open(); }
      if (steps[e.key]) { e.preventDefault(); show(steps[e.key]()); }
    });
    strip.addEventListener("focus", () => show(at));
    strip.addEventListener("pointermove", (e) => show(place(e)));
    strip.addEventListener("click", (e) => { show(place(e)); open(); });
  }

  // ---- testing now: phases as they come

  async function test(button) {
    const box = byId("tested"), lines = new Map();
    button.disabled = true;
    box.hidden = false;
    box.replaceChildren(element("p", "Testing now. The result does not count.", "soft"));
    const line = (address) => {
      if (!lines.has(address)) {
        const p = element("p", "", "phases");
        p.append(element("b", address || "DNS", "mono"));
        box.append(p);
        lines.set(address, p);
      }
      return lines.get(address);
    };
    const on = {
      phase: (e) => line(e.address).append(element("span", e.phase + " " + Math.round(e.ms * 10) / 10 + " ms" + (e.ok ? "" : ": failed"), e.ok ? "" : "is-down")),
      result: (r) => {
        for (const c of r.checks) box.append(element("p", c.state === "ok" ? "All is well." : c.state + ": " + (c.hint || c.cause), c.state === "ok" ? "is-ok" : "is-down"));
      },
      problem: (p) => box.append(element("p", p.detail, "is-down")),
    };
    try {
      const path = "/api/v1/checks/" + button.dataset.test.split("/").map(encodeURIComponent).join("/") + "/test";
      const answer = await fetch(path, { method: "POST", headers: { Accept: "text/event-stream", "Content-Type": "application/json" }, body: "{}" });
      if (!answer.ok) throw new Error("The test was refused: " + answer.status);
      await readEvents(answer.body, (name, data) => on[name] && on[name](data));
    } catch (e) {
      box.append(element("p", e.message, "is-down"));
    }
    button.disabled = false;
  }

  async function readEvents(body, heard) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const text of events) {
        const name = /^event: (.*)$/m.exec(text), data = /^data: (.*)$/m.exec(text);
        if (name && data) heard(name[1], JSON.parse(data[1]));
      }
    }
  }

  // ---- exploring the latency by phase, with uPlot, which is loaded when it is asked for

  async function explore(button) {
    const section = byId("latency"), box = byId("explored");
    button.disabled = true;
    try {
      const query = new URLSearchParams({ from: section.dataset.from, to: section.dataset.to });
      const id = section.dataset.chart.split("/").map(encodeURIComponent).join("/");
      const answer = await fetch("/api/v1/checks/" + id + "/history?" + query);
      if (!answer.ok) throw new Error("The history was not to be had: " + answer.status);
      await load("uPlot.iife.min.js");
      draw(box, await answer.json());
      button.remove();
    } catch (e) {
      box.replaceChildren(element("p", e.message, "is-down"));
      button.disabled = false;
    }
    box.hidden = false;
  }

  function load(name) {
    const sheet = element("link");
    sheet.rel = "stylesheet";
    sheet.href = base + "uPlot.min.css";
    document.head.append(sheet);
    return new Promise((done, fail) => {
      const script = element("script");
      script.src = policy.createScriptURL(base + name);
      script.onload = done;
      script.onerror = () => fail(new Error("The chart could not be loaded."));
      document.head.append(script);
    });
  }

  // draw stacks the medians of the phases.
  function draw(box, { points, from, to }) {
    const order = ["dns", "connect", "tls", "greeting", "capability", "starttls", "login", "select", "logout"];
    const phases = order.filter((p) => points.some((x) => x.p50_ms && x.p50_ms[p]));
    const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue("--" + name).trim();
    const below = points.map(() => 0);
    const columns = phases.map((p) => points.map((x, i) => (x.p50_ms && x.p50_ms[p] ? (below[i] += x.p50_ms[p]) : below[i] || null)));
    const hue = (i, alpha) => "hsl(" + ((222 + 47 * i) % 360) + " 58% 52% / " + alpha + ")";
    const series = phases.map((p, i) => ({
      label: p, stroke: hue(i, 1), width: 1, fill: hue(i, 0.72),
      value: (u, v, s, at) => (at === null ? "–" : (points[at].p50_ms[p] || 0) + " ms"),
    }));
    const two = (n) => String(n).padStart(2, "0");
    const times = (u, at, i, space, step) => at.map((s) => { const d = new Date(s * 1000); return step < 86400 && (d.getHours() || d.getMinutes()) ? two(d.getHours()) + ":" + two(d.getMinutes()) : d.getFullYear() + "-" + two(d.getMonth() + 1) + "-" + two(d.getDate()); });
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
    const size = () => ({ width: box.clientWidth, height: 320 });
    box.hidden = false;
    box.replaceChildren();
    // The highest first: the lower ones are drawn over it.
    const chart = new uPlot({ ...size(), scales: { x: { range: () => [Date.parse(from) / 1000, Date.parse(to) / 1000] } }, axes: [{ ...axis, values: times }, { ...axis, values: (u, v) => v.map((n) => n + " ms"), size: 64 }], series: [{ value: (u, s) => (s ? new Date(s * 1000).toLocaleString("sv") : "–") }, ...series.reverse()] }, [points.map((x) => Date.parse(x.at) / 1000), ...columns.reverse()], box);
    addEventListener("resize", () => chart.setSize(size()));
  }

  // ---- wiring: what a part of a page has, when it is new

  function wire(root) {
    const within = (selector) => all(selector, root).concat(root.matches && root.matches(selector) ? [root] : []);
    for (const form of within("form.search")) search(form);
    for (const strip of within("[data-walk]")) if (byId(strip.dataset.walk)) walk(strip);
    for (const button of within("#test")) { button.hidden = false; button.addEventListener("click", () => test(button)); }
    for (const button of within("#explore")) { button.hidden = false; button.addEventListener("click", () => explore(button)); }
  }

  wire(document);
  setInterval(tick, 5000);
  listen();
})();
