// The requests of the page. The secret of the entered token is kept in a variable of this module and nowhere else.

let secret = null;

export const enter = (text) => { secret = text; };
export const forget = () => { secret = null; };
export const hasToken = () => secret !== null;

/** The server answered with an error, or did not answer. `status` is 0 without an answer. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(path, options = {}) {
  // A header cannot contain any other character, and `fetch` would quote the secret in its error.
  if (options.authorized && !/^[\x21-\x7e]+$/.test(secret ?? "")) {
    throw new Refusal(401, "A token consists of visible ASCII characters.");
  }
  const headers = options.authorized ? { authorization: `Bearer ${secret}` } : {};
  let response;
  try {
    response = await fetch(path, {
      method: options.method ?? "GET", headers, cache: "no-store", credentials: "omit", redirect: "error",
      referrerPolicy: "no-referrer", signal: options.signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The server does not answer.");
  }
  if (response.ok) return response;
  let reason = response.statusText;
  try {
    reason = (await response.json()).error ?? reason;
  } catch {
    // The status alone must do.
  }
  throw new Refusal(response.status, `The server answered ${response.status}: ${reason}`);
}

/** One page of the list: `{ tokens, next }`. */
export async function tokensAfter(after, signal) {
  const query = new URLSearchParams({ limit: 1000 });
  if (after !== null) query.set("after", after);
  const response = await send(`tokens?${query}`, { authorized: true, signal });
  return { ...await response.json(), cluster: response.headers.get("cluster-uuid") };
}

/** The ID of the entered token. */
export async function whoAmI() {
  const response = await send("verify", { authorized: true });
  return Number(response.headers.get("x-token-id"));
}

let deletion = null;

/** Deletes a token with the public operation, whose path and parameter the document names. */
export async function deleteToken(id) {
  deletion ??= await findOperation("DeleteToken");
  const query = new URLSearchParams({ [deletion.parameter]: id });
  await send(`${deletion.path}?${query}`, { method: deletion.method, authorized: true });
}

async function findOperation(operationId) {
  const document = await (await send("openapi.json")).json();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.operationId !== operationId) continue;
      const parameters = operation.parameters.map((parameter) => resolved(document, parameter));
      const { name } = parameters.find((parameter) => parameter.in === "query" && parameter.required);
      return { path, method: method.toUpperCase(), parameter: name };
    }
  }
  throw new Refusal(0, `The document has no operation ${operationId}.`);
}

const resolved = (document, { $ref, ...value }) =>
  $ref ? $ref.slice(2).split("/").reduce((part, name) => part[name], document) : value;

export async function metrics() {
  return (await send("metrics")).text();
}
