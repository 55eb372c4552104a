"""Standings, said as plainly as docs/rules.md says them. Sections named here are of that page."""

import hashlib
from fractions import Fraction

import shadow_read as read
from shadow_read import Refused, as_ratio, bounded, demand, ratio_text

ABSENT = "absent"  # a series has no value for this participant there (section 2)
STATES = ["fail", "pending", "pass", "waived"]  # from worst to best (section 7)


# -- epochs ----------------------------------------------------------------------------------


def without(spans, hole):
    """Intervals `[a, b)` less one more (section 1); `None` is an end that never comes."""
    start, end = hole
    left = []
    for a, b in spans:
        before = (a, start if b is None else min(b, start))
        if before[0] < before[1]:
            left.append(before)
        if end is not None:
            after = (max(a, end), b)
            if b is None or after[0] < b:
                left.append(after)
    return left


def overlap(spans, a, b):
    """The parts of the intervals that lie in `[a, b)` (section 1)."""
    cut = [(max(x, a), b if y is None else min(y, b)) for x, y in spans]
    return [(x, y) for x, y in cut if x < y]


# -- the Merkle tree (section 12) ------------------------------------------------------------


def merkle(leaves):
    """The Merkle tree hash of RFC 9162, 2.1.1, over byte strings."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + merkle(leaves[:split]) + merkle(leaves[split:])).digest()


# -- vesting (section 11) --------------------------------------------------------------------


def vested(amount, total_epochs, elapsed):
    """What is vested after `elapsed` of `total_epochs` epochs, section 11."""
    return amount * min(elapsed, total_epochs) // total_epochs


# -- division of a pool (section 10.2) -------------------------------------------------------


def divide(amount, weights, rounding, cap=None):
    """Shares of `amount` by `weights` (a dict from id to weight), section 10.2.

    `cap` is `None` or `(ratio, excess)`. What nobody gets is `amount` less the sum.
    """
    most = None if cap is None else int(amount * cap[0])
    capped = set()
    exact = exact_shares(amount, weights)
    if cap is not None and cap[1] == "redistribute":
        while True:
            over = {x for x in exact if exact[x] > most}
            if not over:
                break
            capped |= over
            rest = {x: weights[x] for x in weights if x not in capped}
            exact = exact_shares(amount - most * len(capped), rest)
    elif cap is not None:
        capped = {x for x in exact if exact[x] > most}
        exact = {x: exact[x] for x in exact if x not in capped}
    shares = {x: int(exact[x]) for x in exact}
    if rounding == "largest-remainder":
        left = int(sum(exact.values())) - sum(shares.values())
        for x in sorted(exact, key=lambda x: (shares[x] - exact[x], x)):
            if left > 0 and (most is None or shares[x] < most):
                shares[x] += 1
                left -= 1
    shares.update({x: most for x in capped})
    return shares


def exact_shares(amount, weights):
    """`amount × w / W`, nothing where `W` is 0 (section 10.2)."""
    total = sum(weights.values())
    return {x: Fraction(amount) * w / total if total else Fraction(0) for x, w in weights.items()}


# -- standings -------------------------------------------------------------------------------


class Entity:
    """An entity at the epoch that is read (section 3).

    `members`: participants at that epoch; `terms`: `(participant, from, until)`, all memberships.
    """

    def __init__(self, id, name, region, claimed, tracks, attested, registered, members, terms):
        self.id, self.name, self.region, self.claimed = id, name, region, claimed
        self.tracks, self.attested, self.registered = tracks, attested, registered
        self.members, self.terms = members, terms
        self.measured = {}

    def alone(self, member):
        """As if this were an entity with that one member (section 7, `per`)."""
        terms = [term for term in self.terms if term[0] == member]
        return Entity(self.id, self.name, self.region, self.claimed, self.tracks, self.attested, self.registered,
                      [member], terms)


class Standings:
    """One case: facts, entities, rules, decisions, an epoch. `document()` is section 12."""

    def __init__(self, case):
        read.CASE(case, "")
        self.facts, self.rules, self.given = case["facts"], case["rules"], case["entities"]
        self.at = case["at"]
        self.competition = self.rules["competition"]
        read.check_facts(self.facts)
        self.participants = {p["id"]: p for p in self.facts["participants"]}
        read.check_entities(self.given, self.participants)
        self.series = {s["name"]: s for s in self.facts["series"]}
        self.units = read.check_rules(self.rules, self.series)
        self.metrics = {m["id"]: m for m in self.rules["metrics"]}
        demand(self.facts["network"] == self.competition["network"], "/facts/network", "not the competition's")
        self.read_decisions(case["decisions"], case["seq"])
        self.read_time()
        self.entities = self.entities_at_epoch()
        self.checks = {x.id: [self.check(c, x) for c in self.rules["eligibility"]] for x in self.entities}
        self.eligible = {
            x.id for x in self.entities
            if x.id not in self.disqualified and all(c["state"] in ("pass", "waived") for c in self.checks[x.id])
        }

    # Section 4

    def read_decisions(self, decisions, last):
        """Section 4: which decisions are live, and what they say."""
        effects = {seq: e for seq, e in read.check_decisions(decisions).items() if seq <= last}
        reverted = set()
        for seq in sorted(effects, reverse=True):
            if effects[seq]["kind"] == "revert" and seq not in reverted:
                reverted.add(effects[seq]["seq"])
        live = {seq: e for seq, e in effects.items() if seq not in reverted}
        for seq, effect in live.items():
            read.check_live_effect(f"/decisions/{seq}", effect, self.facts, self.rules, self.given)

        self.live = [e for e in live.values() if e["kind"] not in ("revert", "note")]

        def of(kind):
            return [(seq, e) for seq, e in live.items() if e["kind"] == kind]  # by seq

        self.disqualified = {x for _, e in of("disqualify") for x in e["entities"]}
        self.waived = {(e["entity"], e["check"]) for _, e in of("waive")}
        self.removed = [e for _, e in of("remove-interval")]
        self.region_set = {e["target"]: e["region"] for _, e in of("set-region")}
        self.adjusted = [e for _, e in of("adjust")]
        self.attested = {(e["entity"], e["what"]) for _, e in of("attest")}
        self.amount_set = {e["pool"]: e["amount"] for _, e in of("set-amount")}
        self.awards = of("award")
        self.end_set = [e["until"] for _, e in of("set-end")]

    # Section 5

    def read_time(self):
        """Section 5.1: the epoch that is read."""
        self.start = self.competition["start"]
        end = self.end_set[-1] if self.end_set else self.competition["end"]
        demand(self.at >= self.start, "/at", "before the start of the competition")
        self.epoch = min(self.at, end - 1)
        self.over = self.at >= end - 1

    def kept(self, metric, region, a, b):
        """Section 5.2: the maximal runs of kept epochs in `[a, b)`."""
        spans = [(a, b)] if a < b else []
        for hole in self.removed:
            if metric in hole["metrics"] or not hole["metrics"]:
                if region in hole["regions"] or not hole["regions"]:
                    spans = without(spans, (hole["from"], hole["until"]))
        return spans

    def last_kept(self, metric, region):
        """Section 5.2: the epoch at which a level is read, `None` if there is none."""
        runs = self.kept(metric, region, self.start, self.epoch + 1)
        return runs[-1][1] - 1 if runs else None

    # Sections 2 and 3

    def value_at(self, series, participant, epoch):
        """Section 2: the value of a series, with adjustments (section 4); `None` is unknown."""
        value = ABSENT
        for step_epoch, step_value in self.series[series]["steps"].get(participant, []):
            if step_epoch > epoch:
                break
            value = step_value
        if value is ABSENT or value is None:
            return value
        total = int(value)
        for effect in self.adjusted:
            if (effect["participant"], effect["series"]) == (participant, series) and effect["from"] <= epoch:
                total += int(effect["delta"])
        return bounded(max(total, 0), f"/facts/series/{series}")

    def entities_at_epoch(self):
        """Section 3: the entities at `e`, by id, the unclaimed among them."""
        result = []
        holes = {}
        taken = set()
        for x in self.given:
            terms = [(m["participant"], m["from"], m.get("until")) for m in x["members"]]
            for participant, start, end in terms:
                holes.setdefault(participant, []).append((start, end))
            members = sorted(p for p, a, b in terms if a <= self.epoch and (b is None or self.epoch < b))
            taken.update(members)
            if members:
                region = self.region_set.get(x["id"], x.get("region")) or self.region_of(members)
                result.append(Entity(x["id"], x["name"], region, True, x["tracks"], x["attested"], x.get("registered"),
                                     members, terms))
        for p in self.participants.values():
            if p["seen"] <= self.epoch and p["id"] not in taken:
                free = [(0, None)]
                for hole in holes.get(p["id"], []):
                    free = without(free, hole)
                terms = [(p["id"], a, b) for a, b in free]
                result.append(Entity(p["id"], p["id"], self.region_of([p["id"]]), False, [], [], None, [p["id"]], terms))
        return sorted(result, key=lambda x: x.id)

    def region_of(self, participants):
        """Section 3: the one region of these participants, `None` if unknown."""
        regions = {self.region_set.get(p, self.participants[p].get("region")) for p in participants}
        return regions.pop() if len(regions) == 1 else None

    # Section 6

    def measure(self, name, x):
        """Section 6: `(value, passed, samples)` of a metric of an entity; `None` is unknown.

        The last two are of rates only.
        """
        if name not in x.measured:
            metric = self.metrics[name]
            result = getattr(self, "measure_" + metric["kind"])(metric, x)
            if result[0] is not None and self.units[name] != "ratio":
                bounded(result[0], f"/rules/metrics/{name}")
            x.measured[name] = result
        return x.measured[name]

    def value(self, name, x):
        """Section 6: the value of a metric of an entity at `e`."""
        return self.measure(name, x)[0]

    def measure_level(self, metric, x):
        """Section 6, `level`."""
        epoch = self.last_kept(metric["id"], x.region)
        if epoch is None:
            return None, None, None
        values = [self.value_at(metric["series"], p, epoch) for p in x.members]
        values = [v for v in values if v is not ABSENT]
        if not values or None in values:
            return None, None, None
        return sum(values), None, None

    def windows(self, metric, series, x):
        """Sections 5.3 and 6: what each member brings in the metric's window."""
        b = self.epoch + 1
        if "last" in metric:
            a = max(self.start, b - metric["last"])
        else:
            a, b = metric.get("from", self.start), min(metric.get("until", b), b)
        if self.rules["entities"]["history"] == "whole":
            terms = [(p, a, b) for p in x.members]
        else:
            terms = x.terms
        kept = self.kept(metric["id"], x.region, a, b)
        brought = {}
        for participant, start, end in terms:
            for u, v in overlap(kept, start, b if end is None else end):
                amount = self.run(series, participant, u, v)
                before = brought.get(participant, 0)
                brought[participant] = None if amount is None or before is None else before + amount
        return brought

    def run(self, series, participant, u, v):
        """Section 5.3: what a cumulative series gives for `[u, v)`."""
        last, first = self.value_at(series, participant, v - 1), self.value_at(series, participant, u - 1)
        if last is None or first is None:
            return None
        return max(0, (0 if last is ABSENT else last) - (0 if first is ABSENT else first))

    def measure_window(self, metric, x):
        """Section 6, `window`."""
        brought = self.windows(metric, metric["series"], x).values()
        return None if None in brought else sum(brought), None, None

    def measure_rate(self, metric, x):
        """Section 6, rates."""
        passed = self.windows(metric, metric["passed"], x)
        failed = self.windows(metric, metric["failed"], x)
        if None in passed.values() or None in failed.values():
            return None, None, None
        a, n = sum(passed.values()), sum(passed.values()) + sum(failed.values())
        bounded(n, f"/rules/metrics/{metric['id']}")
        if n == 0:
            return None, a, n
        if metric["aggregation"] == "pooled":
            return Fraction(a, n), a, n
        rates = [Fraction(passed[p], passed[p] + failed[p]) for p in passed if passed[p] + failed[p] > 0]
        return sum(rates) / len(rates), a, n

    def counted_deals(self, metric, x, epoch):
        """Section 6, deals: those that count, in ascending order of id."""
        counted = []
        for deal in sorted(self.facts["deals"], key=lambda d: d["id"]):
            if deal["participant"] not in x.members or deal.get("sealed", epoch + 1) > epoch:
                continue
            if "start_after" in metric and deal["start"] <= metric["start_after"]:
                continue
            if metric["own"] == "not-counted" and deal["provider"] in x.members:
                continue
            same = [d for d in counted if d["piece"] == deal["piece"]]
            if metric["excess"] == "not-counted" and "max_replicas" in metric and len(same) >= metric["max_replicas"]:
                continue
            counted.append(deal)
        return counted

    def measure_deals(self, metric, x):
        """Section 6, `deals`."""
        epoch = self.last_kept(metric["id"], x.region)
        if epoch is None:
            return None, None, None
        deals = self.counted_deals(metric, x, epoch)
        total = sum(int(d["bytes"]) for d in deals)
        if metric["measure"] in ("bytes", "provider-share"):
            bounded(total, f"/rules/metrics/{metric['id']}")
        pieces = [d["piece"] for d in deals]
        by_provider = {}
        for d in deals:
            by_provider[d["provider"]] = by_provider.get(d["provider"], 0) + int(d["bytes"])
        value = {
            "bytes": total,
            "deals": len(deals),
            "pieces": len(set(pieces)),
            "providers": len(by_provider),
            "replicas": max((pieces.count(p) for p in set(pieces)), default=0),
            "provider-share": Fraction(max(by_provider.values()), total) if total else None,
        }[metric["measure"]]
        return value, None, None

    def measure_sectors(self, metric, x):
        """Section 6, `sectors`."""
        epoch = self.last_kept(metric["id"], x.region)
        if epoch is None:
            return None, None, None
        limit = metric["fault_periods"] * metric["period"]
        total = 0
        for sector in self.facts["sectors"]:
            if sector["participant"] not in x.members or sector["from"] > epoch or sector.get("until", epoch + 1) <= epoch:
                continue
            lengths = [(epoch + 1 if u is None else min(u, epoch + 1)) - f for f, u in sector["faults"] if f <= epoch]
            if any(length >= limit for length in lengths):
                continue
            total += int(sector["bytes"]) if metric["measure"] == "bytes" else 1
        return total, None, None

    def measure_sum(self, metric, x):
        """Section 6, `sum`."""
        parts = [self.measure(part, x)[0] for part in metric["of"]]
        return None if None in parts else sum(parts), None, None

    def measure_scaled(self, metric, x):
        """Section 6, `scaled`."""
        value, by = self.measure(metric["metric"], x)[0], self.measure(metric["by"], x)[0]
        return None if value is None or by is None else int(value * by), None, None

    # Section 7

    def check(self, check, x):
        """Section 7: the row of a check (section 12), with its state."""
        row = {"id": check["id"]}
        kind = check["kind"]
        if kind in ("all", "any"):
            row["checks"] = [self.check(c, x) for c in check["checks"]]
            states = [c["state"] for c in row["checks"]]
            if kind == "all":
                state = min(states, key=STATES.index)
            else:
                state = max(("pass" if s == "waived" else s for s in states), key=STATES.index)
        elif kind in ("at-least", "at-most"):
            who = [x] if check["per"] == "entity" else [x.alone(p) for p in x.members]
            state = min((self.compare(check, each) for each in who), key=STATES.index)
        elif kind == "registered":
            state = self.registered(check, x)
        else:
            if kind == "claimed":
                good = x.claimed
            elif kind == "region":
                good = x.region in self.competition["regions"]
            else:
                good = (x.id, check["what"]) in self.attested or any(
                    a["what"] == check["what"] and a["from"] <= self.epoch for a in x.attested)
            state = "pass" if good else self.not_yet()
        if (x.id, check["id"]) in self.waived:
            state = "waived"
        row["state"] = state
        if kind == "at-least" and check["per"] == "entity" and state in ("fail", "pending"):
            need = self.need(check, x)
            if need is not None:
                row["need"] = str(bounded(need, f"/rules/eligibility/{check['id']}"))
        return row

    def not_yet(self):
        """Section 7: what is not there is pending, and fails once the competition is over."""
        return "fail" if self.over else "pending"

    def compare(self, check, x):
        """Section 7, `at-least` and `at-most`."""
        metric = self.metrics[check["metric"]]
        value, _, samples = self.measure(check["metric"], x)
        if value is None or (metric["kind"] == "rate" and samples < int(metric.get("min_samples", "0"))):
            return self.not_yet()
        bar = as_ratio(check["value"]) if "/" in check["value"] else int(check["value"])
        good = value >= bar if check["kind"] == "at-least" else value <= bar
        return "pass" if good else "fail"

    def registered(self, check, x):
        """Section 7, `registered`."""
        deadlines = [check["deadline"]] + ([check["late"]["deadline"]] if "late" in check else [])
        if x.registered is None or x.registered > self.epoch:
            return "pending" if self.epoch < max(deadlines) else "fail"
        if x.registered < check["deadline"]:
            return "pass"
        late = (
            "late" in check and x.registered < check["late"]["deadline"] and len(x.terms) == 1
            and all(self.participants[p]["seen"] >= check["deadline"] for p in x.members)
        )
        return "pass" if late else "fail"

    def need(self, check, x):
        """Section 7: what is missing, `None` where there is no such number."""
        metric = self.metrics[check["metric"]]
        value, a, n = self.measure(check["metric"], x)
        if "/" not in check["value"]:
            return int(check["value"]) - (value or 0)
        if metric["kind"] != "rate" or metric["aggregation"] != "pooled" or n is None:
            return None
        bar = as_ratio(check["value"])
        p, q = bar.numerator, bar.denominator
        k = max(0, int(metric.get("min_samples", "0")) - n, 1 - n)
        if p < q:
            return max(k, -((q * a - p * n) // (q - p)))  # k (q - p) >= p n - q a, rounded up
        return k if p == q and a == n else None

    # Section 9

    def crowd(self, board, population, region):
        """Sections 9 and 10.1: the entities in the board's track, of a population, in a region."""
        track = board.get("track")
        return [
            x for x in self.entities
            if (track is None or not x.tracks or track in x.tracks)
            and (population == "all" or x.id in self.eligible)
            and (region is None or x.region == region)
        ]

    def places(self, board):
        """Section 9: the regions of a board, or one list."""
        return [None] if board["partition"] == "none" else self.competition["regions"]

    def rows(self, board, region):
        """Section 9: the rows of one list of a board, and what each winner counts."""
        metric = board["metric"]
        crowd = self.crowd(board, board["population"], region)
        value = {x.id: self.value(metric, x) for x in crowd}
        known = sorted((x for x in value if value[x] is not None), key=lambda x: (-value[x], x))
        above = int(board.get("above", "0"))
        wins = self.winners(board, [x for x in known if value[x] > above and x not in self.disqualified],
                            value, {x.id: x for x in crowd})
        rows = []
        for x in known + sorted(x for x in value if value[x] is None):
            same = [y for y in known if value[y] == value[x]] if value[x] is not None else []
            rows.append({
                "entity": x,
                "rank": 1 + sum(value[y] > value[x] for y in known) if value[x] is not None else None,
                "tied": len(same) > 1,
                "value": self.written(metric, value[x]),
                "wins": ratio_text(wins.get(x, Fraction(0))),
            })
        return rows, wins

    def winners(self, board, ranked, value, entities):
        """Section 9, winners: a dict from id to what it counts, 1 or `k/g`."""
        top = board.get("top", len(ranked))
        if top >= len(ranked):
            return {x: Fraction(1) for x in ranked}
        bar = value[ranked[top - 1]]
        above = [x for x in ranked if value[x] > bar]
        group = [x for x in ranked if value[x] == bar]
        k, g = top - len(above), len(group)
        cutoff = board["cutoff"]
        counts = {x: Fraction(1) for x in above}
        if k == g or cutoff == "include-all":
            counts.update({x: Fraction(1) for x in group})
        elif cutoff == "by-id":
            counts.update({x: Fraction(1) for x in sorted(group)[:k]})
        elif cutoff == "earliest":
            order = sorted(group, key=lambda x: (self.last_change(board["metric"], entities[x]), x))
            counts.update({x: Fraction(1) for x in order[:k]})
        elif cutoff == "split":
            counts.update({x: Fraction(k, g) for x in group})
        return counts

    def last_change(self, name, x):
        """Section 9: the last change of an entity, −1 if there is none."""
        names = [name]
        for part in names:  # grows as parts of parts are found
            metric = self.metrics[part]
            more = metric["of"] if metric["kind"] == "sum" else [metric[m] for m in ("metric", "by") if m in metric]
            names.extend(m for m in more if m not in names)
        series = {self.metrics[m][s] for m in names for s in ("series", "passed", "failed") if s in self.metrics[m]}
        steps = [step for s in series for p in x.members for step in self.series[s]["steps"].get(p, [])]
        return max((epoch for epoch, _ in steps if epoch <= self.epoch), default=-1)

    def written(self, metric, value):
        """Section 1: a value of a metric as the document says it."""
        if value is None:
            return None
        return ratio_text(value) if self.units[metric] == "ratio" else str(value)

    # Section 10

    def total(self, metric, crowd):
        """Section 10.1: the sum of a metric, where unknown adds nothing."""
        return bounded(sum(self.value(metric, x) or 0 for x in crowd), f"/rules/metrics/{metric}")

    def tier(self, pool, board, region):
        """Section 10.1, `tiers`: `(amount, level reached, index of the tier)`."""
        rule = pool["amount"]
        base = int(rule["base"])
        reached = bounded(base + self.total(rule["metric"], self.crowd(board, rule["population"], region)),
                          f"/rules/pools/{pool['id']}")
        amount, index = 0, None
        for i, tier in enumerate(rule["tiers"]):
            gate = tier.get("gate")
            met = gate is None or all(
                self.total(gate["metric"], self.crowd(board, gate["population"], r)) >= int(gate["each_region"])
                for r in self.competition["regions"])
            if reached >= int(tier["at"]) and met:
                amount, index = int(tier["amount"]), i
        if rule["mode"] == "newly-unlocked":
            before = max((int(t["amount"]) for t in rule["tiers"] if int(t["at"]) <= base), default=0)
            amount = max(0, amount - before)
        return amount, reached, index

    def pool(self, pool, board, region, wins):
        """Section 10: the row of a pool in one region."""
        rule, division = pool["amount"], pool["divide"]
        by_id = {x.id: x for x in self.entities}
        amount, reached, index = 0, None, None
        if rule["kind"] == "fixed":
            amount = int(rule["amount"])
        elif rule["kind"] == "by-decision":
            amount = int(self.amount_set.get(pool["id"], "0"))
        elif rule["kind"] == "tiers":
            amount, reached, index = self.tier(pool, board, region)
        if division["kind"] == "flat":
            shares = {x: int(int(division["each"]) * wins[x]) for x in wins}
        elif division["kind"] == "metric":
            shares = {x: int((self.value(division["metric"], by_id[x]) or 0) * wins[x]) for x in wins}
        else:
            weights = dict(wins)
            if division["kind"] == "weight":
                weights = {x: (self.value(division["metric"], by_id[x]) or 0) * wins[x] for x in wins}
            bounded(sum(weights.values()), f"/rules/pools/{pool['id']}")
            cap = (as_ratio(pool["cap"]["share"]), pool["cap"]["excess"]) if "cap" in pool else None
            shares = divide(amount, weights, pool["rounding"], cap)
        shares = {x: s for x, s in shares.items() if s >= int(pool.get("floor", "0"))}
        if pool.get("ineligible") == "forfeit":
            shares = {x: s for x, s in shares.items() if x in self.eligible}
        if rule["kind"] == "open":
            amount = bounded(sum(shares.values()), f"/rules/pools/{pool['id']}")
        return {
            "pool": pool["id"],
            "region": region,
            "amount": str(amount),
            "reached": None if reached is None else str(reached),
            "tier": index,
            "shares": [{"entity": x, "amount": str(shares[x])} for x in sorted(shares) if shares[x] > 0],
            "undistributed": str(amount - sum(shares.values())),
        }

    # Sections 11 and 12

    def payouts(self, pools):
        """Section 11: what every entity gets, from pools and from awards."""
        parts = {}
        for row in pools:
            for share in row["shares"]:
                part = {"amount": share["amount"], "pool": row["pool"], "region": row["region"]}
                parts.setdefault(share["entity"], []).append(part)
        present = {x.id for x in self.entities}
        for seq, effect in self.awards:
            if effect["entity"] in present and int(effect["amount"]) > 0:
                parts.setdefault(effect["entity"], []).append({"amount": effect["amount"], "award": seq})
        return [
            {"entity": x, "total": str(bounded(sum(int(p["amount"]) for p in parts[x]), "/payouts")), "parts": parts[x]}
            for x in sorted(parts)
        ]

    def entity_row(self, x):
        """Section 12, `entities`."""
        metrics = {}
        for name in self.metrics:
            value, _, samples = self.measure(name, x)
            metrics[name] = {"value": self.written(name, value)}
            if self.metrics[name]["kind"] == "rate":
                metrics[name]["samples"] = None if samples is None else str(samples)
        return {
            "id": x.id,
            "name": x.name,
            "region": x.region,
            "claimed": x.claimed,
            "disqualified": x.id in self.disqualified,
            "eligible": x.id in self.eligible,
            "metrics": metrics,
            "checks": self.checks[x.id],
        }

    def document(self):
        """Section 12: the standings."""
        scope = {
            "competition": self.competition["id"],
            "network": self.facts["network"],
            "facts": read.hash_of(read.sorted_facts(self.facts)),
            "entities": read.hash_of(read.sorted_entities(self.given)),
            "rules": read.hash_of(self.rules),
            "decisions": read.hash_of(self.live),
            "at": self.at,
            "epoch": self.epoch,
            "over": self.over,
        }
        boards, pools, lists = [], [], {}
        for board in self.rules["boards"]:
            for region in self.places(board):
                rows, wins = self.rows(board, region)
                boards.append({"board": board["id"], "region": region, "rows": rows})
                lists.setdefault(board["id"], (board, []))[1].append((region, wins))
        for pool in self.rules["pools"]:
            board, wins_by_region = lists.get(pool["board"], (None, []))
            for region, wins in wins_by_region:
                pools.append(self.pool(pool, board, region, wins))
        document = {
            "format": "apogee-standings-1",
            "scope": scope,
            "entities": [self.entity_row(x) for x in self.entities],
            "boards": boards,
            "pools": pools,
            "payouts": self.payouts(pools),
        }
        document["root"] = root(document)
        return document


def root(document):
    """Section 12: the root over everything in the document, in order."""
    leaves = [document["scope"], *document["entities"]]
    for board in document["boards"]:
        leaves.append({"board": board["board"], "region": board["region"]})
        leaves.extend(board["rows"])
    leaves.extend(document["pools"])
    leaves.extend(document["payouts"])
    return merkle([read.canonical(leaf).encode("utf-8") for leaf in leaves]).hex()


def stand(case):
    """The standings of a case (section 12), or `{"error": …}` for what is impossible."""
    try:
        return Standings(case).document()
    except Refused as why:
        return {"error": {"path": why.path, "reason": why.reason}}
    except RecursionError:
        return {"error": {"path": "", "reason": "too deep"}}
