// The page: entering a token, loading the list, deleting.

import * as api from "./api.js";
import { start } from "./charts.js";
import { count, printable } from "./format.js";
import { List, badges } from "./tokens.js";

/** More tokens than this are not loaded, so that the page stays quick. */
const MOST = 50_000;

const byId = (id) => document.getElementById(id);
const [form, input, refusal, list, problem] = ["enter", "secret", "refusal", "list", "problem"].map(byId);
const dialog = byId("confirm");
const table = new List(confirm);
let loading = null;
let selected = null;

function say(text) {
  byId("status").textContent = text;
}

function complain(place, error) {
  place.textContent = error.message;
  place.hidden = false;
}

/** Back to the beginning: no token, no list. */
function close(reason) {
  loading?.abort();
  api.forget();
  table.clear();
  dialog.close();
  for (const part of [list, byId("forget"), byId("who"), problem]) part.hidden = true;
  byId("count").textContent = "";
  byId("cluster").textContent = "";
  form.hidden = false;
  refusal.hidden = true;
  if (reason) complain(refusal, reason);
  input.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  refusal.hidden = true;
  api.enter(input.value.trim());
  input.value = "";
  const button = form.querySelector("button");
  button.disabled = true;
  await load();
  button.disabled = false;
});

byId("forget").addEventListener("click", () => {
  close();
  say("The token is forgotten.");
});

byId("refresh").addEventListener("click", load);

async function load() {
  loading?.abort();
  const { signal } = loading = new AbortController();
  problem.hidden = true;
  try {
    let [tokens, next] = [[], null];
    do {
      const page = await api.tokensAfter(next, signal);
      tokens = tokens.concat(page.tokens);
      next = page.next;
      open(page.cluster);
      table.set(tokens, next === null);
    } while (next !== null && tokens.length < MOST);
    if (next !== null) complain(problem, new Error(`Only the first ${count(tokens.length, "token")} are shown.`));
    say(`${count(tokens.length, "token")} listed.`);
    table.own = await api.whoAmI();
    if (signal.aborted) return;
    byId("who").textContent = `as token ${table.own}`;
    byId("who").hidden = false;
    table.show();
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    if (error.status === 401 || error.status === 403 || form.hidden === false) close(error);
    else complain(problem, error);
  }
}

/** Shows the list instead of the form. */
function open(cluster) {
  if (cluster) byId("cluster").textContent = `Cluster ${cluster}`;
  if (form.hidden) return;
  form.hidden = true;
  list.hidden = false;
  byId("forget").hidden = false;
  byId("search").focus();
}

/** Asks whether to delete a token. */
function confirm(token) {
  selected = token;
  byId("confirm-name").textContent = printable(token.name);
  byId("confirm-id").textContent = `${token.id}`;
  byId("confirm-permissions").replaceChildren(badges(token.permissions, 12));
  byId("confirm-own").hidden = token.id !== table.own;
  byId("confirm-problem").hidden = true;
  byId("delete").disabled = false;
  dialog.showModal();
}

byId("cancel").addEventListener("click", () => dialog.close());

byId("delete").addEventListener("click", async () => {
  const token = selected;
  byId("delete").disabled = true;
  byId("confirm-problem").hidden = true;
  try {
    await api.deleteToken(token.id);
  } catch (error) {
    // 404: someone else has deleted it, so the list is old.
    if (error.status !== 404) {
      byId("delete").disabled = false;
      complain(byId("confirm-problem"), error);
      return;
    }
  }
  dialog.close();
  if (token.id === table.own) {
    close();
    say("Your token is deleted.");
    return;
  }
  table.remove(token.id);
  say(`Token ${token.id}, ${printable(token.name)}, is deleted.`);
  byId("search").focus();
});

start((state, text) => {
  const server = byId("server");
  if (server.dataset.state === state && server.textContent === text) return;
  server.dataset.state = state;
  server.textContent = text;
});
