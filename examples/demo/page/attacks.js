// The attacks of the page. Each returns the answer to its request, or throws an Error that
// says why this login cannot be attacked like that.
import { login, way, decode, ended, refresh, toBase64 } from "./login.js";
import { refreshInMemory } from "./travel.js";

const bearer = (token) => ({ headers: { Authorization: "Bearer " + token } });

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// impossible is an attack that cannot be made on this login.
const impossible = (why) => Object.assign(new Error(why), { kind: "info" });

const unreadable = "Not possible here: no script can read this refresh token. Log in with Header to try.";

// The browser adds the cookies, and nobody adds the CSRF value.
export function noCSRF() {
  if (!way().client) throw impossible("Nothing to attack here: the browser sends no token by itself. Log in with Cookies or Split to try.");
  return fetch(login.mode === "cookie" ? "/me" : "/web/split/refresh", { method: "POST" });
}

// The claims say another user. The signature is the old one or, for a token that no script
// can read, invented.
export function tampered() {
  const { header, claims } = login.views.access;
  const signature = login.access.split(".")[2] ?? toBase64("an invented one".padEnd(32));
  const forged = [header, { ...claims, sub: "1000" }].map((part) => toBase64(JSON.stringify(part))).join(".");
  return fetch("/me", bearer(forged + "." + signature));
}

export function wrongType() {
  if (way().client) throw impossible(unreadable);
  return fetch("/me", bearer(login.refresh));
}

export async function replay() {
  if (way().client) throw impossible(unreadable);
  const old = login.refresh;
  const { sid } = decode(old).claims;
  if (!(await refresh())) throw new Error("The refresh failed.");
  await pause(4000);
  const response = await fetch(refreshInMemory(old));
  if (response.status === 401 && login.mode && decode(login.refresh).claims.sid === sid) ended();
  return response;
}
