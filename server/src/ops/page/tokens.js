// The list of tokens: which are shown, in which order, and the rows of the table.

import { count, element, printable, thousands, timeElement } from "./format.js";

const ROWS = 50;
const SHOWN_BADGES = 4;
const SOON = 7 * 86_400_000;
const OPERATOR = "_admin";

const [rows, table, empty, pages] = ["rows", "list", "empty", "pages"].map((id) => document.getElementById(id));
const [search, sorting] = ["search", "sort"].map((id) => document.getElementById(id));
const headers = [...document.querySelectorAll("th button[data-sort]")];

export class List {
  /** `onDelete` is called with the token whose button is pressed. */
  constructor(onDelete) {
    this.onDelete = onDelete;
    this.clear();
    search.addEventListener("input", () => { this.page = 0; this.show(); });
    sorting.addEventListener("change", () => this.sortBy(sorting.value, false));
    headers.forEach((header) => header.addEventListener("click", () => {
      const { sort } = header.dataset;
      this.sortBy(sort, this.key === sort && !this.descending);
    }));
    document.getElementById("previous").addEventListener("click", () => this.turn(-1));
    document.getElementById("next").addEventListener("click", () => this.turn(1));
  }

  clear() {
    Object.assign(this, { tokens: [], own: null, isComplete: false, page: 0, key: "id", descending: false });
    search.value = "";
    sorting.value = "id";
    rows.replaceChildren();
  }

  set(tokens, isComplete) {
    this.tokens = tokens;
    this.isComplete = isComplete;
    this.show();
  }

  remove(id) {
    this.set(this.tokens.filter((token) => token.id !== id), this.isComplete);
  }

  sortBy(key, descending) {
    Object.assign(this, { key, descending, page: 0 });
    sorting.value = key;
    this.show();
  }

  turn(by) {
    this.page += by;
    this.show();
    table.scrollIntoView({ block: "start" });
  }

  /** The tokens that the search selects, in order. A token without a value comes last. */
  selected() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const sign = this.descending ? -1 : 1;
    const value = (token) => this.key === "name" ? token.name.toLowerCase() : token[this.key];
    return this.tokens
      .filter((token) => words.every((word) => searchable(token).includes(word)))
      .map((token) => [value(token) ?? null, token])
      .sort(([a, first], [b, second]) => {
        if (a === b) return first.id - second.id;
        if (a === null || b === null) return a === null ? 1 : -1;
        return (a < b ? -1 : 1) * sign;
      })
      .map(([, token]) => token);
  }

  show() {
    const found = this.selected();
    const last = Math.max(0, Math.ceil(found.length / ROWS) - 1);
    this.page = Math.min(Math.max(0, this.page), last);
    const from = this.page * ROWS;
    const shown = found.slice(from, from + ROWS);
    rows.replaceChildren(...shown.map((token) => this.row(token)));
    for (const header of headers) {
      const order = this.descending ? "descending" : "ascending";
      const cell = header.closest("th");
      if (header.dataset.sort === this.key) cell.setAttribute("aria-sort", order);
      else cell.removeAttribute("aria-sort");
    }
    this.showCount(found.length);
    pages.hidden = found.length <= ROWS;
    document.getElementById("range").textContent = `${thousands(from + 1)}–${thousands(from + shown.length)} of ${thousands(found.length)}`;
    document.getElementById("previous").disabled = this.page === 0;
    document.getElementById("next").disabled = this.page === last;
  }

  showCount(found) {
    const all = this.tokens.length;
    const total = this.isComplete ? count(all, "token") : `${count(all, "token")} so far`;
    document.getElementById("count").textContent = search.value.trim() ? `${thousands(found)} of ${total}` : total;
    rows.closest("table").hidden = found === 0;
    empty.hidden = found > 0;
    const [title, text] = all === 0
      ? this.isComplete ? ["No tokens yet", "Create one on the server’s machine: influxdb3-tokens create --help"] : ["Loading…", ""]
      : ["Nothing found", "No name, ID, description or permission contains all of these words."];
    empty.querySelector("h3").textContent = title;
    empty.querySelector("p").textContent = text;
  }

  row(token) {
    const name = [element("bdi", {}, printable(token.name))];
    if (token.name === OPERATOR) name.push(element("span", { className: "badge operator" }, "operator"));
    if (token.id === this.own) name.push(element("span", { className: "badge own" }, "yours"));
    const about = [element("div", {}, ...name)];
    if (token.description) about.push(element("div", { className: "muted" }, printable(token.description)));
    const remove = element("button", { type: "button" }, "Delete");
    remove.setAttribute("aria-label", `Delete token ${token.id}, ${printable(token.name)}`);
    remove.addEventListener("click", () => this.onDelete(token));
    const row = element(
      "tr", {},
      cell("id", "ID", `${token.id}`),
      cell("name", null, ...about),
      cell("", "Permissions", badges(token.permissions)),
      cell("time", "Created", timeElement(token.created_at), ...createdBy(token)),
      cell("time", "Expires", expiry(token.expiry)),
      cell("time", "Last used", token.last_used ? timeElement(token.last_used) : element("span", { className: "muted" }, "never")),
      cell("actions", null, remove),
    );
    row.setAttribute("role", "row");
    return row;
  }
}

function cell(className, label, ...children) {
  const made = element("td", { className }, ...(label ? [element("div", {}, ...children)] : children));
  made.setAttribute("role", "cell");
  if (label) made.dataset.label = label;
  return made;
}

const searchable = (token) => `${token.id} ${token.name} ${token.description ?? ""} ${token.permissions}`.toLowerCase();

const createdBy = ({ created_by: id }) =>
  id === null || id === undefined ? [] : [element("span", { className: "muted by" }, `by token ${id}`)];

function expiry(text) {
  if (!text) return element("span", { className: "muted" }, "never");
  const left = new Date(text) - Date.now();
  const time = timeElement(text);
  if (left <= 0) return element("span", { className: "badge expired" }, "expired ", time);
  return left < SOON ? element("span", { className: "badge soon" }, time) : time;
}

/** One badge for each permission; the first few, and the others on demand. */
export function badges(text, limit = SHOWN_BADGES) {
  const list = element("div", { className: "badges" });
  if (text === "*:*:*") {
    list.append(element("span", { className: "badge admin" }, "admin"));
    return list;
  }
  const permissions = printable(text).split(" ").flatMap(each);
  list.append(...permissions.slice(0, limit).map(badge));
  if (permissions.length > limit) {
    const more = element("button", { type: "button", className: "quiet more" }, `+${permissions.length - limit} more`);
    more.addEventListener("click", () => {
      more.replaceWith(...permissions.slice(limit).map(badge));
      list.tabIndex = -1;
      list.focus();
    });
    list.append(more);
  }
  return list;
}

/** A permission for each name that `db:a,b:read` lists: `[kind, name, actions]`. */
function each(permission) {
  const [kind, names, actions] = permission.split(":");
  return names.split(",").map((name) => [kind, name, actions]);
}

function badge([kind, name, actions]) {
  const shown = name === "*" ? kind === "db" ? "all databases" : `all of ${kind}` : kind === "db" ? name : `${kind}:${name}`;
  return element("span", { className: "badge", title: `${kind}:${name}:${actions}` }, element("b", {}, actions.replace(",", " + ")), shown);
}
