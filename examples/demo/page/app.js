// The panels of the page.
import * as attacks from "./attacks.js";
import * as gate from "./login.js";
import { changes, login } from "./login.js";

const $ = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);

// make returns an element with a text.
function make(tag, text = "", cls = "") {
  const e = document.createElement(tag);
  e.textContent = text;
  e.className = cls;
  return e;
}

function say(element, text, cls = "") {
  element.textContent = text;
  element.classList.remove("good", "bad", "info");
  if (cls) element.classList.add(cls);
}

// act runs work for a click, and shows an error in output.
function act(button, output, work) {
  button.addEventListener("click", () => run(button, output, work));
}

// run ignores clicks while work is going on. The button is not disabled: that would take
// the focus from somebody who uses the keyboard.
async function run(button, output, work) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  try {
    await work();
  } catch (err) {
    say(output, err.message, err.kind ?? "bad");
  } finally {
    button.ariaBusy = "false";
    await readEvents();
  }
}

// --- log in

const form = $("login-form").elements;

// A suggestion that nobody has to think about.
function suggest() {
  const letters = (n) => Array.from(crypto.getRandomValues(new Uint8Array(n)), (b) => "abcdefghjkmnpqrstuvwxyz23456789"[b % 31]).join("");
  form.name.value = "demo-" + letters(4);
  form.password.value = [4, 4, 4].map(letters).join("-");
}

async function logIn(signUp) {
  if (!$("login-form").reportValidity()) return;
  const credentials = { name: form.name.value, password: form.password.value };
  const query = new URLSearchParams(["mode", "access_seconds", "device"].map((name) => [name, form[name].value]));
  if (form.scope.checked) query.set("scope", form.scope.value);
  if (signUp) {
    const response = await gate.post("/signup", credentials);
    if (!response.ok && response.status !== 409) throw new Error(await gate.reason(response)); // 409: signed up before
  }
  await gate.logIn(credentials, query);
}

$("login-form").addEventListener("submit", (e) => {
  e.preventDefault();
  run($("signup"), $("status"), () => logIn(true));
});
act($("login-only"), $("status"), () => logIn(false));

changes.addEventListener("in", () => {
  for (const name of ["bar-name", "in-name"]) $(name).textContent = login.name;
  $("bar-mode").textContent = `(${login.mode})`;
  $("in-how").textContent = gate.way().how;
  $("method").value = login.mode === "body" ? "POST" : "GET";
  for (const id of ["confirm-form", "another-form"]) $(id).elements.password.value = login.password;
  say($("status"), `Logged in as ${login.name}. Try the panels below.`);
  show();
  readDevices();
  readRole();
});

changes.addEventListener("out", (e) => {
  say($("status"), "You are logged out. " + e.detail);
  show();
});

// show shows what there is for somebody who is logged in, or for nobody.
function show() {
  const inside = login.mode !== "";
  for (const e of all(".with-login")) e.hidden = !inside;
  for (const e of all(".needs-login")) e.hidden = inside;
  $("login-form").hidden = inside;
  $("bar").hidden = $("logged-in").hidden = !inside;
  if (!inside) $("evil").hidden = true;
  const at = document.activeElement;
  if (at !== document.body && at.closest("[hidden]")) $("status").focus(); // the focus was on what is hidden now
}

// --- tokens

changes.addEventListener("tokens", () => {
  const { access, refresh } = login.views;
  const cookies = "HttpOnly cookie: no script can read it. The server has decoded it for you.";
  $("access-where").textContent = login.access ? "In this page's memory: " + short(login.access) : cookies;
  $("refresh-where").textContent = gate.way().client ? cookies : "In this page's memory: " + short(login.refresh);
  $("access-text").textContent = pretty(access);
  $("refresh-text").textContent = pretty(refresh);
  $("readable").textContent = document.cookie.split("; ").map((c) => c.split("=")[0]).join(", ") || "none";
  tick();
});

const short = (token) => token.split(".").map((part) => part.slice(0, 6) + "…").join(".");
const pretty = (view) => (view ? JSON.stringify(view, null, 2) : "It has expired.");

function clock(name, until, from) {
  const left = until - Date.now() / 1000;
  const text = left > 0 ? duration(left) : "over";
  $(name + "-clock").textContent = text;
  $(name + "-left").value = Math.max(0, Math.min(1, left / (until - from || 1)));
  return text;
}

function duration(seconds) {
  if (seconds > 86400) return Math.floor(seconds / 86400) + " days";
  return Math.floor(seconds / 60) + ":" + String(Math.floor(seconds % 60)).padStart(2, "0");
}

// tick writes how long the tokens live. A token that is simply fresh is so until it expires.
function tick() {
  const { access, refresh } = login.views;
  if (access) {
    const { exp, iat, fresh } = access.claims;
    $("bar-access").textContent = clock("access", exp, iat);
    $("bar-fresh").textContent = clock("fresh", fresh === true ? exp : Math.min(fresh || 0, exp), iat);
  }
  if (refresh) clock("refresh", refresh.claims.exp, refresh.claims.iat);
}
setInterval(tick, 500);

// --- call a route

for (const button of all("[data-route]")) {
  act(button, $("call-answer"), async () => {
    const init = { method: $("method").value };
    const token = login.mode && !$("anonymous").checked;
    const url = button.dataset.route;
    const response = token ? await gate.send(url, init) : await fetch(url, { ...init, credentials: "omit" });
    const request = token ? gate.sample(url, init) : new Request(url, init);
    $("call-request").textContent = await describe(request, token);
    const challenge = response.headers.get("WWW-Authenticate");
    $("call-answer").textContent = `${response.status} ${response.statusText}\n${challenge ? "WWW-Authenticate: " + challenge + "\n" : ""}\n${await response.text()}`;
  });
}

// describe writes a request with the texts of tokens cut short.
async function describe(request, token) {
  const { pathname, search } = new URL(request.url);
  const lines = [`${request.method} ${pathname}${search}`];
  for (const [name, value] of request.headers) lines.push(`${name}: ${value}`);
  if (token && login.mode === "cookie") lines.push("cookie: access_token_cookie=… (the browser adds it)");
  const body = await request.text();
  return lines.join("\n").concat(body && "\n\n" + body).replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, short);
}

$("admin").addEventListener("change", async ({ target }) => {
  target.ariaBusy = "true"; // the event of the request comes before the role
  try {
    await gate.send("/role", json({ admin: target.checked }));
  } finally {
    target.ariaBusy = "false";
    await readEvents();
  }
});

const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function readRole() {
  const response = await gate.send("/me");
  if (response.ok) $("admin").checked = (await response.json()).admin;
}

// --- refresh and confirm

$("auto").addEventListener("change", () => { login.auto = $("auto").checked; });
act($("refresh"), $("renew-result"), async () => {
  if (await gate.refresh()) say($("renew-result"), "Both tokens are new. The access token is not fresh.", "good");
});
$("confirm-form").addEventListener("submit", (e) => {
  e.preventDefault();
  run(e.submitter, $("renew-result"), async () => {
    await gate.confirm($("confirm-form").elements.password.value);
    say($("renew-result"), "The access token is new, and fresh for 30 seconds.", "good");
  });
});

// --- attacks

for (const button of all("[data-attack]")) {
  const output = button.closest("li").querySelector(".result");
  act(button, output, async () => {
    say(output, "…", "info");
    await readEvents();
    const before = lastEvent;
    const response = await attacks[button.dataset.attack]();
    const text = await gate.reason(response);
    await readEvents();
    const event = seen.findLast((e) => e.n > before && e.error);
    const why = event?.reason ? `${event.reason}. ${text}` : `${event?.name}. ${event?.error}`;
    say(output, `${response.ok ? "NOT refused" : "Refused"}: ${response.status} ${why}`, response.ok ? "bad" : "good");
  });
}

for (const button of all("[data-evil]")) {
  button.addEventListener("click", () => {
    const here = location.hostname;
    const other = { "127.0.0.1": "localhost", localhost: "127.0.0.1" }[here];
    $("evil-note").hidden = other !== undefined;
    $("evil-note").textContent = "For this, open the page at 127.0.0.1 or localhost.";
    if (!other) return;
    const host = button.dataset.evil === "port" ? here : other;
    $("evil").src = `http://${host}:${document.body.dataset.evilPort}/?to=${here}`;
    $("evil").hidden = false;
  });
}
// The answer to the attacker's form is a page of this origin, so this page can read it.
$("evil").addEventListener("load", async () => {
  const { contentDocument: answer, contentWindow: frame } = $("evil");
  say($("evil-result"), "");
  if (!answer || frame.location.pathname !== "/web/logout/all") return; // the form is not sent yet
  const before = lastEvent;
  await readEvents();
  const { responseStatus: status } = frame.performance.getEntriesByType("navigation")[0];
  const event = seen.findLast((e) => e.n > before && e.reason);
  const text = status < 300 ? "" : JSON.parse(answer.body.innerText).msg;
  say($("evil-result"), `${text ? "Refused" : "NOT refused"}: ${status} ${event ? event.reason + ". " : ""}${text}`, text ? "good" : "bad");
});

// --- devices and logout

async function readDevices() {
  const response = await gate.send(gate.way().auth + "sessions");
  if (!response.ok) throw new Error(await gate.reason(response));
  const { sessions } = await response.json();
  $("device-list").replaceChildren(...sessions.map(deviceRow));
}

function deviceRow(s) {
  const row = make("li");
  const text = make("div");
  text.append(make("b", s.name || "No name"), make("div", s.user_agent, "muted"), make("div", `since ${time(s.created)}, last refresh ${time(s.seen)}`, "muted"));
  row.append(text);
  const end = make("div", "", "buttons");
  if (s.current) end.append(make("span", "this one", "tag"));
  const button = make("button", "End");
  button.type = "button";
  button.setAttribute("aria-label", `End the session ${s.name}`);
  act(button, $("devices-result"), () => endDevice(s));
  end.append(button);
  row.append(end);
  return row;
}

async function endDevice(s) {
  const response = await gate.send(gate.way().auth + "sessions/" + s.id, { method: "DELETE" });
  if (!response.ok) throw new Error(await gate.reason(response));
  if (s.current) return gate.ended();
  say($("devices-result"), `${s.name || "The device"} is logged out.`, "good");
  await readDevices();
}

const time = (text) => new Date(text).toLocaleTimeString();

$("another-form").addEventListener("submit", (e) => {
  e.preventDefault();
  const { device, password } = $("another-form").elements;
  run(e.submitter, $("devices-result"), async () => {
    const response = await gate.post("/login?" + new URLSearchParams({ device: device.value }), { name: login.name, password: password.value });
    if (!response.ok) throw new Error(await gate.reason(response));
    say($("devices-result"), `${device.value} is logged in.`, "good");
    await readDevices();
  });
});
act($("reload-devices"), $("devices-result"), readDevices);

for (const button of all(".logout-here")) act(button, $("logout-result"), gate.logOut);
act($("logout-all"), $("logout-result"), gate.logOutEverywhere);
act($("logout-others"), $("logout-result"), async () => {
  const response = await gate.send(gate.way().auth + "logout/others", { method: "POST" });
  if (!response.ok) throw new Error(await gate.reason(response));
  say($("logout-result"), "Your other devices are logged out.", "good");
  await readDevices();
});

// --- keys

act($("rotate"), $("keys-result"), async () => {
  const response = await gate.send("/keys/rotate", { method: "POST" });
  if (!response.ok) throw new Error(await gate.reason(response));
  showKeys(await response.json());
  const { ok } = await gate.send("/me");
  say($("keys-result"), ok ? "A new key signs, and your token of the old key still works." : "Your token was refused.", ok ? "good" : "bad");
});

async function readKeys() { showKeys(await (await fetch("/keys")).json()); }

function showKeys({ keys }) {
  $("key-list").replaceChildren(...keys.map((k) => {
    const row = make("li");
    const text = make("div");
    text.append(make("code", k.id), make("div", k.until ? "verifies until " + new Date(k.until).toLocaleDateString() : "signs", "muted"));
    row.append(text, make("span", k.phase, "tag"));
    return row;
  }));
}

// --- events

let lastEvent = 0;
let seen = [];

async function readEvents() {
  const response = await fetch("/events?after=" + lastEvent).catch(() => null);
  if (!response?.ok) return;
  const { events, new: fresh } = await response.json();
  if (fresh) lastEvent = 0;
  const rows = events.filter((e) => e.n > lastEvent); // two answers may overlap
  if (!rows.length) return;
  lastEvent = rows.at(-1).n;
  seen = [...seen, ...rows].slice(-100);
  $("event-list").replaceChildren(...seen.toReversed().map(eventRow));
}

function eventRow(e) {
  const row = make("li", "", e.error ? "refused" : "");
  row.append(make("b", e.reason ? `${e.name} ${e.reason}` : e.name));
  const where = [time(e.at), e.request, e.type && `${e.type} token`, e.location && `in ${e.location}`];
  row.append(make("span", where.filter(Boolean).join(" · "), "muted"));
  return row;
}

setInterval(() => { if (!document.hidden) readEvents(); }, 2000);

suggest();
await readEvents(); // before all else: it brings the cookie by which this browser finds its events
await gate.resume();
await readKeys();
document.body.dataset.ready = "yes";
