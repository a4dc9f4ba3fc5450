// Who is logged in, and how: the login of this page, its tokens, and its requests.
import { inHeader, inCookie, inQuery, inBody, splitClient, cookieClient, refreshInMemory, cookie } from "./travel.js";

// ways has, for each way, the recipe of a request, the routes of its sessions, and the
// client of /gate.js for those that use cookies.
const ways = {
  header: { recipe: inHeader, auth: "/auth/", how: "Both tokens are in this page's memory: a reload logs you out." },
  cookie: { recipe: inCookie, auth: "/web/", client: cookieClient(), how: "Both tokens are in cookies that no script can read." },
  split: { recipe: inHeader, auth: "/web/split/", client: splitClient(), how: "The access token is in this page's memory, the refresh token in a cookie that no script can read." },
  query: { recipe: inQuery, auth: "/auth/", how: "Both tokens are in this page's memory, and the access token goes into URLs." },
  body: { recipe: inBody, auth: "/auth/", how: "Both tokens are in this page's memory, and the access token goes into JSON bodies." },
};

// login is who is logged in. mode is "" for nobody; access and refresh are texts of tokens
// where a script has them; views are their decoded forms.
export const login = { mode: "", name: "", access: "", refresh: "", views: {}, auto: true, password: "" };

// changes tells the panels: "in" and "out" with a reason, and "tokens".
export const changes = new EventTarget();
const tell = (type, detail) => changes.dispatchEvent(new CustomEvent(type, { detail }));

export const way = () => ways[login.mode];

for (const [mode, { client }] of Object.entries(ways)) {
  client?.addEventListener("logout", (e) => {
    if (login.mode === mode) forget(e.detail.otherTab ? "Another tab has logged out." : "");
  });
  client?.addEventListener("login", (e) => {
    if (e.detail.otherTab && !login.mode) resume();
  });
  client?.addEventListener("refresh", () => { if (login.mode === mode) showTokens(); });
}

// post sends a JSON body without a token.
export const post = (url, body) =>
  fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// logIn logs in. query has the wishes of the form: mode, scope, device, access_seconds.
export async function logIn(credentials, query) {
  const response = await post("/login?" + query, credentials);
  if (!response.ok) throw new Error(await reason(response));
  login.mode = query.get("mode");
  Object.assign(login, credentials);
  keep(await response.clone().json());
  await way().client?.accept(response);
  await showTokens();
  tell("in");
}

// resume goes on with a login of before a reload, which only cookies survive.
export async function resume() {
  if (cookie("csrf_access_token")) login.mode = "cookie";
  else if (cookie("csrf_refresh_token")) login.mode = "split";
  else return;
  const me = await send("/me").catch(() => null);
  if (!me?.ok) return forget("Your last login has ended.");
  login.name = (await me.json()).name;
  await showTokens();
  tell("in");
}

function keep({ access_token, refresh_token }) {
  login.access = access_token ?? "";
  login.refresh = refresh_token ?? login.refresh;
}

function forget(why) {
  if (!login.mode) return;
  Object.assign(login, { mode: "", access: "", refresh: "", views: {} });
  tell("out", why);
}

// send makes a request in the way of the login. Where the access token has expired, it
// refreshes and tries once more.
export async function send(url, init = {}) {
  init = { method: "GET", ...init };
  const { recipe, client } = way();
  if (client && login.auto) return client.fetch(url, init);
  const response = await fetch(recipe(url, init, login.access));
  if (!login.auto || response.status !== 401 || /insufficient/.test(response.headers.get("WWW-Authenticate"))) return response;
  return (await refresh()) ? fetch(recipe(url, init, login.access)) : response;
}

// sample is the request that send makes, to be shown.
export const sample = (url, init) => (login.mode ? way().recipe(url, init, login.access) : new Request(url, init));

let refreshing;

// refresh gets new tokens, once for all who ask at the same time.
export function refresh() {
  if (way().client) return way().client.refresh();
  return (refreshing ??= refreshOwn().finally(() => { refreshing = undefined; }));
}

async function refreshOwn() {
  const response = await fetch(refreshInMemory(login.refresh));
  if (response.ok) {
    keep(await response.json());
    await showTokens();
  } else if (response.status === 401) {
    forget("The session has ended: " + await reason(response));
  }
  return response.ok;
}

// confirm sends the password once more, for a fresh token.
export async function confirm(password) {
  const response = await send("/confirm", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ password }) });
  if (!response.ok) throw new Error(await reason(response));
  await way().client?.accept(response.clone());
  const body = await response.json();
  if (body.access_token) keep(body);
  await showTokens();
}

export async function logOut() {
  if (way().client) return way().client.logout();
  const response = await send("/auth/logout", { method: "POST" });
  if (!response.ok && response.status !== 401) throw new Error(await reason(response));
  forget("");
}

export async function logOutEverywhere() {
  if (way().client) return way().client.logoutEverywhere();
  const response = await send("/auth/logout/all", { method: "POST" });
  if (!response.ok) throw new Error(await reason(response));
  forget("");
}

// ended is for a session that an attack has ended.
export const ended = () => forget("The session was ended. Log in again.");

// showTokens decodes both tokens: here where the page has them, or on the server.
async function showTokens() {
  const { client } = way();
  if (login.mode === "split") login.access = (await client.token()) ?? "";
  login.views = {
    access: login.access ? decode(login.access) : await ask("/claims"),
    refresh: login.refresh && !client ? decode(login.refresh) : await ask("/web/claims"),
  };
  tell("tokens");
}

async function ask(url) {
  const response = await fetch(url);
  return response.ok ? response.json() : undefined;
}

// decode reads a token without checking it. Everybody who has a token can do that.
export function decode(token) {
  const [header, claims] = token.split(".").map((part, n) => (n < 2 ? JSON.parse(fromBase64(part)) : ""));
  return { header, claims };
}

function fromBase64(text) {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
}

export function toBase64(text) {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// reason is the sentence of an answer that refuses.
export async function reason(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).msg ?? text;
  } catch {
    return text || "status " + response.status;
  }
}
