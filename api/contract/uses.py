"""What the whole document makes use of: imports, helpers and dependencies that would be idle without it."""

CRATES = {
    "usesUuid": "uuid::",
    "usesTime": "chrono::DateTime",
    "usesDate": "chrono::NaiveDate",
    "usesBytes": "swagger::ByteArray",
    "usesSecrets": "models::Secret",
}


def flags(models, given, checks):
    """Whether each thing is used by any model, or by a type that was given for an operation."""
    types = " ".join(part.rust for model in models for part in model.parts)
    everywhere = types + " ".join(type.rust for type in given)
    kinds = {model.kind for model in models}
    fields = [part for model in models for part in [*model.own_fields, *([model.extra] if model.extra else [])]]
    printed = [part.facts() for part in fields]
    details = [model.details() for model in models]

    found = {flag: text in everywhere for flag, text in CRATES.items()}
    found["usesMaps"] = "BTreeMap<" in types
    found["usesStringEnums"] = "enum" in kinds
    found["usesIntegerEnums"] = "integers" in kinds
    found["usesUnions"] = "union" in kinds
    found["usesObjects"] = any(detail.get("object") for detail in details)
    found["usesPresent"] = any(part["present"] for part in printed)
    found["usesTags"] = any(detail.get("tagged") for detail in details)
    found["usesWrittenTags"] = any(detail.get("writes") for detail in details)
    found["usesClosest"] = any(detail.get("untagged") for detail in details)
    found["usesFields"] = any(detail.get("tagged") or detail.get("objects") for detail in details)
    found["usesClosestText"] = any(model.kind == "union" and model.scalar for model in models)
    found["usesEnums"] = bool(kinds & {"enum", "integers"}) or found["usesClosestText"]
    newtypes = [model for model in models if model.kind == "newtype" and model.scalar]
    found["usesFromStr"] = bool(newtypes) or found["usesSecrets"] or found["usesClosestText"]
    found["usesFmt"] = found["usesSecrets"] or found["usesEnums"] or any(not model.inner.secret for model in newtypes)
    found["usesDerives"] = bool(kinds & {"newtype", "struct", "union"}) or found["usesSecrets"]
    helpers = ("usesStringEnums", "usesIntegerEnums", "usesUnions", "usesObjects", "usesPresent")
    found["usesJson"] = any(found[flag] for flag in helpers)
    return {**found, **of_checks(models, checks)}


def of_checks(models, checks):
    """Which checks there are. Those of parameters have to be written before."""
    found = {"usesModelChecks": any("request" in model.roles and checks.of_model(model) for model in models)}
    found["usesChecks"] = bool(checks.functions)
    found["usesPatterns"] = bool(checks.patterns)
    for function in CHECKS:
        found[f"checks{function[0].upper()}{function[1:]}"] = function in checks.functions
    found["usesCount"] = bool(
        checks.functions & {name for name in CHECKS if name[:3] in ("min", "max") and "imum" not in name}
    )
    return found


CHECKS = (
    "minLength maxLength pattern minimum exclusiveMinimum maximum exclusiveMaximum multipleOf minItems maxItems "
    "uniqueItems minProperties maxProperties properties required listed"
).split()
