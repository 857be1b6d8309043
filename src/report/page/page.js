// What a report can do with scripts on: hide and highlight balancers, read values, zoom in time, choose scales and colours. Every choice stands
// in the address after the #, so that a link shows the same. Charts are drawn again by the rules of axis.rs and lines.rs.
"use strict";
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const state = { hide: new Set(), only: null, from: null, to: null, log: true, theme: "auto" };
  const byId = (id) => document.getElementById(id);
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const charts = Object.entries(data.charts).map(([id, chart]) => ({ id, ...chart, figure: byId(id) })).filter((chart) => chart.figure);
  const lines = charts.filter((chart) => chart.lines);
  const isTime = (chart) => chart.lines && chart.x.unit === "s";
  const end = Math.max(1e-9, ...charts.map((chart) => (isTime(chart) ? chart.x.high : chart.end || 0)));

  // Axes, as in axis.rs.
  const place = { linear: (v) => v, log: (v) => Math.log10(Math.max(v, 1e-12)), nines: (v) => -Math.log10(Math.max(1 - v, 1e-12)) };
  const back = { linear: (p) => p, log: (p) => 10 ** p, nines: (p) => 1 - 10 ** -p };
  const part = (axis, v) => (place[axis.scale](v) - place[axis.scale](axis.low)) / (place[axis.scale](axis.high) - place[axis.scale](axis.low));
  const value = (axis, p) => back[axis.scale](place[axis.scale](axis.low) + p * (place[axis.scale](axis.high) - place[axis.scale](axis.low)));
  const step = (length) => {
    const rough = length / 5, power = 10 ** Math.floor(Math.log10(rough)), of = rough / power;
    return power * (of < 1.5 ? 1 : of < 3.5 ? 2 : of < 7.5 ? 5 : 10);
  };
  const ticks = (axis) => {
    if (axis.scale === "linear") {
      const [factor, suffix] = { share: [100, "%"], ms: axis.high >= 2000 ? [1e-3, " s"] : axis.high < 0.005 ? [1e3, " µs"] : [1, " ms"], s: [1, " s"], rate: axis.high >= 1e6 ? [1e-6, "M/s"] : [1, "/s"], number: axis.high >= 1e6 ? [1e-6, "M"] : [1, ""] }[axis.unit];
      const by = step((axis.high - axis.low) * factor), decimals = Math.max(0, -Math.floor(Math.log10(by) + 1e-9));
      const first = Math.ceil((axis.low * factor) / by - 1e-9), last = Math.floor((axis.high * factor) / by + 1e-9);
      return Array.from({ length: last - first + 1 }, (_, at) => [((first + at) * by) / factor, ((first + at) * by).toFixed(decimals) + suffix]);
    }
    if (axis.scale === "log") {
      const decades = Math.log10(axis.high / axis.low), found = [];
      const first = Math.floor(Math.log10(axis.low) + 1e-9), last = Math.ceil(Math.log10(axis.high) - 1e-9);
      for (let power = first; power <= last; power += decades > 8 ? 2 : 1) {
        for (const factor of decades > 2.5 ? [1] : [1, 2, 5]) {
          const at = factor * 10 ** power;
          if (at < axis.low * (1 - 1e-9) || at > axis.high * (1 + 1e-9)) continue;
          const [shown, suffix] = { ms: power >= 3 ? [power - 3, " s"] : power <= -3 ? [power + 3, " µs"] : [power, " ms"], s: [power, " s"], share: [power + 2, "%"], rate: power >= 6 ? [power - 6, "M/s"] : [power, "/s"], number: power >= 6 ? [power - 6, "M"] : [power, ""] }[axis.unit];
          found.push([at, (factor * 10 ** shown).toFixed(Math.max(0, -shown)) + suffix]);
        }
      }
      return found;
    }
    const found = [[0.5, "50%"]];
    for (let nines = 1; nines <= 9 && 1 - 10 ** -nines <= axis.high + 1e-12; nines++) found.push([1 - 10 ** -nines, (100 * (1 - 10 ** -nines)).toFixed(Math.max(0, nines - 2)) + "%"]);
    return found;
  };

  // Numbers as in figures.rs: three digits.
  const short = (v) => (v === 0 ? "0" : Math.abs(v) >= 99.95 ? v.toFixed(0) : Math.abs(v) >= 9.995 ? v.toFixed(1) : Math.abs(v) >= 0.9995 ? v.toFixed(2) : v.toPrecision(3));
  const said = (axis, v) =>
    axis.unit === "ms" ? (v >= 9999.5 ? short(v / 1000) + " s" : short(v) + " ms") : axis.unit === "share" ? (axis.scale === "nines" ? +(100 * v).toPrecision(8) : short(100 * v)) + "%" : short(v) + { s: " s", rate: "/s", number: "" }[axis.unit];

  // Elements.
  const NS = document.querySelector("svg").namespaceURI;
  const make = (tag, attributes, text) => {
    const element = document.createElementNS(NS, tag);
    for (const [name, content] of Object.entries(attributes)) element.setAttribute(name, content);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const tenth = (v) => Math.round(v * 10) / 10;
  for (const chart of lines) for (const line of chart.lines) line.x = line.w ? line.y.map((_, at) => line.w[0] + at * line.w[1]) : line.x || chart.lines[0].x;
  const xs = (line) => line.x;

  const axes = (chart) => {
    const x = { ...chart.x }, y = { ...chart.y };
    if (isTime(chart) && state.from !== null) [x.low, x.high] = [state.from, state.to];
    if (!state.log && y.unit === "ms" && y.scale === "log") {
      const most = Math.max(1e-9, ...chart.lines.flatMap((line) => line.y.filter((v) => v !== null)));
      const by = step(most);
      Object.assign(y, { scale: "linear", low: 0, high: Math.ceil(most / by - 1e-9) * by });
    }
    return [x, y];
  };

  const path = (points) => "M" + points.map(([x, y]) => `${tenth(x)} ${tenth(y)}`).join("L");

  // Draws a chart of lines anew.
  const redraw = (chart) => {
    const svg = chart.figure.querySelector(".plot svg"), piece = (name) => svg.querySelector(`:scope > [data-part="${name}"]`);
    const [left, top, width, height] = chart.plot, right = left + width, bottom = top + height;
    const [x, y] = axes(chart);
    chart.now = [x, y];
    const px = (v) => left + width * Math.min(3, Math.max(-2, part(x, v))), py = (v) => bottom - height * Math.min(3, Math.max(-2, part(y, v)));

    const shades = piece("spans");
    shades.replaceChildren();
    const taken = [-1e9, -1e9, -1e9];
    for (const [number, from, to] of chart.spans) {
      const a = Math.max(from, x.low), b = Math.min(to, x.high);
      if (b <= a) continue;
      shades.append(make("path", { class: number ? "fault" : "warm", d: `M${tenth(px(a))} ${top}H${tenth(px(b))}V${bottom}H${tenth(px(a))}z` }));
      const at = px(a) + 3, row = taken.findIndex((free) => at >= free);
      if (!number || row < 0) continue;
      taken[row] = at + 8 * String(number).length + 4;
      shades.append(make("text", { class: "fault-n", x: tenth(at), y: tenth(top + 11.8 + 14 * row) }, number));
    }

    const frame = piece("axes");
    frame.replaceChildren();
    let free = -1e9;
    for (const [v, label] of ticks(x)) {
      frame.append(make("path", { class: "grid", d: `M${tenth(px(v))} ${bottom}V${top}` }));
      const half = (label.length * 8 + 6) / 2;
      if (px(v) - half < free) continue;
      free = px(v) + half;
      frame.append(make("text", { class: "label", x: tenth(px(v)), y: tenth(bottom + 15.8), "text-anchor": "middle" }, label));
    }
    frame.append(make("text", { class: "label", x: left + width / 2, y: bottom + 36, "text-anchor": "middle" }, x.name));
    let lowest = 1e9;
    for (const [v, label] of ticks(y)) {
      frame.append(make("path", { class: "grid", d: `M${left} ${tenth(py(v))}H${right}` }));
      if (py(v) + 14 > lowest) continue;
      lowest = py(v);
      frame.append(make("text", { class: "label", x: left - 7, y: tenth(py(v) + 4.3), "text-anchor": "end" }, label));
    }
    frame.append(make("path", { class: "axis", d: `M${left} ${bottom}H${right}` }));
    frame.append(make("text", { class: "label", x: 4, y: top - 12 }, y.name));

    const plot = piece("lines");
    plot.replaceChildren();
    if (chart.even !== null && chart.even >= y.low && chart.even <= y.high) plot.append(make("path", { class: "even", d: `M${left} ${tenth(py(chart.even))}H${right}` }));
    const ends = [];
    for (const line of chart.lines) {
      const group = make("g", { "data-series": line.s, class: "c" + line.c });
      const at = xs(line), sure = line.sure ?? line.y.length;
      const runs = (from, to, known) => {
        const found = [];
        for (let i = from; i < to; i++) known(i) ? (found.length && found[found.length - 1][1] === i ? (found[found.length - 1][1] = i + 1) : found.push([i, i + 1])) : 0;
        return found;
      };
      if (line.band) {
        for (const [from, to] of runs(0, at.length, (i) => line.band[i] !== null)) {
          const edge = (bound) => at.slice(from, to).map((v, i) => [px(v), py(Math.max(line.band[from + i][bound], y.low))]);
          group.append(make("path", { class: "band", d: path([...edge(0), ...edge(1).reverse()]) + "z" }));
        }
      }
      for (const [from, to, role] of [[0, sure, "line"], [Math.max(0, sure - 1), at.length, "tail"]]) {
        let d = "";
        for (const [a, b] of runs(from, to, (i) => line.y[i] !== null)) {
          const points = at.slice(a, b).map((v, i) => [px(v), py(line.y[a + i])]);
          if (points.length === 1 && (role === "line" || to - from > 1)) points.push(points[0]);
          if (points.length > 1) d += path(points);
        }
        if (d) group.append(make("path", { class: role, d }));
      }
      plot.append(group);
      for (let i = at.length - 1; i >= 0; i--) {
        const inside = line.y[i] !== null && at[i] >= x.low - 1e-9 && at[i] <= x.high + 1e-9 && line.y[i] >= y.low * (1 - 1e-9) && line.y[i] <= y.high * (1 + 1e-9);
        if (inside) {
          if (!state.hide.has(line.s)) ends.push({ line, x: px(at[i]), y: py(line.y[i]) });
          break;
        }
      }
    }

    const names = piece("names");
    names.replaceChildren();
    ends.sort((a, b) => a.y - b.y || a.line.s - b.line.s);
    let next = top, most = bottom;
    for (const one of ends) next = (one.at = Math.max(one.y, next)) + 15;
    for (const one of ends.slice().reverse()) most = (one.at = Math.min(one.at, most)) - 15;
    for (const one of ends) {
      const group = make("g", { "data-series": one.line.s, class: "c" + one.line.c });
      group.append(make("path", { class: "leader", d: path([[one.x, one.y], [right + 3, one.at], [right + 8, one.at]]) }));
      group.append(make("path", { class: "sample", d: path([[right + 8, one.at], [right + 28, one.at]]) }));
      group.append(make("text", { class: "name", x: right + 33, y: tenth(one.at + 4.3) }, one.line.name));
      names.append(group);
    }
    piece("cross")?.remove();
  };

  const zoomCells = (chart) => {
    const svg = chart.figure.querySelector('[data-part="cells"]');
    const [columns, rows] = chart.cells, [from, to] = state.from === null ? [0, chart.end] : [state.from, state.to];
    svg.setAttribute("viewBox", `${(columns * from) / chart.end} 0 ${(columns * (to - from)) / chart.end} ${rows}`);
    // Times below belong to the whole run, so they are drawn anew too.
    const box = ["x", "y", "width", "height"].map((name) => +svg.getAttribute(name));
    const texts = all(":scope > text.label", svg.parentNode).filter((text) => text.getAttribute("text-anchor") === "middle" && +text.getAttribute("y") < box[1] + box[3] + 20 && +text.getAttribute("y") > box[1] + box[3]);
    texts.forEach((text) => text.remove());
    const axis = { scale: "linear", unit: "s", low: from, high: to };
    for (const [v, label] of ticks(axis)) svg.parentNode.append(make("text", { class: "label", x: tenth(box[0] + box[2] * part(axis, v)), y: tenth(box[1] + box[3] + 15.8), "text-anchor": "middle" }, label));
  };

  // The values at one place, in every chart over time at once.
  const nearest = (chart, at) => {
    const points = xs(chart.lines.reduce((one, other) => (other.y.length > one.y.length ? other : one)));
    let best = 0;
    points.forEach((v, i) => (Math.abs(v - at) < Math.abs(points[best] - at) ? (best = i) : 0));
    return [best, points[best]];
  };
  const read = (chart, at, loud) => {
    const [left, top, width, height] = chart.plot, [x, y] = chart.now || axes(chart);
    const [index, shown] = nearest(chart, at), svg = chart.figure.querySelector(".plot svg");
    svg.querySelector('[data-part="cross"]')?.remove();
    const readout = chart.figure.querySelector(".readout");
    readout.setAttribute("aria-live", loud ? "polite" : "off");
    readout.replaceChildren();
    if (at === null) return;
    const px = left + width * part(x, shown);
    if (px >= left - 1 && px <= left + width + 1) svg.append(make("path", { "data-part": "cross", class: "cross", d: `M${tenth(px)} ${top}v${height}` }));
    readout.append(`at ${said(x, shown)}:`);
    for (const line of chart.lines) {
      if (state.hide.has(line.s) || line.y[index] === null || line.y[index] === undefined) continue;
      const name = document.createElement("b");
      name.textContent = line.name;
      readout.append(name, " " + said(y, line.y[index]));
    }
    chart.at = index;
  };
  const readAll = (chart, at) => (isTime(chart) ? lines.filter(isTime) : [chart]).forEach((one) => read(one, at, one === chart));

  // Choices.
  const write = () => {
    const choices = new URLSearchParams();
    if (state.hide.size) choices.set("hide", [...state.hide].sort((a, b) => a - b).join(","));
    if (state.only !== null) choices.set("only", state.only);
    if (state.from !== null) choices.set("t", `${+state.from.toFixed(4)}-${+state.to.toFixed(4)}`);
    if (!state.log) choices.set("log", "0");
    if (state.theme !== "auto") choices.set("theme", state.theme);
    history.replaceState(null, "", "#" + choices.toString().replaceAll("%2C", ","));
  };
  const readHash = () => {
    const choices = new URLSearchParams(location.hash.slice(1));
    const number = (text) => (/^\d{1,3}$/.test(text || "") && +text < data.labels.length ? +text : null);
    state.hide = new Set((choices.get("hide") || "").split(",").map(number).filter((v) => v !== null));
    state.only = number(choices.get("only"));
    const span = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(choices.get("t") || "");
    [state.from, state.to] = span && +span[1] < +span[2] && +span[2] <= end * 1.001 ? [+span[1], +span[2]] : [null, null];
    state.log = choices.get("log") !== "0";
    state.theme = ["light", "dark"].includes(choices.get("theme")) ? choices.get("theme") : "auto";
  };
  const show = () => {
    data.labels.forEach((_, series) => {
      root.classList.toggle("hide-" + series, state.hide.has(series));
      root.classList.toggle("only-" + series, state.only === series);
    });
    all("[data-hide]").forEach((button) => button.setAttribute("aria-pressed", !state.hide.has(+button.dataset.hide)));
    all("[data-only]").forEach((button) => button.setAttribute("aria-pressed", state.only === +button.dataset.only));
    byId("log").setAttribute("aria-pressed", state.log);
    byId("whole").disabled = state.from === null;
    state.theme === "auto" ? root.removeAttribute("data-theme") : root.setAttribute("data-theme", state.theme);
    byId("theme").textContent = "theme: " + state.theme;
    lines.forEach(redraw);
    charts.filter((chart) => chart.cells).forEach(zoomCells);
  };
  const change = (choices) => {
    Object.assign(state, choices);
    write();
    show();
  };
  const zoom = (from, to) => {
    const least = end / 500, width = Math.min(end, Math.max(least, to - from));
    const start = Math.min(Math.max(0, from), end - width);
    change(width > end * 0.995 ? { from: null, to: null } : { from: start, to: start + width });
  };
  const range = () => (state.from === null ? [0, end] : [state.from, state.to]);
  const scale = (factor, about) => {
    const [from, to] = range(), middle = about ?? (from + to) / 2;
    zoom(middle - (middle - from) * factor, middle + (to - middle) * factor);
  };

  // Hands: pointer and keys on a chart.
  lines.forEach((chart) => {
    const box = chart.figure.querySelector(".plot"), svg = box.querySelector("svg");
    const readout = document.createElement("div");
    readout.className = "readout";
    box.after(readout);
    const hint = isTime(chart) ? "Arrow keys read values, plus and minus zoom, 0 shows the whole run." : "Arrow keys read values.";
    box.setAttribute("aria-description", hint);
    const at = (event) => {
      const edge = svg.getBoundingClientRect(), [left, , width] = chart.plot, [x] = chart.now || axes(chart);
      const p = (((event.clientX - edge.left) / edge.width) * svg.viewBox.baseVal.width - left) / width;
      return [value(x, Math.min(1, Math.max(0, p))), Math.min(1, Math.max(0, p))];
    };
    let start = null;
    svg.addEventListener("pointermove", (event) => {
      const [v, p] = at(event);
      readAll(chart, v);
      if (start === null) return;
      const [left, top, width, height] = chart.plot;
      svg.querySelector('[data-part="brush"]')?.remove();
      svg.append(make("rect", { "data-part": "brush", class: "brush", x: left + width * Math.min(p, start.p), y: top, width: width * Math.abs(p - start.p), height }));
    });
    svg.addEventListener("pointerleave", () => start === null && readAll(chart, null));
    svg.addEventListener("pointerdown", (event) => {
      if (!isTime(chart) || event.pointerType === "touch" || event.button !== 0) return;
      const [v, p] = at(event);
      start = { v, p };
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
      box.focus({ preventScroll: true });
    });
    svg.addEventListener("pointerup", (event) => {
      svg.querySelector('[data-part="brush"]')?.remove();
      if (start === null) return;
      const [v, p] = at(event), from = start;
      start = null;
      if (Math.abs(p - from.p) > 0.01) zoom(Math.min(v, from.v), Math.max(v, from.v));
    });
    svg.addEventListener("dblclick", () => isTime(chart) && change({ from: null, to: null }));
    box.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const points = xs(chart.lines.reduce((one, other) => (other.y.length > one.y.length ? other : one))), [x] = chart.now || axes(chart);
      const inside = points.map((v, i) => i).filter((i) => points[i] >= x.low && points[i] <= x.high);
      const [first, last] = [inside[0] ?? 0, inside[inside.length - 1] ?? 0];
      const by = event.shiftKey ? 10 : 1, now = chart.at;
      const to = { ArrowRight: now === undefined ? first : now + by, ArrowLeft: now === undefined ? last : now - by, Home: first, End: last }[event.key];
      if (to !== undefined) readAll(chart, points[Math.min(last, Math.max(first, to))]);
      else if (event.key === "Escape") readAll(chart, null);
      else if (isTime(chart) && "+=".includes(event.key)) scale(0.5, now === undefined ? undefined : points[now]);
      else if (isTime(chart) && event.key === "-") scale(2, now === undefined ? undefined : points[now]);
      else if (isTime(chart) && event.key === "0") change({ from: null, to: null });
      else return;
      event.preventDefault();
    });
  });

  byId("controls").hidden = false;
  all("[data-hide]").forEach((button) =>
    button.addEventListener("click", () => {
      const series = +button.dataset.hide, hide = new Set(state.hide);
      hide.has(series) ? hide.delete(series) : hide.add(series);
      change({ hide });
    }),
  );
  all("[data-only]").forEach((button) => button.addEventListener("click", () => change({ only: state.only === +button.dataset.only ? null : +button.dataset.only })));
  byId("log").addEventListener("click", () => change({ log: !state.log }));
  byId("closer").addEventListener("click", () => scale(0.5));
  byId("wider").addEventListener("click", () => scale(2));
  byId("whole").addEventListener("click", () => change({ from: null, to: null }));
  byId("theme").addEventListener("click", () => change({ theme: { auto: "dark", dark: "light", light: "auto" }[state.theme] }));
  const copy = byId("copy");
  if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const command = byId("command");
      try {
        await navigator.clipboard.writeText(command.textContent);
      } catch {
        getSelection().selectAllChildren(command);
        document.execCommand("copy");
      }
      copy.textContent = "copied";
    });
  }
  addEventListener("beforeprint", () => all("details").forEach((one) => (one.open = true)));
  addEventListener("hashchange", () => {
    readHash();
    show();
  });
  readHash();
  if (location.hash.length > 1) show();
  if (!lines.length) ["log", "closer", "wider", "whole"].forEach((id) => (byId(id).hidden = true));
})();
