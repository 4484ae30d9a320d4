// The page of the hub. It holds no data: everything comes from /api/v1, and
// live runs from its stream of events.
import { WORDS } from "/assets/words.js";

const lang = document.documentElement.lang in WORDS ? document.documentElement.lang : "en";
const w = WORDS[lang];
const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat(lang);
const clock = new Intl.DateTimeFormat(lang, { dateStyle: "short", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
const RUNS_SHOWN = 20;

const state = { syncs: [], runs: [], connections: [], stats: {} };
let stream = null;

// ---------- small tools ----------

/** An element with attributes and children; text is always text, never HTML. */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

function icon(id, extra = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `i ${extra}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

async function api(path, options = {}) {
  const mark = path.includes("?") ? "&" : "?";
  const answer = await fetch(`/api/v1${path}${mark}lang=${lang}`, {
    ...options,
    headers: { "X-Liaison": "1", "Content-Type": "application/json" },
  });
  const body = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.title), { status: answer.status, body });
  return body;
}

function relative(text) {
  if (!text) return null;
  const seconds = (new Date(text) - Date.now()) / 1000;
  const [unit, size] = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]
    .find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return el("time", { datetime: text, title: clock.format(new Date(text)) },
    ago.format(Math.trunc(seconds / size), unit));
}

function duration(run) {
  const seconds = (new Date(run.ended ?? Date.now()) - new Date(run.started)) / 1000;
  return `${number.format(Math.max(0, Math.round(seconds * 10) / 10))} s`;
}

function say(text) { $("said").textContent = text; }

function complain(error) {
  const problem = $("problem");
  problem.hidden = !error;
  problem.textContent = error ? [error.body?.title, error.body?.detail, error.body?.mend]
    .filter(Boolean).join(" · ") || w.unreachable : "";
}

// ---------- parts ----------

const SHAPES = {
  running: ["s-run", "run"], succeeded: ["s-ok", "ok"], "with-rejects": ["s-warn", "warn"],
  held: ["s-warn", "warn"], waiting: ["s-off", "idle"], failed: ["s-bad", "bad"], interrupted: ["s-off", "idle"], paused: ["s-off", "idle"],
  "never-run": ["s-new", "idle"], ready: ["s-ok", "ok"], broken: ["s-bad", "bad"], "sign-in": ["s-bad", "bad"],
};

const word = (status) => w[`s_${status.replaceAll("-", "_")}`] ?? status;

function badge(status) {
  const [shape, tone] = SHAPES[status] ?? ["s-new", "idle"];
  return el("span", { class: `st ${tone}` }, icon(shape, status === "running" ? "spin" : ""), word(status));
}

function faultNote(fault) {
  if (!fault) return null;
  return el("span", { class: "sub why" }, `${fault.title}. ${fault.detail} `,
    el("b", {}, fault.mend), el("code", {}, ` ${fault.code}`));
}

/** What a first load takes of the vendor's allowance. */
function forecastNote(run) {
  const f = run?.forecast;
  return f ? el("span", { class: "sub" }, w.foretold(number.format(f.percent), number.format(f.of),
    clock.format(new Date(f.ends)))) : null;
}

const counted = (counts) => [
  [w.read, counts.read], [w.changed, counts.new + counts.changed], [w.written, counts.writes],
].map(([label, n]) => `${label} ${number.format(n)}`).join(" · ");

function empty(columns, text) {
  return el("tr", {}, el("td", { colspan: columns, class: "mut full" }, text));
}

function syncRow(sync) {
  const live = state.runs.find((run) => run.sync === sync.id && run.status === "running");
  const when = sync.paused ? w.suspended : sync.until ? w.waitsUntil(clock.format(new Date(sync.until)))
    : sync.next ? relative(sync.next) : w.byHand;
  const button = el("button", {
    class: "btn s", type: "button", "data-sync": sync.id, "aria-label": w.runNowOf(sync.id),
    "aria-disabled": sync.status === "running" ? "true" : false, onclick: () => runNow(sync),
  }, w.runNow);
  return el("tr", {},
    el("th", { scope: "row" }, sync.id, el("span", { class: "sub" }, sync.schedule)),
    el("td", {}, el("span", { class: "cell" }, `${sync.connection} / ${sync.stream}`,
      icon(`a-${sync.direction}`, "w"), el("span", { class: "sr" }, w[`d_${sync.direction}`])),
      sync.delivery ? el("span", { class: "sub" }, w.delivery[sync.delivery]) : null),
    el("td", {}, badge(sync.status),
      live ? el("span", { class: "sub" }, counted(live.counts)) : faultNote(sync.last?.fault),
      forecastNote(live)),
    el("td", {}, relative(sync.last?.started) ?? w.never),
    el("td", {}, when, sync.skipped ? el("span", { class: "sub" }, w.skipped(sync.skipped)) : null),
    el("td", { class: "num" }, button));
}

function runRow(run) {
  const c = run.counts;
  const n = (value, label) => el("td", { class: "num", "data-label": label }, number.format(value));
  return el("tr", {},
    el("th", { scope: "row" }, relative(run.started)),
    el("td", {}, run.sync),
    el("td", {}, badge(run.status), faultNote(run.fault)),
    n(c.read, w.read), n(c.new + c.changed, w.changed), n(c.writes, w.written),
    el("td", { class: "num", "data-label": w.took }, duration(run)));
}

function connectionRow(connection) {
  return el("tr", {},
    el("th", { scope: "row" }, connection.id),
    el("td", {}, connection.title || connection.connector,
      el("span", { class: "sub" }, `${connection.connector} ${connection.version ?? ""}`)),
    el("td", {}, connection.hosts.length ? el("code", {}, connection.hosts.join(", ")) : w.noHost),
    el("td", {}, badge(connection.status), faultNote(connection.fault)));
}

function kpi(label, value, below) {
  return el("div", { class: "kpi" }, el("dt", {}, label),
    el("dd", { class: "v" }, number.format(value ?? 0)), el("dd", { class: "d" }, below));
}

function draw() {
  // The button that has the focus keeps it: rows are drawn anew while runs go on.
  const focused = document.activeElement?.dataset?.sync;
  const fill = (id, rows, none) => $(id).replaceChildren(...(rows.length ? rows : [none]));
  fill("syncs", state.syncs.map(syncRow), empty(6, w.noSync));
  fill("runs", state.runs.slice(0, RUNS_SHOWN).map(runRow), empty(7, w.noRun));
  fill("connections", state.connections.map(connectionRow), empty(4, w.noConnection));
  const s = state.stats;
  $("stats").replaceChildren(
    kpi(w.records, s.records, w.ofRecords), kpi(w.profiles, s.profiles, w.ofProfiles),
    kpi(w.pending, s.pending, w.ofPending), kpi(w.quarantined, s.quarantined, w.ofQuarantined));
  const wrong = state.syncs.filter((sync) => sync.status === "failed").length
    + state.connections.filter((connection) => connection.status !== "ready").length;
  const running = state.syncs.filter((sync) => sync.status === "running").length;
  const fresh = state.syncs.length > 0 && state.syncs.every((sync) => sync.status === "never-run");
  $("headline").textContent = wrong ? w.waiting(wrong) : fresh ? w.nothingYet : w.allWell;
  $("subline").textContent = running ? w.running(running) : w.calm(state.syncs.length);
  if (focused) document.querySelector(`[data-sync="${CSS.escape(focused)}"]`)?.focus();
}

// ---------- data ----------

async function refresh() {
  try {
    const [syncs, runs, connections, stats] = await Promise.all(
      [api("/syncs"), api(`/runs?limit=${RUNS_SHOWN}`), api("/connections"), api("/stats")]);
    Object.assign(state, {
      syncs: syncs.syncs, runs: runs.runs, connections: connections.connections, stats: stats.stats,
    });
    complain(null);
    draw();
  } catch (error) {
    if (error.status === 401) showLogin(); else complain(error);
  }
}

let soon = 0;
/** Many runs may end at once: one refresh serves them all. */
function refreshSoon() {
  clearTimeout(soon);
  soon = setTimeout(refresh, 300);
}

function keepRun(run) {
  state.runs = [run, ...state.runs.filter((known) => known.id !== run.id)]
    .sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, RUNS_SHOWN);
}

function watch() {
  stream?.close();
  stream = new EventSource(`/api/v1/events?lang=${lang}`);
  const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
  const status = (text, tone) => { $("live").textContent = text; $("live").className = `live ${tone}`; };
  status(w.connecting, "idle");
  on("ready", () => { status(w.live, "ok"); refresh(); });
  on("lagged", refresh);
  on("run-started", (run) => {
    keepRun(run);
    const sync = state.syncs.find((known) => known.id === run.sync);
    if (sync) sync.status = "running";
    draw();
  });
  on("run-progress", (progress) => {
    const run = state.runs.find((known) => known.id === progress.id);
    if (run) { run.counts = progress.counts; draw(); } else refreshSoon();
  });
  on("run-ended", (run) => {
    keepRun(run);
    say(w.ended(run.sync, word(run.status)));
    refreshSoon();
  });
  stream.onerror = () => {
    status(w.offline, "warn");
    // A stream that was refused (session over, hub restarted) does not come back by itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(start, 3000);
  };
}

async function runNow(sync) {
  if (sync.status === "running") return;
  try {
    await api(`/syncs/${encodeURIComponent(sync.id)}/run`, { method: "POST", body: "{}" });
    say(w.askedRun(sync.id));
    complain(null);
  } catch (error) {
    if (error.status === 401) showLogin(); else complain(error);
  }
}

// ---------- coming in ----------

function showLogin(problem = "") {
  stream?.close();
  $("live").textContent = "";
  $("inside").hidden = $("logout").hidden = true;
  $("login").hidden = false;
  $("login-problem").textContent = problem;
  $("token").focus();
}

async function login(token) {
  try {
    await api("/session", { method: "POST", body: JSON.stringify({ token }) });
    history.replaceState(null, "", "/");
    await start();
  } catch (error) {
    history.replaceState(null, "", "/");
    showLogin(error.body ? `${error.body.title}. ${error.body.mend}` : w.unreachable);
  }
}

async function start() {
  try {
    const session = await api("/session");
    $("version").textContent = session.version;
    $("login").hidden = true;
    $("inside").hidden = $("logout").hidden = false;
    watch();
  } catch (error) {
    if (error.status) showLogin();
    else { $("live").textContent = w.offline; setTimeout(start, 3000); }
  }
}

function dress() {
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = w[node.dataset.word];
  for (const node of document.querySelectorAll("[data-name]")) node.setAttribute("aria-label", w[node.dataset.name]);
  $(`lang-${lang}`).setAttribute("aria-current", "true");
  const kept = localStorage.getItem("liaison-theme");
  if (kept) document.documentElement.dataset.theme = kept;
  $("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("liaison-theme", document.documentElement.dataset.theme);
  });
  $("logout").addEventListener("click", async () => {
    await api("/session", { method: "DELETE" }).catch(() => {});
    showLogin();
  });
  $("login-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const pasted = $("token").value.trim();
    $("token").value = "";
    login(pasted.includes("token=") ? pasted.split("token=")[1] : pasted);
  });
}

dress();
const given = location.pathname === "/login" ? new URLSearchParams(location.search).get("token") : null;
if (given) login(given); else start();
// Relative times grow old: draw them again now and then.
setInterval(() => { if (!$("inside").hidden) draw(); }, 10_000);
