// [start]
import { Client } from "/gate.js";

const gate = new Client({ auth: "/auth/" });
// [end]

// [login]
async function login(name, password) {
  const form = new URLSearchParams({ name, password });
  const response = await gate.accept(await fetch("/login", { method: "POST", body: form }));
  return response.ok;
}
// [end]

// [header]
async function save(note) {
  const response = await gate.fetch("/notes", { method: "POST", body: new URLSearchParams({ note }) });
  if (response.status === 401) return null; // nobody is logged in
  return response.text();
}
// [end]

// [query]
async function saveByQuery(note) {
  const query = new URLSearchParams({ note, jwt: await gate.token() });
  const response = await fetch(`/query?${query}`, { method: "POST" });
  return response.text();
}
// [end]

// [json]
async function saveByJSON(note) {
  const response = await fetch("/json", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ note, access_token: await gate.token() }),
  });
  return response.text();
}
// [end]

// [logout]
gate.addEventListener("logout", () => { document.body.textContent = "You are logged out."; });

async function logout() {
  try {
    await gate.logout();
  } catch {
    document.body.textContent = "The logout failed, and you are still logged in. Try again.";
  }
}
// [end]

export { gate, login, save, saveByQuery, saveByJSON, logout };
