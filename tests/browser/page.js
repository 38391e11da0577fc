// Builds a page around made-up data, as the simulator builds one around a run, and opens it in headless Chromium.
import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const folder = new URL("../../sim/src/explain/page/", import.meta.url);
const part = (name) => readFileSync(new URL(name, folder), "utf8");

/** The page of some data, in a file. */
export function pageOf(data) {
  const text = JSON.stringify(data).replaceAll("<", "\\u003c");
  const parts = { title: "made up", style: part("page.css"), script: part("page.js"), data: text };
  const html = part("page.html").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
  const file = join(mkdtempSync(join(tmpdir(), "explain-")), "run.html");
  writeFileSync(file, html);
  return file;
}

/** A browser; CHROMIUM names it where it is elsewhere. */
export function launch() {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args });
}

/** A run of two nodes, so long: a leads, sends, and every seventh message is lost. */
export function madeUp(exchanges) {
  const records = [];
  const states = [];
  const add = (lane, kind, text, cause = null, to = null) => {
    const id = records.length + 1;
    records.push({ id, cause, event: Math.ceil(id / 2), at: id * 250_000, lane, to, kind, text });
    return id;
  };
  const state = (record, node, role, term, terms, from = 1) => states.push({ record, node, up: true, role, term,
    epoch: `term ${term}`, vote: "a", members: "{a b}", commit: from, applied: from, durable: from, base: 0, from, terms });
  state(add(0, "boots", "starts"), 0, "follower", 0, []);
  state(add(1, "boots", "starts"), 1, "follower", 0, []);
  const fires = add(0, "fires", "election timer fires");
  state(add(0, "leads", "leads term 1", fires), 0, "leader", 1, [1]);
  let cause = fires;
  for (let number = 2; number < exchanges + 2; number++) {
    const sent = add(0, "sends", `append ${number} <b>&amp;`, cause, 1);
    if (number % 7 === 0) add(1, "loses", "is lost", sent);
    else {
      cause = add(1, "receives", `append ${number}`, sent);
      state(cause, 1, "follower", 1, [1], number - 1);
    }
  }
  const last = records.length;
  return { schema: "splitbrain/explain/1", title: "<script>alert(1)</script>", source: "nowhere", file: "made-up.toml",
    system: "none", seed: "1", digest: "0", repeat: "none", nodes: ["a", "b"], clients: ["client 0"],
    promises: [{ name: "election-safety", summary: "a and b both lead term 1", source: "Raft paper, 5.2",
      evidence: [{ record: 4, text: "a begins to lead" }, { record: last, text: "b begins to lead" }] }],
    records, states, calls: [{ lane: 2, from: 3, to: 6, text: "write x=1", outcome: "ok" }],
    spans: [{ kind: "partition", groups: [[0], [1]], from: 5, to: 9, text: "a | b" }],
    slice: [3, 4, 5, 6, last], mistake: { record: 4, words: "The mistake is at event 2." }, deciding: { record: 5, words: "After record 5 it breaks whatever comes.", curve: [[1, 0, 8], [5, 8, 8]] },
    words: ["a leads.", "b leads too."] };
}
