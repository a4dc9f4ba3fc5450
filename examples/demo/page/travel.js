// How tokens travel. Each function makes the request of one way.
import { Client } from "/gate.js";

// Header: the page keeps the token in memory, and sends it itself.
export function inHeader(url, init, access) {
  const headers = new Headers(init.headers);
  headers.set("Authorization", "Bearer " + access);
  return new Request(url, { ...init, headers });
}

// Cookies: the browser sends the token. A request that may change something repeats the
// CSRF value, which is in a cookie that the page can read.
export function inCookie(url, init) {
  const headers = new Headers(init.headers);
  if (init.method !== "GET") headers.set("X-CSRF-TOKEN", cookie("csrf_access_token"));
  return new Request(url, { ...init, headers });
}

// Query: URLs are kept in logs and histories, so use it only for links that work once.
export function inQuery(url, init, access) {
  const target = new URL(url, location);
  target.searchParams.set("access_token", access);
  return new Request(target, init);
}

// JSON body: a GET has none, so its token goes into the header.
export function inBody(url, init, access) {
  if (init.method === "GET") return inHeader(url, init, access);
  const headers = new Headers(init.headers);
  headers.set("Content-Type", "application/json");
  const body = { ...JSON.parse(init.body ?? "{}"), access_token: access };
  return new Request(url, { ...init, headers, body: JSON.stringify(body) });
}

// Split: gate.fetch("/me") adds the access token, and refreshes it with the cookie when it
// has expired: once for all tabs.
export function splitClient() {
  return new Client({ auth: "/web/split/" });
}

// With cookies alone, gate.fetch adds the CSRF value, and refreshes too.
export function cookieClient() {
  return new Client({ auth: "/web/", delivery: "cookies" });
}

// A refresh with the refresh token in the page's memory.
export function refreshInMemory(refresh) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ refresh_token: refresh });
  return new Request("/auth/refresh", { method: "POST", headers, body });
}

export function cookie(name) {
  const pair = document.cookie.split("; ").find((c) => c.startsWith(name + "="));
  return pair?.slice(name.length + 1) ?? "";
}
