"""Reading: what a case may look like. Strict JSON in, canonical JSON out.

Every refusal is a `Refused` with the place (a JSON pointer) and the reason.
Sections named here are those of docs/rules.md.
"""

import hashlib
import json
import re
from fractions import Fraction
from math import gcd

BOUND = 2**128
MAX_DIGITS = 39
MAX_NUMBER = 2**53 - 1
MAX_DEPTH = 60


class Refused(Exception):
    """A document, or a question, that has no answer: where, and why."""

    def __init__(self, path, reason):
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def demand(condition, path, reason):
    """Refuse, unless the condition holds."""
    if not condition:
        raise Refused(path, reason)


# -- JSON (section 1) ------------------------------------------------------------------------


def parse(text):
    """Strict JSON of section 1: no fractions, no exponents, no member twice."""

    def members(pairs):
        names = [name for name, _ in pairs]
        demand(len(names) == len(set(names)), "", "a member stands twice in an object")
        return dict(pairs)

    def refuse_number(literal):
        raise Refused("", f"not an integer: {literal[:40]}")

    try:
        return json.loads(text, object_pairs_hook=members, parse_float=refuse_number, parse_constant=refuse_number)
    except (ValueError, RecursionError) as why:
        raise Refused("", f"not JSON: {why}") from None


def canonical(document):
    """Canonical JSON of section 1, as text. Keys are ASCII, so sorting characters sorts bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hash_of(document):
    """The hash of a document, section 1."""
    return hashlib.sha256(canonical(document).encode("utf-8")).hexdigest()


def ratio_text(value):
    """A ratio as section 1 writes it."""
    return f"{value.numerator}/{value.denominator}"


# -- scalars (section 1): each takes (value, path) and refuses what is not of its kind -------

ID = re.compile(r"[a-z0-9A-Z][a-zA-Z0-9._-]{0,63}\Z")
QUANTITY = re.compile(r"(0|[1-9][0-9]*)\Z")
RATIO = re.compile(r"(0|[1-9][0-9]*)/([1-9][0-9]*)\Z")


def an_id(value, path):
    demand(type(value) is str and ID.match(value), path, "not an id")


def a_text(value, path):
    demand(type(value) is str, path, "not a string")
    demand(not any("\ud800" <= c <= "\udfff" for c in value), path, "half a surrogate pair")


def a_number(value, path):
    demand(type(value) is int and 0 <= value <= MAX_NUMBER, path, "not a number from 0 to 2^53 - 1")


def a_positive(value, path):
    a_number(value, path)
    demand(value > 0, path, "not above zero")


def a_bool(value, path):
    demand(type(value) is bool, path, "neither true nor false")


def bounded(value, path):
    """The value, if it is below 2^128 (section 1)."""
    demand(value < BOUND, path, "2^128 or more")
    return value


def a_quantity(value, path):
    demand(type(value) is str and QUANTITY.match(value), path, "not a quantity")
    demand(len(value) <= MAX_DIGITS and int(value) < BOUND, path, "2^128 or more")


def a_quantity_or_null(value, path):
    if value is not None:
        a_quantity(value, path)


def a_number_or_null(value, path):
    if value is not None:
        a_number(value, path)


def a_delta(value, path):
    demand(type(value) is str, path, "not a quantity, nor - and one")
    a_quantity(value[1:] if value.startswith("-") else value, path)


def a_ratio(value, path):
    match = RATIO.match(value) if type(value) is str else None
    demand(match, path, "not a ratio")
    a_quantity(match[1], path)
    a_quantity(match[2], path)
    demand(gcd(int(match[1]), int(match[2])) == 1, path, "a ratio not in lowest terms")


def a_bar(value, path):
    """A quantity or a ratio; which of them is settled where the metric is known."""
    (a_ratio if type(value) is str and "/" in value else a_quantity)(value, path)


def a_series(value, path):
    """The name of a series in rules (section 8)."""
    an_id(value, path)
    demand(re.match(r"[a-z0-9_.]{1,60}\Z", value), path, "not the name of a series")


def a_hash(value, path):
    demand(type(value) is str and re.match(r"[0-9a-f]{64}\Z", value), path, "not a hash")


# -- structures ------------------------------------------------------------------------------


def one_of(*values):
    """One of these strings."""

    def check(value, path):
        demand(type(value) is str and value in values, path, "not one of " + ", ".join(values))

    return check


def array(item):
    """An array whose items all pass."""

    def check(value, path):
        demand(type(value) is list, path, "not an array")
        for i, each in enumerate(value):
            item(each, f"{path}/{i}")

    return check


def obj(members):
    """An object with exactly these members; those with a `?` are optional (section 1)."""
    required = {name: check for name, check in members.items() if not name.endswith("?")}
    known = {name.rstrip("?"): check for name, check in members.items()}

    def check(value, path):
        demand(type(value) is dict, path, "not an object")
        for name in required:
            demand(name in value, path, f"`{name}` is not there")
        for name, each in value.items():
            demand(name in known, path, "not a member: " + ascii(name[:64]))
            known[name](each, f"{path}/{name}")

    return check


def by_kind(kinds, common=None):
    """An object whose `kind` says what its other members are."""
    checks = {kind: obj({"kind": one_of(kind), **(common or {}), **members}) for kind, members in kinds.items()}

    def check(value, path):
        demand(type(value) is dict, path, "not an object")
        demand(type(value.get("kind")) is str and value["kind"] in checks, path, "not a known kind")
        checks[value["kind"]](value, path)

    return check


ids = array(an_id)
texts = obj({"en": a_text, "zh": a_text})


def steps(value, path):
    """The steps of a series: an object from participant to its `[epoch, value]` (section 2)."""
    demand(type(value) is dict, path, "not an object")
    for participant, rows in value.items():
        an_id(participant, path)
        demand(type(rows) is list, f"{path}/{participant}", "not an array")
        for i, row in enumerate(rows):
            where = f"{path}/{participant}/{i}"
            demand(type(row) is list and len(row) == 2, where, "not [epoch, value]")
            a_number(row[0], where)
            a_quantity_or_null(row[1], where)


def fault(value, path):
    """One fault of a sector, `[from, until]` (section 2)."""
    demand(type(value) is list and len(value) == 2, path, "not [from, until]")
    a_number(value[0], path)
    a_number_or_null(value[1], path)


READING = one_of("level", "cumulative")
UNIT = one_of("bytes", "atto", "gas", "count", "nano")

FACTS = obj({
    "network": an_id,
    "participants": array(obj({"id": an_id, "seen": a_number, "region?": an_id})),
    "series": array(obj({
        "name": an_id,
        "reading": READING,
        "unit": UNIT,
        "source": one_of("chain", "observed"),
        "steps": steps,
    })),
    "deals": array(obj({
        "id": a_number, "participant": an_id, "provider": an_id, "piece": an_id,
        "bytes": a_quantity, "start": a_number, "sealed?": a_number,
    })),
    "sectors": array(obj({
        "participant": an_id, "number": a_number, "bytes": a_quantity,
        "from": a_number, "until?": a_number, "faults": array(fault),
    })),
})

ENTITIES = array(obj({
    "id": an_id, "name": a_text, "region?": an_id, "registered?": a_number, "tracks": ids,
    "attested": array(obj({"what": an_id, "from": a_number})),
    "members": array(obj({"participant": an_id, "from": a_number, "until?": a_number})),
}))

DECISIONS = array(obj({"seq": a_positive, "effect": by_kind({
    "disqualify": {"entities": ids},
    "waive": {"entity": an_id, "check": an_id},
    "remove-interval": {"from": a_number, "until": a_number, "metrics": ids, "regions": ids},
    "set-region": {"target": an_id, "region": an_id},
    "adjust": {"participant": an_id, "series": an_id, "from": a_number, "delta": a_delta},
    "attest": {"entity": an_id, "what": an_id},
    "set-amount": {"pool": an_id, "amount": a_quantity},
    "award": {"entity": an_id, "amount": a_quantity, "title": texts},
    "set-end": {"until": a_number},
    "revert": {"seq": a_positive},
    "note": {},
})}))

WINDOW = {"from?": a_number, "until?": a_number, "last?": a_positive}

METRIC = by_kind({
    "level": {"series": a_series},
    "window": {"series": a_series, **WINDOW},
    "rate": {"passed": a_series, "failed": a_series, "aggregation": one_of("pooled", "mean"),
             "min_samples?": a_quantity, **WINDOW},
    "deals": {"measure": one_of("bytes", "deals", "pieces", "providers", "replicas", "provider-share"),
              "start_after?": a_number, "max_replicas?": a_positive,
              "excess": one_of("counted", "not-counted"), "own": one_of("counted", "not-counted")},
    "sectors": {"measure": one_of("bytes", "count"), "fault_periods": a_positive, "period": a_positive},
    "sum": {"of": ids},
    "scaled": {"metric": an_id, "by": an_id},
}, {"id": an_id})


def eligibility_check(value, path):
    """One check of section 7, with those inside it."""
    demand(path.count("/") < MAX_DEPTH, path, "too deep")
    bar = {"metric": an_id, "value": a_bar, "per": one_of("entity", "member")}
    inside = {"checks": array(eligibility_check)}
    by_kind({
        "at-least": bar,
        "at-most": bar,
        "claimed": {},
        "region": {},
        "registered": {"deadline": a_number, "late?": obj({"deadline": a_number})},
        "attested": {"what": an_id},
        "all": inside,
        "any": inside,
    }, {"id": an_id})(value, path)
    demand(value.get("checks") != [], path, "no checks inside")


POPULATION = one_of("all", "eligible")

POOL = obj({
    "id": an_id,
    "board": an_id,
    "amount": by_kind({
        "fixed": {"amount": a_quantity},
        "by-decision": {},
        "tiers": {
            "mode": one_of("highest", "newly-unlocked"),
            "metric": an_id,
            "population": POPULATION,
            "base": a_quantity,
            "tiers": array(obj({
                "at": a_quantity, "amount": a_quantity,
                "gate?": obj({"metric": an_id, "population": POPULATION, "each_region": a_quantity}),
            })),
        },
        "open": {},
    }),
    "divide": by_kind({"weight": {"metric": an_id}, "flat": {"each": a_quantity}, "equal": {}, "metric": {"metric": an_id}}),
    "rounding": one_of("floor", "largest-remainder"),
    "cap?": obj({"share": a_ratio, "excess": one_of("undistributed", "redistribute")}),
    "floor?": a_quantity,
    "ineligible?": one_of("forfeit"),
})

RULES = obj({
    "competition": obj({"id": an_id, "name": texts, "network": an_id, "start": a_number, "end": a_number,
                        "regions": ids, "tracks": ids}),
    "version": obj({"number": a_positive, "from": a_number, "supersedes?": a_hash, "retroactive": a_bool, "reason": texts}),
    "series": array(obj({"name": a_series, "unit": UNIT, "reading": READING})),
    "entities": obj({"history": one_of("whole", "dated"), "same_region": a_bool, "deadline?": a_number}),
    "metrics": array(METRIC),
    "eligibility": array(eligibility_check),
    "boards": array(obj({
        "id": an_id, "track?": an_id, "metric": an_id, "population": POPULATION, "partition": one_of("none", "region"),
        "top?": a_positive, "above?": a_quantity, "cutoff": one_of("include-all", "none", "by-id", "earliest", "split"),
    })),
    "pools": array(POOL),
    "vesting": by_kind({"none": {}, "linear": {"epochs": a_positive}}),
})

CASE = obj({"facts": FACTS, "entities": ENTITIES, "rules": RULES, "decisions": DECISIONS, "at": a_number, "seq": a_number})


# -- what a shape cannot say -----------------------------------------------------------------


def unique(values, path):
    """What has an id has it alone (section 1)."""
    values = list(values)
    demand(len(values) == len(set(values)), path, "the same twice")


def check_facts(facts):
    """The conditions of section 2."""
    known = {p["id"] for p in facts["participants"]}
    unique((p["id"] for p in facts["participants"]), "/facts/participants")
    unique((s["name"] for s in facts["series"]), "/facts/series")
    unique((d["id"] for d in facts["deals"]), "/facts/deals")
    unique(((s["participant"], s["number"]) for s in facts["sectors"]), "/facts/sectors")
    for i, series in enumerate(facts["series"]):
        for participant, rows in series["steps"].items():
            path = f"/facts/series/{i}/steps/{participant}"
            demand(participant in known, path, "not in the list of participants")
            epochs = [epoch for epoch, _ in rows]
            demand(all(a < b for a, b in zip(epochs, epochs[1:])), path, "epochs do not ascend")
            if series["reading"] == "cumulative":
                values = [int(value) for _, value in rows if value is not None]
                demand(values == sorted(values), path, "a cumulative series falls")
    for i, deal in enumerate(facts["deals"]):
        demand(deal["participant"] in known, f"/facts/deals/{i}", "not in the list of participants")
    for i, sector in enumerate(facts["sectors"]):
        path = f"/facts/sectors/{i}"
        demand(sector["participant"] in known, path, "not in the list of participants")
        for start, end in sector["faults"]:
            demand(end is None or start < end, path, "a fault ends before it begins")
        for (_, end), (start, _) in zip(sector["faults"], sector["faults"][1:]):
            demand(end is not None and end < start, path, "faults are not in order and apart")


def check_entities(entities, participants):
    """The conditions of section 3."""
    unique((x["id"] for x in entities), "/entities")
    memberships = {}
    for i, entity in enumerate(entities):
        path = f"/entities/{i}"
        demand(entity["id"] not in participants, path, "has the id of a participant")
        unique(entity["tracks"], f"{path}/tracks")
        for member in entity["members"]:
            demand(member["participant"] in participants, f"{path}/members", "not in the list of participants")
            demand("until" not in member or member["from"] < member["until"], f"{path}/members", "ends before it begins")
            memberships.setdefault(member["participant"], []).append((member["from"], member.get("until"), path))
    for rows in memberships.values():
        rows.sort(key=lambda row: row[0])
        for (_, end, _), (start, _, path) in zip(rows, rows[1:]):
            demand(end is not None and end <= start, f"{path}/members", "a member of two at one epoch")


def all_checks(checks):
    """Every check of section 7, with those inside others."""
    for check in checks:
        yield check
        yield from all_checks(check.get("checks", []))


def units(rules, series):
    """The unit of every metric, `ratio` for ratios (section 6); refuses what does not fit."""
    metrics = {m["id"]: (i, m) for i, m in enumerate(rules["metrics"])}
    declared = {s["name"]: s for s in rules["series"]}
    found = {}

    def series_of(name, path):
        demand(name in series, path, f"no series `{name}`")
        one = series[name]
        demand((name in declared) == (one["source"] == "observed"), path, "observed series are declared, and no others")
        if name in declared:
            same = (one["unit"], one["reading"]) == (declared[name]["unit"], declared[name]["reading"])
            demand(same, path, "not the unit and the reading that are declared")
        return one

    def unit_of(name, path, above):
        demand(name in metrics, path, f"no metric `{name}`")
        demand(name not in above, path, f"metric `{name}` leads back to itself")
        demand(len(above) < MAX_DEPTH, path, "too deep")
        if name in found:
            return found[name]
        index, metric = metrics[name]
        path = f"/rules/metrics/{index}"
        kind = metric["kind"]
        demand("last" not in metric or ("from" not in metric and "until" not in metric), path, "`last` stands alone")
        if "from" in metric and "until" in metric:
            demand(metric["from"] < metric["until"], path, "a window that ends before it begins")
        if kind == "level":
            unit = series_of(metric["series"], path)["unit"]
        elif kind == "window":
            demand(series_of(metric["series"], path)["reading"] == "cumulative", path, "the series is not cumulative")
            unit = series[metric["series"]]["unit"]
        elif kind == "rate":
            for name_of_series in (metric["passed"], metric["failed"]):
                one = series_of(name_of_series, path)
                demand(one["reading"] == "cumulative" and one["unit"] == "count", path, "not a cumulative count")
            unit = "ratio"
        elif kind == "deals":
            unit = {"bytes": "bytes", "provider-share": "ratio"}.get(metric["measure"], "count")
        elif kind == "sectors":
            unit = metric["measure"]
        elif kind == "sum":
            parts = {unit_of(part, path, above | {name}) for part in metric["of"]}
            demand(len(parts) == 1 and "ratio" not in parts, path, "parts must be of one unit, and at least one")
            unit = parts.pop()
        else:
            unit = unit_of(metric["metric"], path, above | {name})
            demand(unit != "ratio", path, "a ratio cannot be scaled")
            demand(unit_of(metric["by"], path, above | {name}) == "ratio", path, "not scaled by a ratio")
        found[name] = unit
        return unit

    for index, metric in enumerate(rules["metrics"]):
        unit_of(metric["id"], f"/rules/metrics/{index}", frozenset())
    return found


def check_rules(rules, series):
    """The conditions of sections 5 to 10. Returns the units of the metrics."""
    competition, version = rules["competition"], rules["version"]
    demand(competition["start"] < competition["end"], "/rules/competition", "ends before it begins")
    unique(competition["regions"], "/rules/competition/regions")
    unique(competition["tracks"], "/rules/competition/tracks")
    demand(version["number"] == 1 or "supersedes" in version, "/rules/version", "`supersedes` is not there")
    unique((s["name"] for s in rules["series"]), "/rules/series")
    for part in ("metrics", "boards", "pools"):
        unique((x["id"] for x in rules[part]), f"/rules/{part}")
    checks = list(all_checks(rules["eligibility"]))
    unique((x["id"] for x in checks), "/rules/eligibility")
    unit = units(rules, series)

    def number(metric, path):
        demand(metric in unit, path, f"no metric `{metric}`")
        demand(unit[metric] != "ratio", path, "a ratio")

    for check in checks:
        path = f"/rules/eligibility/{check['id']}"
        if "metric" in check:
            demand(check["metric"] in unit, path, f"no metric `{check['metric']}`")
            demand(("/" in check["value"]) == (unit[check["metric"]] == "ratio"), path, "`value` is not of the metric's kind")
    boards = {x["id"] for x in rules["boards"]}
    for i, board in enumerate(rules["boards"]):
        path = f"/rules/boards/{i}"
        demand(board["metric"] in unit, path, f"no metric `{board['metric']}`")
        demand("track" not in board or board["track"] in competition["tracks"], path, "no such track")
        demand("above" not in board or unit[board["metric"]] != "ratio", path, "`above` of a ratio")
    for i, pool in enumerate(rules["pools"]):
        path = f"/rules/pools/{i}"
        amount, divide = pool["amount"], pool["divide"]
        demand(pool["board"] in boards, path, "no such board")
        demand((amount["kind"] == "open") == (divide["kind"] in ("flat", "metric")), path,
               "`open` goes with `flat` and `metric`, and they with it")
        if divide["kind"] in ("flat", "metric"):
            demand("cap" not in pool, path, "`cap` is for `weight` and `equal`")
            demand(pool["rounding"] == "floor", path, "`largest-remainder` is for `weight` and `equal`")
        if "metric" in divide:
            number(divide["metric"], path)
        if divide["kind"] == "metric":
            demand(unit[divide["metric"]] == "atto", path, "not in atto")
        if amount["kind"] == "tiers":
            number(amount["metric"], path)
            tiers = amount["tiers"]
            for member in ("at", "amount"):
                values = [int(tier[member]) for tier in tiers]
                demand(all(a < b for a, b in zip(values, values[1:])), path, f"tiers do not ascend in `{member}`")
            for tier in tiers:
                if "gate" in tier:
                    number(tier["gate"]["metric"], path)
    return unit


def check_decisions(decisions):
    """The conditions of section 4 that need nothing else. Returns the effects by `seq`, in order."""
    effects = {}
    for decision in decisions:
        demand(decision["seq"] not in effects, "/decisions", "the same `seq` twice")
        effects[decision["seq"]] = decision["effect"]
    demand(sorted(effects) == list(range(1, len(effects) + 1)), "/decisions", "a gap in `seq`")
    for seq, effect in effects.items():
        path = f"/decisions/{seq}"
        if effect["kind"] == "revert":
            demand(effect["seq"] < seq, path, "reverts what is not before it")
        if effect["kind"] == "remove-interval":
            demand(effect["from"] < effect["until"], path, "ends before it begins")
    return dict(sorted(effects.items()))


def check_live_effect(path, effect, facts, rules, entities):
    """That a live decision names what there is, and can be (section 4)."""
    names = {p["id"] for p in facts["participants"]}
    kind = effect["kind"]
    if kind == "adjust":
        demand(effect["participant"] in names, path, "no such participant")
        series = {s["name"]: s for s in facts["series"]}.get(effect["series"])
        demand(series is not None, path, "no such series")
        demand(series["source"] == "observed" and series["reading"] == "cumulative", path, "not an observed cumulative series")
    names |= {x["id"] for x in entities}
    for name in [effect[m] for m in ("entity", "target") if m in effect] + effect.get("entities", []):
        demand(name in names, path, f"no entity `{name}`")
    if kind == "waive":
        demand(effect["check"] in {c["id"] for c in all_checks(rules["eligibility"])}, path, "no such check")
    if kind == "remove-interval":
        known = {m["id"] for m in rules["metrics"]}
        demand(all(m in known for m in effect["metrics"]), path, "no such metric")
    if kind == "set-amount":
        pools = {p["id"]: p for p in rules["pools"]}
        demand(effect["pool"] in pools, path, "no such pool")
        demand(pools[effect["pool"]]["amount"]["kind"] == "by-decision", path, "the amount of this pool is not by decision")
    if kind == "set-end":
        demand(effect["until"] > rules["competition"]["start"], path, "ends before it begins")


# -- hashes of the documents (section 12) ----------------------------------------------------


def sorted_facts(facts):
    """The facts, sorted as section 12 says."""
    return {
        **facts,
        "participants": sorted(facts["participants"], key=lambda p: p["id"]),
        "series": sorted(facts["series"], key=lambda s: s["name"]),
        "deals": sorted(facts["deals"], key=lambda d: d["id"]),
        "sectors": sorted(facts["sectors"], key=lambda s: (s["participant"], s["number"])),
    }


def sorted_entities(entities):
    """The entities, sorted as section 12 says."""
    return sorted(({
        **x,
        "members": sorted(x["members"], key=lambda m: (m["from"], m["participant"])),
        "attested": sorted(x["attested"], key=lambda a: (a["what"], a["from"])),
        "tracks": sorted(x["tracks"]),
    } for x in entities), key=lambda x: x["id"])


def as_ratio(text):
    """The fraction that a checked ratio says (section 1)."""
    numerator, denominator = text.split("/")
    return Fraction(int(numerator), int(denominator))
