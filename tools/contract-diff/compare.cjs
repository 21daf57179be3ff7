// Compares two OpenAPI documents with api-smart-diff: `node compare.cjs OLD NEW` prints a JSON list of its differences.
//
// The library finds every difference, resolves references, and classifies the difference by rules. The functions below
// correct some of these rules.

const fs = require("node:fs");
const {
  apiCompare,
  openapi3Rules,
  resolveRef,
  transformComapreRules,
  ClassifierType: { breaking, nonBreaking },
} = require("api-smart-diff");

if (require.main === module) {
  const [before, after] = process.argv.slice(2).map((path) => JSON.parse(fs.readFileSync(path, "utf8")));
  process.stdout.write(JSON.stringify(compare(before, after)));
}

module.exports = { compare };

function compare(before, after) {
  // With merging, a schema would differ from a reference to the same schema.
  const rules = corrected(openapi3Rules({ notMergeAllOf: true }));
  const lists = parameterLists(before, after);
  return apiCompare(before, after, { rules }).diffs.map((diff) => named(diff, lists));
}

// The library pairs parameters by name, but describes the change of one by the new parameter with the old one's index.
// So the parameters that both documents have come first in both, in the same order. Returns the parameters of each list
// by the list's path: those of both documents, those that are gone, those that are new. The library numbers them so.
function parameterLists(before, after) {
  const lists = new Map();
  for (const [path, item] of Object.entries(before.paths ?? {})) {
    for (const keys of [["parameters"], ...Object.keys(item).map((key) => [key, "parameters"])]) {
      const find = (root) => keys.reduce((value, key) => value?.[key], root.paths?.[path]);
      const [old, now] = [find(before), find(after)];
      if (Array.isArray(old) && Array.isArray(now)) {
        const [oldNames, newNames] = [[before, old], [after, now]].map(([root, list]) => list.map((of) => identity(of, root)));
        const common = oldNames.filter((name) => newNames.includes(name));
        sort(old, oldNames, common);
        sort(now, newNames, common);
        const names = [...old.map((of) => resolveRef(of, before).name), ...now.slice(common.length).map((of) => resolveRef(of, after).name)];
        lists.set(JSON.stringify(["paths", path, ...keys]), names);
      }
    }
  }
  return lists;
}

function identity(parameter, root) {
  const { name, in: location } = resolveRef(parameter, root);
  return JSON.stringify([location, name]);
}

// Moves the parameters with the names in `first` to the beginning.
function sort(parameters, names, first) {
  const rank = (name) => (first.includes(name) ? first.indexOf(name) : first.length);
  const order = names.map((name, index) => [rank(name), index]).sort(([a, i], [b, j]) => a - b || i - j);
  parameters.splice(0, parameters.length, ...order.map(([, index]) => parameters[index]));
}

// A difference whose path names a parameter instead of its index.
function named(diff, lists) {
  const at = diff.path.indexOf("parameters") + 1;
  const names = lists.get(JSON.stringify(diff.path.slice(0, at)));
  const name = names?.[diff.path[at]];
  return name === undefined ? diff : { ...diff, path: diff.path.with(at, name) };
}

function corrected(rules) {
  const operation = rules["/paths"]["/*"]["/*"];

  // Requests without a body were valid. They still are if the new body is optional.
  const bodyAdded = ({ after }) => (resolveRef(after.value, after.root).required ? breaking : nonBreaking);
  operation["/requestBody"].$ = [bodyAdded, breaking, breaking];

  // The library treats a query parameter as text, whatever its type.
  operation["/parameters"] = transformComapreRules(operation["/parameters"], schemaRules("request"));
  operation["/requestBody"] = transformComapreRules(operation["/requestBody"], schemaRules("request"));
  operation["/responses"] = transformComapreRules(operation["/responses"], schemaRules("response"));

  const security = (place) => ({ $: place, "/*": { $: place, "/*": { $: place, "/*": { $: place } } } });
  rules["/security"] = security(always(globalSecurity));
  operation["/security"] = security(always(operationSecurity));

  // Only `security` demands credentials. The definition of a scheme alone does not.
  const scheme = rules["/components"]["/securitySchemes"];
  scheme.$ = scheme["/*"].$ = [nonBreaking, breaking, breaking];
  return rules;
}

// The library inverts its rules for requests to get those for responses, so it considers a changed type compatible there.
// It has `nullable` inverted. It does not distinguish the first value of an `enum`, which forbids all others, from a
// further value.
function schemaRules(side) {
  const narrowed = side === "request" ? breaking : nonBreaking;
  const widened = side === "request" ? nonBreaking : breaking;
  const enumValue = [
    ({ before }) => (before.parent?.length ? widened : narrowed),
    ({ after }) => (after.parent?.length ? narrowed : widened),
    breaking,
  ];
  const nullable = ({ after }) => (after.value === true ? widened : narrowed);
  return (rule) => {
    if (!("/enum" in rule && "/type" in rule)) {
      return rule;
    }
    return {
      ...rule,
      "/type": { ...rule["/type"], $: [narrowed, widened, breaking] },
      "/enum": { ...rule["/enum"], "/*": { ...rule["/enum"]["/*"], $: enumValue } },
      "/nullable": { ...rule["/nullable"], $: always(nullable) },
    };
  };
}

function always(verdict) {
  return [verdict, verdict, verdict];
}

function globalSecurity({ before, after }) {
  return accepts(after.root.security, before.root.security);
}

function operationSecurity({ before, after }) {
  // The two paths may name their parameters differently, so each has its own key.
  const own = ({ root, path }) => root.paths[path[1]]?.[path[2]]?.security ?? root.security;
  return accepts(own(after), own(before));
}

// The credentials for an old alternative suffice if some new alternative requires no others.
function accepts(now, then) {
  const alternatives = (list) => (list?.length ? list : [{}]);
  const grants = (held, scheme, scopes) => scheme in held && scopes.every((scope) => held[scheme].includes(scope));
  const suffices = (held) => (asked) => Object.entries(asked).every(([scheme, scopes]) => grants(held, scheme, scopes));
  return alternatives(then).every((held) => alternatives(now).some(suffices(held))) ? nonBreaking : breaking;
}
