// The browser's half of package session. docs/browser.md says how to use it.
export class Client extends EventTarget {
  #auth; #split; #cookie; #header; #tabs;
  #token; #csrf; #loggedIn; #flight;
  #until = 0; // when the access token is no longer sent
  #round = 0; // counts logins and refreshes

  constructor({ auth = "/auth/", delivery = "split", csrfCookie = "csrf_refresh_token", csrfHeader = "X-CSRF-TOKEN" } = {}) {
    super();
    this.#auth = new URL(auth, location);
    this.#split = delivery !== "cookies";
    this.#cookie = csrfCookie + "=";
    this.#header = csrfHeader;
    this.#tabs = new BroadcastChannel("gate " + this.#auth);
    this.#tabs.onmessage = ({ data }) => this.#change(data, true);
  }

  async fetch(input, init = {}) {
    const { origin } = new URL(input.url ?? new Request(input).url);
    if (origin !== this.#auth.origin) return fetch(input, init);
    if (this.#split) await this.token();
    const round = this.#round;
    const response = await this.#send(input, init);
    if (response.status !== 401 || /insufficient/.test(response.headers.get("WWW-Authenticate"))) return response;
    if (round === this.#round && !(await this.refresh())) return response;
    if (init.body instanceof ReadableStream) {
      throw new TypeError("gate: the body was a stream and is used up; send the request again", { cause: response });
    }
    return this.#send(input, init);
  }

  async token() {
    if (Date.now() >= this.#until) await this.refresh();
    return this.#token;
  }

  refresh() {
    const round = this.#round;
    return this.#flight ??= this.#alone(async () => {
      if (round !== this.#round) return this.#loggedIn; // changed while this tab waited
      const response = await this.#post("refresh");
      if (response.ok) await this.#keep(response, "refresh");
      else if (response.status !== 401) throw failure(response);
      else if (this.#loggedIn) this.#change("logout");
      else this.#forget(Infinity);
      return response.ok;
    }).finally(() => { this.#flight = undefined; });
  }

  async accept(response) {
    if (response.ok) await this.#keep(response.clone(), "login");
    return response;
  }

  logout() {
    return this.#alone(async () => {
      const response = await this.#post("logout");
      if (!response.ok && response.status !== 401) throw failure(response);
      this.#change("logout");
    });
  }

  async logoutEverywhere() {
    const response = await this.fetch(new URL("logout/all", this.#auth), { method: "POST", credentials: "include" });
    if (!response.ok) throw failure(response);
    this.#change("logout");
  }

  async #send(input, init) {
    const headers = new Headers(init.headers ?? input.headers);
    if (this.#token) headers.set("Authorization", "Bearer " + this.#token);
    if (!this.#split && !/^(GET|HEAD)$/i.test(init.method ?? input.method ?? "GET")) {
      const { value } = await this.#readCSRF();
      if (value) headers.set(this.#header, value);
    }
    const credentials = this.#split ? undefined : "include";
    return fetch(input instanceof Request ? input.clone() : input, { credentials, ...init, headers });
  }

  async #post(route) {
    this.#csrf = undefined;
    const { value, refused } = await this.#readCSRF();
    if (refused) return refused;
    const send = () => this.#call(route, { method: "POST", headers: { [this.#header]: value }, keepalive: true });
    return send().catch((err) => { if (err instanceof TypeError) return send(); throw err; }); // a network changed
  }

  async #readCSRF() {
    const cookie = globalThis.document?.cookie.split("; ").find((c) => c.startsWith(this.#cookie));
    if (cookie) return { value: cookie.slice(this.#cookie.length) };
    if (this.#csrf === undefined) {
      const response = await this.#call("csrf");
      if (!response.ok) return { refused: response };
      this.#csrf = (await response.json()).csrf_token;
    }
    return { value: this.#csrf };
  }

  #call(route, init) {
    return fetch(new URL(route, this.#auth), { credentials: "include", signal: AbortSignal.timeout(20000), ...init });
  }

  #alone(work) { return navigator.locks ? navigator.locks.request("gate " + this.#auth, work) : work(); }

  async #keep(response, type) {
    const body = await response.json();
    this.#token = body.access_token;
    this.#csrf = body.csrf_token;
    this.#until = Date.now() + body.expires_in * 1000;
    this.#change(type);
  }

  #forget(until) {
    this.#token = this.#csrf = undefined;
    this.#until = until;
  }

  #change(type, otherTab = false) {
    if (type === "logout") this.#forget(Infinity);
    else if (otherTab && type === "login") this.#forget(0);
    if (type === "login" || !otherTab || !this.#split) this.#round++;
    this.#loggedIn = type !== "logout";
    if (!otherTab) this.#tabs.postMessage(type);
    this.dispatchEvent(new CustomEvent(type, { detail: { otherTab } }));
  }
}

const failure = (response) => new Error(`gate: ${response.url} answered ${response.status}`, { cause: response });
