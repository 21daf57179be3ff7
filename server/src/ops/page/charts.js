// Charts of the counters in /metrics. The page asks for them every two seconds, while someone may be looking.

import { metrics } from "./api.js";
import { element, perSecond } from "./format.js";

const INTERVAL = 2000;
const POINTS = 60;
const [WIDTH, HEIGHT] = [480, 120];
const SVG = "http://www.w3.org/2000/svg";

/** The charts: a counter, and how its samples become lines. A sample without a line is not drawn. */
const CHARTS = [
  {
    id: "requests", title: "Requests", counter: "influxdb3_tokens_requests_total",
    lines: [["2xx", "succeeded", "accent"], ["4xx", "refused (4xx)", "warn"], ["5xx", "failed (5xx)", "bad"]],
    lineOf: (labels) => `${labels.status?.[0]}xx`,
  },
  {
    id: "refusals", title: "Refused credentials", counter: "influxdb3_tokens_authentications_total",
    lines: [
      ["missing", "missing", "muted"], ["malformed", "malformed", "accent"], ["unknown", "unknown", "bad"],
      ["ended", "expired or deleted", "warn"], ["insufficient", "insufficient", "good"],
    ],
    lineOf: ({ reason }) => ({ refused: "unknown", expired: "ended", deleted: "ended" })[reason] ?? reason,
  },
];

/** The samples of a counter in the text format: `[labels, value]`. */
export function samples(text, counter) {
  const found = [];
  for (const line of text.split("\n")) {
    if (!line.startsWith(counter) || !/[{ ]/.test(line[counter.length] ?? "")) continue;
    const [, inner = "", value] = /^[^{ ]+(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    const labels = {};
    for (const [, name, text] of inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = text;
    found.push([labels, Number(value)]);
  }
  return found;
}

class Chart {
  constructor(definition) {
    Object.assign(this, definition);
    const figure = document.getElementById(this.id);
    this.svg = figure.querySelector("svg");
    this.now = figure.querySelector(".now");
    this.scale = figure.querySelector(".scale");
    this.previous = null;
    this.rates = this.lines.map(() => new Array(POINTS).fill(null));
    this.values = this.lines.map(([, label, tone]) => {
      const value = element("b", {}, "–");
      const item = element("li", {}, element("i", { className: `tone-${tone}` }), element("span", {}, label), value);
      figure.querySelector(".legend").append(item);
      return value;
    });
    this.draw();
  }

  /** Takes the text of /metrics, or `null` if there is none. */
  take(text, seconds) {
    const totals = text === null ? null : this.lines.map(() => 0);
    if (totals) {
      for (const [labels, value] of samples(text, this.counter)) {
        const line = this.lines.findIndex(([key]) => key === this.lineOf(labels));
        if (line >= 0) totals[line] += value;
      }
    }
    this.rates.forEach((rates, line) => {
      // A counter that is smaller than before began again at zero.
      const rate = totals && this.previous ? Math.max(0, totals[line] - this.previous[line]) / seconds : null;
      rates.push(rate);
      rates.shift();
    });
    this.previous = totals;
    this.draw();
  }

  draw() {
    const latest = this.rates.map((rates) => rates.at(-1));
    const highest = Math.max(...this.rates.flat().map((rate) => rate ?? 0));
    const top = niceCeiling(highest);
    const x = (index) => (index / (POINTS - 1)) * WIDTH;
    const y = (rate) => HEIGHT - 1 - (rate / top) * (HEIGHT - 4);
    const shapes = [0, 0.5, 1].map((part) => shape("line", { class: "grid", x1: 0, x2: WIDTH, y1: y(part * top), y2: y(part * top) }));
    this.lines.forEach(([, , tone], line) => {
      // It would only cover the line below.
      if (!this.rates[line].some((rate) => rate > 0)) return;
      for (const run of runs(this.rates[line])) {
        const points = run.map(([index, rate]) => `${x(index).toFixed(1)},${y(rate).toFixed(1)}`);
        const [first, last] = [x(run[0][0]).toFixed(1), x(run.at(-1)[0]).toFixed(1)];
        if (line === 0) shapes.push(shape("polygon", { class: `area tone-${tone}`, points: [`${first},${HEIGHT - 1}`, ...points, `${last},${HEIGHT - 1}`].join(" ") }));
        shapes.push(shape("polyline", { class: `series tone-${tone}`, points: points.join(" ") }));
      }
    });
    this.svg.replaceChildren(...shapes);
    const known = latest.some((rate) => rate !== null);
    const sum = latest.reduce((total, rate) => total + (rate ?? 0), 0);
    this.now.textContent = known ? perSecond(sum) : "–";
    this.scale.textContent = highest > 0 ? `top line: ${perSecond(top)}` : "";
    latest.forEach((rate, line) => { this.values[line].textContent = rate === null ? "–" : perSecond(rate); });
    const parts = this.lines.map(([, label], line) => `${label} ${latest[line] === null ? "unknown" : perSecond(latest[line])}`);
    this.svg.setAttribute("aria-label", `${this.title} at present: ${parts.join(", ")}`);
  }
}

/** The smallest of 1, 2, 5, 10, 20 … that is not below `value`. */
export function niceCeiling(value) {
  if (!(value > 1)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

/** The runs of known values, as `[index, value]`. */
function runs(values) {
  const found = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index > 0 && values[index - 1] !== null) found.at(-1).push([index, value]);
    else found.push([[index, value]]);
  });
  return found;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  return made;
}

/** Draws until the page is closed. `report` learns whether the server answers. */
export function start(report) {
  const charts = CHARTS.map((definition) => new Chart(definition));
  const pause = document.getElementById("pause");
  let [timer, asked, paused] = [null, null, false];

  async function poll() {
    timer = null;
    let text = null;
    try {
      text = await metrics();
      report("up", "running");
    } catch (error) {
      report("down", error.status ? `answers ${error.status}` : "unreachable");
    }
    const now = performance.now();
    const seconds = asked === null ? INTERVAL / 1000 : Math.max(0.1, (now - asked) / 1000);
    asked = now;
    charts.forEach((chart) => chart.take(text, seconds));
    schedule(INTERVAL);
  }

  function schedule(delay) {
    clearTimeout(timer);
    timer = paused || document.hidden ? null : setTimeout(poll, delay);
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
    schedule(0);
  });
  document.addEventListener("visibilitychange", () => schedule(0));
  schedule(0);
}
