// Texts for people.

const UNITS = [["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long" });
const number = new Intl.NumberFormat("en");

export const count = (value, one, many = `${one}s`) => `${number.format(value)} ${value === 1 ? one : many}`;
export const thousands = (value) => number.format(value);

export function ago(time, now = Date.now()) {
  const seconds = (time - now) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? "in less than a minute" : "just now";
}

/** A `<time>` that shows how long ago it is, and the exact time as its title. */
export function timeElement(text) {
  const time = new Date(text);
  return element("time", { dateTime: text, title: exact.format(time) }, ago(time));
}

/** An element with properties and children. A child that is a text stays a text, whatever is in it. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A text of a stranger: characters that are invisible or change the direction of others are escaped. */
export const printable = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);

export const perSecond = (rate) => `${rate >= 100 ? number.format(Math.round(rate)) : rate.toFixed(rate >= 10 || rate === 0 ? 0 : 1)}/s`;
