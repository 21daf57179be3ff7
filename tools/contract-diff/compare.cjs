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
  return apiCompare(before, after, { rules }).diffs;
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
