// Draws an explained run: lanes of nodes, messages as arrows, and the state of every node at any record.
// Holds: nothing is loaded from anywhere; every text of a run goes into the page as text, never as markup.
// Not here: what is in the data (the simulator's `explain`), and how it looks (`page.css`).
// @ts-check
"use strict";

/**
 * @typedef {{ id: number, cause: number | null, event: number, at: number, lane: number | null, to: number | null,
 *   kind: string, text: string }} Entry A record. `lane` is a node, or a client after the nodes; `to` a message's goal.
 * @typedef {{ record: number, node: number, up: boolean, role: string, term: number, epoch: string, vote: string | null,
 *   members: string, commit: number, applied: number, durable: number, base: number, from: number,
 *   terms: number[] }} State What a node shows from a record on. Its log is as before up to `from`, then `terms`.
 * @typedef {{ lane: number, from: number, to: number | null, text: string, outcome: string }} Call
 * @typedef {{ kind: string, groups: number[][], from: number, to: number | null, text: string }} Span
 * @typedef {{ record: number, words: string }} Mistake Where a rule that is off was needed.
 * @typedef {{ record: number, words: string, curve: [number, number, number][] }} Deciding
 * @typedef {{ name: string, summary: string, source: string, evidence: { record: number | null, text: string }[] }} Promised
 * @typedef {{ schema: string, title: string, source: string, file: string, system: string, seed: string, digest: string,
 *   repeat: string, nodes: string[], clients: string[], promises: Promised[], records: Entry[], states: State[],
 *   calls: Call[], spans: Span[], slice: number[], mistake: Mistake | null, deciding: Deciding | null, words: string[] }} Run
 * @typedef {{ first: number, last: number, x: number, to: number, lost: boolean, bent: boolean, place: number }} Arrow
 */

const ROW = 20;
const GUTTER = 76;
const TEXT_MIN = 130;
const BUCKET = 64;

/** @type {Run} */
const run = JSON.parse(element("data").textContent || "{}");
const lanes = run.nodes.concat(run.clients);
/** Where each record stands in `run.records`, by its number. @type {Map<number, number>} */
const placeOf = new Map(run.records.map((record, place) => [record.id, place]));
const slice = new Set(run.slice);
/** The places of messages' fates, by the number of the record that sent them. @type {Map<number, number[]>} */
const fates = new Map();
/** What each node shows, in order. @type {State[][]} */
const statesOf = run.nodes.map(() => []);

/** The place of the record that is looked at. */
let current = 0;
/** The places that have a row, and the row of each place. @type {number[]} */
let rows = [];
/** @type {Int32Array} */
let rowOf = new Int32Array(0);
/** @type {Arrow[][]} */
let arrows = [];
/** Records that led to the one whose cause was asked for. @type {Set<number>} */
let asked = new Set();

const canvas = /** @type {HTMLCanvasElement} */ (element("lanes"));
const scroll = element("scroll");
const moment = /** @type {HTMLInputElement} */ (element("moment"));
const shown = /** @type {HTMLSelectElement} */ (element("shown"));

/** @param {string} id @returns {HTMLElement} */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

/** @param {string} tag @param {string} text @param {string} [kind] @returns {HTMLElement} */
function make(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** @param {string} name @returns {string} */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The colour of a term: six that people who see few colours can tell apart, in turn. @param {number} term */
function termColour(term) {
  return term === 0 ? colour("--t6") : colour(`--t${(term - 1) % 6}`);
}

/** Virtual nanoseconds for people. @param {number} at */
function time(at) {
  if (at >= 1e9) return `${(at / 1e9).toFixed(3)} s`;
  if (at >= 1e6) return `${(at / 1e6).toFixed(3)} ms`;
  return `${(at / 1e3).toFixed(3)} µs`;
}

/** The records that contradict each other, of every broken promise. @param {Run} run */
function evidenceOf(run) {
  return run.promises.flatMap((promise) => promise.evidence);
}

// What is derived from the data, once.

function index() {
  for (const [place, record] of run.records.entries()) {
    if ((record.kind === "receives" || record.kind === "loses") && record.cause !== null) {
      const list = fates.get(record.cause) || [];
      list.push(place);
      fates.set(record.cause, list);
    }
  }
  for (const state of run.states) statesOf[state.node].push(state);
}

/** Which records have a row, and which arrows cross which rows. */
function layOut() {
  const only = shown.value === "slice" && slice.size > 0;
  rows = [];
  rowOf = new Int32Array(run.records.length).fill(-1);
  for (const [place, record] of run.records.entries()) {
    if (only && !slice.has(record.id) && place !== current) continue;
    rowOf[place] = rows.length;
    rows.push(place);
  }
  arrows = Array.from({ length: Math.floor(rows.length / BUCKET) + 1 }, () => []);
  /** The youngest arrival so far on each link, as the row of its sending. @type {Map<string, number>} */
  const youngest = new Map();
  const ends = [];
  for (const [place, record] of run.records.entries()) {
    if (record.kind !== "sends" || record.lane === null || record.to === null || rowOf[place] < 0) continue;
    for (const end of fates.get(record.id) || []) {
      if (rowOf[end] >= 0) ends.push({ place, end, record });
    }
  }
  ends.sort((a, b) => a.end - b.end);
  for (const { place, end, record } of ends) {
    const lost = run.records[end].kind === "loses";
    const link = `${record.lane}-${record.to}`;
    const bent = !lost && place < (youngest.get(link) ?? -1);
    if (!lost) youngest.set(link, Math.max(place, youngest.get(link) ?? -1));
    // Whoever is at the address gets it, meant or not.
    const to = (lost ? null : run.records[end].lane) ?? record.to ?? 0;
    const arrow = { first: rowOf[place], last: rowOf[end], x: record.lane ?? 0, to, lost, bent, place };
    for (let bucket = Math.floor(arrow.first / BUCKET); bucket <= Math.floor(arrow.last / BUCKET); bucket++) {
      arrows[bucket].push(arrow);
    }
  }
  element("height").style.height = `${rows.length * ROW + ROW}px`;
}

/** The row of a record, or of the next one that has a row. @param {number | null} record */
function rowAt(record) {
  if (record === null) return rows.length;
  let place = placeOf.get(record) ?? run.records.length;
  while (place < rowOf.length && rowOf[place] < 0) place++;
  return place < rowOf.length ? rowOf[place] : rows.length;
}

/** The last of some states at or before a record. @param {State[]} states @param {number} record */
function lastBefore(states, record) {
  let low = 0;
  let high = states.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (states[middle].record <= record) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// The picture.

/** Whether a record is drawn in full colour. @param {Entry} record */
function isBright(record) {
  if (asked.size > 0) return asked.has(record.id);
  return shown.value !== "grey" || slice.size === 0 || slice.has(record.id);
}

function draw() {
  const width = scroll.clientWidth;
  const height = scroll.clientHeight;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const space = Math.max(34, Math.min(92, (width - GUTTER - Math.max(TEXT_MIN, width * 0.4)) / Math.max(1, lanes.length)));
  /** @param {number} lane */
  const x = (lane) => GUTTER + space * (lane + 0.5);
  const top = scroll.scrollTop;
  /** @param {number} row */
  const y = (row) => row * ROW + ROW * 1.5 + 4 - top;
  const first = Math.max(0, Math.floor(top / ROW) - 2);
  const last = Math.min(rows.length - 1, Math.ceil((top + height) / ROW));
  const view = { pen, x, y, first, last, width, height, space };
  drawSpans(view);
  drawLanes(view);
  drawCalls(view);
  drawArrows(view);
  drawRows(view);
  drawHeads(view);
}

/**
 * @typedef {{ pen: CanvasRenderingContext2D, x: (lane: number) => number, y: (row: number) => number, first: number,
 *   last: number, width: number, height: number, space: number }} View
 */

/** Partitions and the like: each group of lanes has a shade of its own. @param {View} view */
function drawSpans({ pen, x, y, first, last, space }) {
  for (const span of run.spans) {
    const from = rowAt(span.from);
    const to = rowAt(span.to);
    if (to < first || from > last) continue;
    for (const [number, group] of span.groups.entries()) {
      for (const lane of group) {
        pen.globalAlpha = 0.1 + 0.1 * (number % 3);
        pen.fillStyle = number % 2 === 0 ? colour("--t4") : colour("--quiet");
        pen.fillRect(x(lane) - space / 2 + 1, y(from), space - 2, y(to) - y(from));
      }
    }
    pen.globalAlpha = 1;
  }
}

/** Each node's lane: wide where it leads, hatched where it stands, dotted where it is down. @param {View} view */
function drawLanes({ pen, x, y, first, last, width, height }) {
  for (const [node, states] of statesOf.entries()) {
    for (const [number, state] of states.entries()) {
      const from = rowAt(state.record);
      const to = number + 1 < states.length ? rowAt(states[number + 1].record) : rows.length;
      if (to < first || from > last) continue;
      const leads = state.role === "leader";
      const stands = state.role.includes("candidate");
      pen.strokeStyle = state.up ? termColour(state.term) : colour("--faint");
      pen.lineWidth = !state.up ? 1 : leads ? 9 : 3;
      pen.setLineDash(!state.up ? [1, 5] : stands ? [3, 3] : []);
      line(pen, x(node), y(from), x(node), y(to));
      pen.setLineDash([]);
      const before = states[number - 1];
      if (state.up && (!before || before.term !== state.term) && from >= first) {
        label(pen, String(state.term), x(node) + 7, y(from) - 7, termColour(state.term));
      }
    }
  }
  for (let lane = run.nodes.length; lane < lanes.length; lane++) {
    pen.strokeStyle = colour("--line");
    pen.lineWidth = 1;
    line(pen, x(lane), 0, x(lane), height);
  }
  pen.fillStyle = colour("--mark");
  const row = rowOf[current];
  if (row >= first && row <= last) {
    pen.globalAlpha = 0.55;
    pen.fillRect(0, y(row) - ROW / 2, width, ROW);
    pen.globalAlpha = 1;
  }
}

/** Clients' operations as bars. @param {View} view */
function drawCalls({ pen, x, y, first, last }) {
  for (const call of run.calls) {
    const from = rowAt(call.from);
    const to = call.to === null ? rows.length : rowAt(call.to);
    if (to < first || from > last) continue;
    pen.fillStyle = call.outcome === "ok" ? colour("--t2") : call.outcome === "refused" ? colour("--faint") : colour("--t1");
    pen.globalAlpha = 0.5;
    pen.fillRect(x(call.lane) - 5, y(from), 10, Math.max(4, y(to) - y(from)));
    pen.globalAlpha = 1;
  }
}

/** Messages. @param {View} view */
function drawArrows({ pen, x, y, first, last }) {
  /** @type {Set<Arrow>} */
  const seen = new Set();
  for (let bucket = Math.floor(first / BUCKET); bucket <= Math.floor(last / BUCKET); bucket++) {
    for (const arrow of arrows[bucket] || []) {
      if (arrow.last < first || arrow.first > last || seen.has(arrow)) continue;
      seen.add(arrow);
      const bright = isBright(run.records[arrow.place]);
      pen.strokeStyle = bright ? colour("--ink") : colour("--line");
      pen.lineWidth = bright ? 1.4 : 1;
      drawArrow(pen, arrow, x, y);
    }
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Arrow} arrow @param {(lane: number) => number} x @param {(row: number) => number} y */
function drawArrow(pen, arrow, x, y) {
  const [fromX, fromY] = [x(arrow.x), y(arrow.first)];
  let [toX, toY] = [x(arrow.to), y(arrow.last)];
  if (arrow.lost) [toX, toY] = [fromX + (toX - fromX) * 0.6, Math.min(toY, fromY + ROW * 2)];
  let [kneeX, kneeY] = [fromX, fromY];
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  if (arrow.bent) {
    [kneeX, kneeY] = [fromX + (toX - fromX) * 0.35, toY - ROW * 0.6];
    pen.lineTo(kneeX, kneeY);
  }
  pen.lineTo(toX, toY);
  pen.stroke();
  if (arrow.lost) {
    line(pen, toX - 4, toY - 4, toX + 4, toY + 4);
    line(pen, toX - 4, toY + 4, toX + 4, toY - 4);
    return;
  }
  const angle = Math.atan2(toY - kneeY, toX - kneeX);
  pen.beginPath();
  for (const turn of [-0.4, 0.4]) {
    pen.moveTo(toX, toY);
    pen.lineTo(toX - 8 * Math.cos(angle + turn), toY - 8 * Math.sin(angle + turn));
  }
  pen.stroke();
}

/** The rows themselves: time, a sign on the lane, and what happened. @param {View} view */
function drawRows({ pen, x, y, first, last, width, space }) {
  const textX = GUTTER + space * lanes.length + 8;
  const signs = new Set(evidenceOf(run).map((evidence) => evidence.record));
  for (let row = first; row <= last; row++) {
    const record = run.records[rows[row]];
    const bright = isBright(record);
    const ink = signs.has(record.id) ? colour("--alarm") : bright ? colour("--ink") : colour("--faint");
    const before = row > 0 ? run.records[rows[row - 1]] : null;
    if (!before || before.at !== record.at) label(pen, time(record.at), 4, y(row), colour("--quiet"));
    if (record.lane !== null) sign(pen, record, x(record.lane), y(row), ink);
    if (run.deciding?.record === record.id || run.mistake?.record === record.id) {
      pen.strokeStyle = colour("--alarm");
      pen.lineWidth = 2;
      pen.strokeRect(1, y(row) - ROW / 2, width - 3, ROW - 1);
    }
    pen.save();
    pen.beginPath();
    pen.rect(textX, y(row) - ROW / 2, width - textX - 4, ROW);
    pen.clip();
    const who = record.lane === null ? "" : `${lanes[record.lane]} `;
    label(pen, who + record.text, textX, y(row), ink);
    pen.restore();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Entry} record @param {number} x @param {number} y @param {string} ink */
function sign(pen, record, x, y, ink) {
  pen.strokeStyle = ink;
  pen.fillStyle = ink;
  pen.lineWidth = 1.5;
  switch (record.kind) {
    case "writes":
      pen.fillStyle = colour("--paper");
      pen.fillRect(x - 4, y - 4, 8, 8);
      return pen.strokeRect(x - 4, y - 4, 8, 8);
    case "has-written":
      return pen.fillRect(x - 4, y - 4, 8, 8);
    case "fires":
      pen.beginPath();
      pen.arc(x, y, 5, 0, Math.PI * 2);
      return pen.stroke();
    case "crashes":
    case "shuts-down":
    case "loses-disk":
      pen.lineWidth = 3;
      line(pen, x - 6, y - 6, x + 6, y + 6);
      return line(pen, x - 6, y + 6, x + 6, y - 6);
    case "leads":
    case "boots":
      pen.beginPath();
      pen.moveTo(x - 7, y + 5);
      pen.lineTo(x, y - 7);
      pen.lineTo(x + 7, y + 5);
      pen.closePath();
      return record.kind === "leads" ? pen.fill() : pen.stroke();
    default:
      pen.beginPath();
      pen.arc(x, y, 2.5, 0, Math.PI * 2);
      return pen.fill();
  }
}

/** The names of the lanes, above everything. @param {View} view */
function drawHeads({ pen, x, width }) {
  pen.fillStyle = colour("--paper");
  pen.globalAlpha = 0.93;
  pen.fillRect(0, 0, width, ROW);
  pen.globalAlpha = 1;
  pen.textAlign = "center";
  for (const [lane, name] of lanes.entries()) label(pen, name, x(lane), ROW / 2, colour("--ink"), "bold ");
  pen.textAlign = "left";
}

/** @param {CanvasRenderingContext2D} pen @param {string} text @param {number} x @param {number} y @param {string} ink @param {string} [weight] */
function label(pen, text, x, y, ink, weight) {
  pen.fillStyle = ink;
  pen.font = `${weight || ""}12px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.fillText(text, x, y);
}

/** @param {CanvasRenderingContext2D} pen @param {number} fromX @param {number} fromY @param {number} toX @param {number} toY */
function line(pen, fromX, fromY, toX, toY) {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

// The moment beside it.

/** A node's log at one of its states: term by index, from the first that is kept. @param {State[]} states @param {number} last */
function logAt(states, last) {
  /** @type {Map<number, number>} */
  let log = new Map();
  for (let number = 0; number <= last; number++) {
    const state = states[number];
    if (!state.up && number > 0 && state.terms.length === 0) continue;
    for (const at of [...log.keys()]) if (at >= state.from || at <= state.base) log.delete(at);
    for (const [offset, term] of state.terms.entries()) log.set(state.from + offset, term);
  }
  return log;
}

/** @param {State} state @param {Map<number, number>} log @returns {HTMLElement} */
function logBoxes(state, log) {
  const boxes = make("div", "", "log");
  if (state.base > 0) boxes.append(make("em", `snapshot through ${state.base}`, "quiet"));
  const indexes = [...log.keys()].sort((a, b) => a - b);
  const kept = indexes.slice(-40);
  if (kept.length < indexes.length) boxes.append(make("em", `… ${indexes.length - kept.length} before`, "quiet"));
  for (const at of kept) {
    const term = log.get(at) || 0;
    const box = make("span", String(term));
    box.style.borderColor = termColour(term);
    if (at > state.commit) box.className = "open";
    const marks = [["c", state.commit], ["a", state.applied], ["d", state.durable]];
    box.append(make("small", marks.filter(([, mark]) => mark === at).map(([name]) => name).join("")));
    box.title = `entry ${at} of term ${term}${at > state.commit ? ", not known to be committed here" : ""}`;
    boxes.append(box);
  }
  return boxes;
}

function showMoment() {
  const record = run.records[current];
  if (!record) return;
  const who = record.lane === null ? "" : `${lanes[record.lane]} `;
  element("now").textContent = `#${record.id} at ${time(record.at)}, event ${record.event}: ${who}${record.text}`;
  const nodes = element("nodes");
  nodes.replaceChildren();
  for (const [node, states] of statesOf.entries()) {
    const last = lastBefore(states, record.id);
    const box = make("div", "", "node");
    box.append(make("h3", run.nodes[node]));
    const state = states[last];
    if (!state || !state.up) {
      box.classList.add("down");
      box.append(make("span", state ? "is down" : "was never started", "quiet"));
    } else {
      const voted = state.vote === null ? "" : `, voted for ${state.vote}`;
      box.append(make("span", `${state.role} in ${state.epoch}${voted}; ${state.members}`));
    }
    if (state) {
      box.append(logBoxes(state, logAt(states, last)));
      box.append(make("span", `commit ${state.commit}, applied ${state.applied}, durable ${state.durable}`, "quiet"));
    }
    if (record.lane === node) box.classList.add("here");
    nodes.append(box);
  }
  const wire = element("wire");
  wire.replaceChildren();
  for (const sent of underWay()) wire.append(make("li", `${lanes[sent.lane ?? 0]} → ${lanes[sent.to ?? 0]}: ${sent.text}`));
  if (!wire.childElementCount) wire.append(make("li", "nothing"));
  moment.value = String(current);
}

/** The messages that are under way at the current record, forty at most. */
function underWay() {
  const waiting = [];
  for (let place = current; place >= 0 && waiting.length < 40 && current - place < 5000; place--) {
    const record = run.records[place];
    if (record.kind !== "sends") continue;
    const ends = fates.get(record.id) || [];
    if (!ends.some((end) => end <= current)) waiting.push(record);
  }
  return waiting.reverse();
}

/** Looks at a record. @param {number} place @param {boolean} [centre] */
function go(place, centre) {
  current = Math.max(0, Math.min(run.records.length - 1, place));
  if (rowOf[current] < 0) layOut();
  const y = rowOf[current] * ROW;
  const low = scroll.scrollTop + ROW * 2;
  const high = scroll.scrollTop + scroll.clientHeight - ROW * 3;
  if (centre || y < low || y > high) scroll.scrollTop = y - scroll.clientHeight / 2;
  showMoment();
  requestAnimationFrame(draw);
}

/** Goes on by so many rows. @param {number} rowsOn */
function step(rowsOn) {
  const row = Math.max(0, Math.min(rows.length - 1, rowOf[current] + rowsOn));
  go(rows[row]);
}

function toViolation() {
  const records = evidenceOf(run).map((evidence) => evidence.record);
  const places = records.flatMap((record) => (record === null ? [] : [placeOf.get(record) ?? 0]));
  if (places.length === 0) return go(run.records.length - 1, true);
  const next = places.findIndex((place) => place > current);
  go(places[next < 0 ? 0 : next], true);
}

/** @param {Mistake | Deciding | null} moment */
function toRecordOf(moment) {
  if (moment) go(placeOf.get(moment.record) ?? 0, true);
}

function toMistake() {
  toRecordOf(run.mistake);
}

function toDeciding() {
  toRecordOf(run.deciding);
}

/** Goes somewhere, and brings the lanes into sight. @param {() => void} jump @returns {() => void} */
function inSight(jump) {
  return () => {
    jump();
    scroll.scrollIntoView({ block: "nearest" });
  };
}

/** Colours the chain of causes of the current record, and tells it. */
function why() {
  const list = element("causes");
  list.replaceChildren();
  asked = new Set();
  /** @type {Entry | undefined} */
  let record = run.records[current];
  while (record && asked.size < 1000) {
    asked.add(record.id);
    if (list.childElementCount < 12) {
      const who = record.lane === null ? "" : `${lanes[record.lane]} `;
      list.append(make("li", `#${record.id} ${who}${record.text}`));
    }
    record = record.cause === null ? undefined : run.records[placeOf.get(record.cause) ?? -1];
  }
  draw();
}

function forgetWhy() {
  asked = new Set();
  element("causes").replaceChildren();
  draw();
}

// The rest of the page.

function showHead() {
  document.title = run.title;
  element("title").textContent = run.title;
  element("about").textContent = `${run.file} · ${run.system} · seed ${run.seed} · ${run.source} · repeat: ${run.repeat}`;
  const promises = element("promises");
  for (const promise of run.promises) {
    promises.append(make("li", `${promise.name} is broken: ${promise.summary} (${promise.source})`));
  }
  if (run.promises.length === 0) promises.append(make("li", "No promise is broken.", "kept"));
  for (const evidence of evidenceOf(run)) {
    const item = make("li", "");
    const button = make("button", evidence.text);
    const record = evidence.record;
    if (record !== null) button.onclick = () => go(placeOf.get(record) ?? 0, true);
    item.append(button);
    element("evidence").append(item);
  }
  for (const sentence of run.words) element("words").append(make("li", sentence));
  if (run.mistake) {
    element("mistake").hidden = false;
    element("mistake").textContent = run.mistake.words;
  }
  if (run.deciding) showCurve(run.deciding);
}

/** The share of continuations that break the promise, from each candidate on. @param {Deciding} deciding */
function showCurve(deciding) {
  element("deciding").hidden = false;
  element("curve-words").textContent = deciding.words;
  const last = Math.max(1, run.records.length - 1);
  const points = deciding.curve.map(([record, broken, of]) => {
    return `${((placeOf.get(record) ?? 0) / last) * 300},${58 - (of > 0 ? broken / of : 0) * 54}`;
  });
  const svg = element("curve");
  const curve = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  curve.setAttribute("points", points.join(" "));
  curve.setAttribute("fill", "none");
  curve.setAttribute("stroke", "var(--alarm)");
  curve.setAttribute("stroke-width", "2");
  curve.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(curve);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === shown) return;
  const page = Math.max(1, Math.floor(scroll.clientHeight / ROW) - 2);
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowDown: () => step(1), ArrowUp: () => step(-1), ArrowRight: () => step(1), ArrowLeft: () => step(-1),
    PageDown: () => step(page), PageUp: () => step(-page),
    Home: () => go(rows[0]), End: () => go(rows[rows.length - 1]),
    v: inSight(toViolation), m: inSight(toMistake), d: inSight(toDeciding), w: why, Escape: forgetWhy,
    s: () => { shown.selectedIndex = (shown.selectedIndex + 1) % 3; show(); },
  };
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function show() {
  layOut();
  go(current, true);
}

function begin() {
  index();
  showHead();
  layOut();
  moment.max = String(Math.max(0, run.records.length - 1));
  moment.oninput = () => go(Number(moment.value));
  shown.onchange = show;
  element("first").onclick = () => go(rows[0]);
  element("last").onclick = () => go(rows[rows.length - 1]);
  element("back").onclick = () => step(-1);
  element("forth").onclick = () => step(1);
  element("to-violation").onclick = inSight(toViolation);
  element("to-mistake").onclick = inSight(toMistake);
  element("to-mistake").hidden = !run.mistake;
  element("to-deciding").onclick = inSight(toDeciding);
  element("why").onclick = why;
  element("to-deciding").hidden = !run.deciding;
  document.addEventListener("keydown", onKey);
  scroll.addEventListener("scroll", () => requestAnimationFrame(draw));
  canvas.addEventListener("click", (event) => {
    const row = Math.floor((event.offsetY + scroll.scrollTop - ROW - 4) / ROW);
    if (rows[row] !== undefined) go(rows[row]);
  });
  window.addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  toViolation();
}

begin();
