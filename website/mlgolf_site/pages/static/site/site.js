// Times in the reader's own zone, what is left until a competition closes, and runs as they go on.
"use strict";

const zone = { dateStyle: "medium", timeStyle: "short" };

function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    if (!isNaN(moment)) {
      time.title = time.textContent;
      time.textContent = moment.toLocaleString(undefined, zone);
    }
  }
  countDown(root);
}

function countDown(root) {
  for (const time of root.querySelectorAll("time[data-ends]")) {
    const end = new Date(time.dateTime), here = `${end.toLocaleString(undefined, zone)} where you are`;
    const told = time.nextElementSibling;
    time.title = here;
    if (told?.hasAttribute("data-left")) {
      told.textContent = told.dataset.left === "here" ? `${left(end)} (${here})` : left(end);
    }
  }
}

function left(end) {
  const seconds = (end - Date.now()) / 1000;
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds % 86400 / 3600);
  const minutes = Math.floor(seconds % 3600 / 60);
  if (seconds < 0) return "closed";
  return days ? `${days} d ${hours} h left` : `${hours} h ${minutes} min left`;
}

// --- a run as it goes on ---

const SVG = "http://www.w3.org/2000/svg";
const points = new Map(); // by trial: [[seconds, loss], …]

function numbersOf(event) {
  const name = Object.keys(event.metrics || {}).find((key) => key === "train/loss")
    || Object.keys(event.metrics || {})[0];
  if (name === undefined || event.seconds === null) return;
  if (!points.has(event.trial)) points.set(event.trial, []);
  points.get(event.trial).push([event.seconds, event.metrics[name]]);
}

function draw() {
  const box = document.getElementById("curve");
  const all = [...points.values()].flat().filter(([, y]) => y > 0);
  if (!box || all.length < 2) return;
  const width = 640, height = 220, left = 56, bottom = 26;
  const xs = all.map(([x]) => x), ys = all.map(([, y]) => Math.log10(y));
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (v) => left + (v - x0) / (x1 - x0 || 1) * (width - left - 8);
  const y = (v) => 8 + (y1 - Math.log10(v)) / (y1 - y0 || 1) * (height - bottom - 8);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", box.dataset.title);
  const add = (name, attributes, text) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    svg.append(node);
  };
  for (const value of [10 ** y0, 10 ** ((y0 + y1) / 2), 10 ** y1]) {
    add("line", { x1: left, x2: width - 8, y1: y(value), y2: y(value) });
    add("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(3));
  }
  for (const value of [x0, x1]) {
    add("text", { x: x(value), y: height - 8, "text-anchor": value === x0 ? "start" : "end" },
      `${value.toFixed(1)} s`);
  }
  for (const own of points.values()) {
    const steps = own.filter(([, v]) => v > 0);
    add("path", { d: steps.map(([a, b], i) => `${i ? "L" : "M"}${x(a)} ${y(b)}`).join("") });
  }
  box.replaceChildren(svg);
  box.hidden = false;
}

function said(kind, event) {
  if (kind === "log") return event.line;
  if (kind === "state") return `— ${event.state}: ${event.reason}`;
  const metrics = Object.entries(event.metrics || {}).map(
    ([k, v]) => `, ${k} ${v === null ? "not finite" : v.toPrecision(5)}`
  );
  return `${event.trial} step ${event.step}, ${(event.seconds ?? 0).toFixed(2)} s${metrics.join("")}`;
}

function follow(log) {
  // From the start, so that the curve has its beginning; what the page came with is written anew.
  const source = new EventSource(`${log.dataset.events}?after=0`);
  let wanted = false, first = true;
  for (const kind of ["log", "evaluation", "state"]) {
    source.addEventListener(kind, (message) => {
      const event = JSON.parse(message.data);
      if (first) log.textContent = "";
      first = false;
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      log.append(`${said(kind, event)}\n`);
      if (atEnd) log.scrollTop = log.scrollHeight;
      if (kind === "evaluation") {
        numbersOf(event);
        if (!wanted) {
          wanted = true;
          requestAnimationFrame(() => { wanted = false; draw(); });
        }
      }
    });
  }
  source.addEventListener("end", () => { source.close(); location.reload(); });
  // A connection that broke is made again; one that was refused, as one too many, is not.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) reloadInstead();
  });
}

function reloadInstead() {
  document.getElementById("not-live").hidden = false;
  setTimeout(() => {
    if (!document.hidden) location.reload();
    else document.addEventListener("visibilitychange", () => location.reload(), { once: true });
  }, 15_000);
}

document.addEventListener("DOMContentLoaded", () => {
  localTimes(document);
  setInterval(() => countDown(document), 60_000);
  const log = document.getElementById("log");
  if (log) {
    log.scrollTop = log.scrollHeight;
    if (log.dataset.events) follow(log);
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  localTimes(event.target);
  // Read out when it changes, not every time that it is asked for.
  const now = document.querySelector("#state strong"), told = document.getElementById("told");
  if (now && told && told.textContent !== now.textContent) told.textContent = now.textContent;
});
