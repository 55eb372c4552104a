"""Tests of the second implementation: the golden cases of the real competitions, hand-computed
small ones for every policy, and laws over random cases.

Golden data: the folder in APOGEE_DATA, or ../shared/data beside the repository; without it these are skipped.
"""

import copy
import hashlib
import io
import json
import os
import random
import sys
import unittest
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import apogee_shadow
import shadow_read
import shadow_stand

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("APOGEE_DATA", HERE.parents[1] / "shared" / "data"))
GOLDEN = DATA / "golden" / "space-race.json"

FIL = 10**18
GIB, TIB, PIB = 2**30, 2**40, 2**50
TEXT = {"en": "x", "zh": "x"}


def atto(text):
    """Whole atto of a decimal number of FIL."""
    whole, _, part = str(text).partition(".")
    return int(whole) * FIL + int((part or "0").ljust(18, "0"))


# -- documents -------------------------------------------------------------------------------


def metric(id="power", **more):
    return {"id": id, "kind": "level", "series": "power", **more} if "kind" not in more else {"id": id, **more}


def window(id, series, **more):
    return {"id": id, "kind": "window", "series": series, **more}


def rate(id="rate", aggregation="pooled", **more):
    return {"id": id, "kind": "rate", "passed": "ok", "failed": "bad", "aggregation": aggregation, **more}


def deals(id, measure, **more):
    return {"id": id, "kind": "deals", "measure": measure, "excess": "not-counted", "own": "counted", **more}


def sectors(id="sectors", measure="bytes", fault_periods=14, period=10):
    return {"id": id, "kind": "sectors", "measure": measure, "fault_periods": fault_periods, "period": period}


def at_least(metric, value, id="bar", per="entity"):
    return {"id": id, "kind": "at-least", "metric": metric, "value": value, "per": per}


def board(id="board", metric="power", population="all", partition="none", cutoff="by-id", **more):
    return {"id": id, "metric": metric, "population": population, "partition": partition, "cutoff": cutoff, **more}


def fixed(amount):
    return {"kind": "fixed", "amount": str(amount)}


def tiers(rows, base=0, mode="highest", metric="power", population="all", gate=None):
    """Rows of (at, amount) or (at, amount, True) where the gate holds."""
    return {"kind": "tiers", "mode": mode, "metric": metric, "population": population, "base": str(base), "tiers": [
        {"at": str(row[0]), "amount": str(row[1]), **({"gate": gate} if len(row) > 2 else {})} for row in rows]}


def pool(id="pool", board="board", amount=None, divide=None, rounding="floor", **more):
    return {"id": id, "board": board, "amount": amount or fixed(100), "divide": divide or by("power"),
            "rounding": rounding, **more}


def by(metric):
    return {"kind": "weight", "metric": metric}


def rules(metrics=None, eligibility=(), boards=None, pools=(), start=0, end=100, regions=("eu", "sa"), tracks=(),
          history="whole", observed=(), **more):
    return {
        "competition": {"id": "race", "name": TEXT, "network": "net", "start": start, "end": end,
                        "regions": list(regions), "tracks": list(tracks)},
        "version": {"number": 1, "from": 0, "retroactive": False, "reason": TEXT},
        "series": [{"name": n, "unit": u, "reading": r} for n, u, r in observed],
        "entities": {"history": history, "same_region": False},
        "metrics": [metric()] if metrics is None else list(metrics),
        "eligibility": list(eligibility),
        "boards": [board()] if boards is None else list(boards),
        "pools": list(pools),
        "vesting": {"kind": "none"},
        **more,
    }


def series(name="power", steps=None, reading="level", unit="bytes", source="chain"):
    """Steps: participant to a value at epoch 0, or to a list of (epoch, value)."""
    rows = {p: ([[0, str(v)]] if isinstance(v, int) else [[e, None if x is None else str(x)] for e, x in v])
            for p, v in (steps or {}).items()}
    return {"name": name, "reading": reading, "unit": unit, "source": source, "steps": rows}


def counter(name, steps, unit="count", source="chain"):
    return series(name, steps, "cumulative", unit, source)


def facts(*all_series, regions=None, seen=None, also=(), deals=(), sectors=()):
    """Participants are those that appear, and `also`."""
    names = {p for s in all_series for p in s["steps"]} | set(also) | set(regions or {})
    names |= {d["participant"] for d in deals} | {s["participant"] for s in sectors}
    participants = [{"id": p, "seen": (seen or {}).get(p, 0), **({"region": regions[p]} if p in (regions or {}) else {})}
                    for p in sorted(names)]
    return {"network": "net", "participants": participants, "series": list(all_series), "deals": list(deals),
            "sectors": list(sectors)}


def entity(id, *members, tracks=(), attested=(), **more):
    """Members: participants, or (participant, from) or (participant, from, until)."""
    rows = [(m, 0) if isinstance(m, str) else m for m in members]
    return {"id": id, "name": id.upper(), "tracks": list(tracks),
            "attested": [{"what": w, "from": e} for w, e in attested],
            "members": [dict(zip(("participant", "from", "until"), row)) for row in rows], **more}


def case(facts, rules, entities=(), decisions=(), at=50, seq=None):
    return {"facts": facts, "entities": list(entities), "rules": rules,
            "decisions": [{"seq": i + 1, "effect": {"kind": kind, **members}} for i, (kind, members) in enumerate(decisions)],
            "at": at, "seq": len(decisions) if seq is None else seq}


def award(entity, amount):
    return "award", {"entity": entity, "amount": str(amount), "title": TEXT}


def remove(a, b, metrics=(), regions=()):
    return "remove-interval", {"from": a, "until": b, "metrics": list(metrics), "regions": list(regions)}


def revert(seq):
    return "revert", {"seq": seq}


NOTE = ("note", {})


class Answer:
    """A document of section 12, easy to ask."""

    def __init__(self, case):
        self.document = shadow_stand.stand(copy.deepcopy(case))
        if "error" in self.document:
            raise AssertionError(self.document["error"])
        self.entities = {x["id"]: x for x in self.document["entities"]}

    def value(self, entity, metric="power"):
        return self.entities[entity]["metrics"][metric]["value"]

    def values(self, metric="power"):
        return {x: self.value(x, metric) for x in self.entities}

    def check(self, entity, id="bar"):
        return next(c for c in shadow_read.all_checks(self.entities[entity]["checks"]) if c["id"] == id)

    def state(self, entity, id="bar"):
        return self.check(entity, id)["state"]

    def rows(self, id="board", region=None):
        return next(b for b in self.document["boards"] if (b["board"], b["region"]) == (id, region))["rows"]

    def wins(self, id="board", region=None):
        return {r["entity"]: r["wins"] for r in self.rows(id, region) if r["wins"] != "0/1"}

    def pool(self, id="pool", region=None):
        return next(p for p in self.document["pools"] if (p["pool"], p["region"]) == (id, region))

    def shares(self, id="pool", region=None):
        return {s["entity"]: int(s["amount"]) for s in self.pool(id, region)["shares"]}

    def dust(self, id="pool", region=None):
        return int(self.pool(id, region)["undistributed"])

    def payouts(self):
        return {p["entity"]: int(p["total"]) for p in self.document["payouts"]}


def powers(**values):
    return facts(series(steps=values))


class Case(unittest.TestCase):
    def refused(self, case, part=""):
        document = shadow_stand.stand(case)
        self.assertIn("error", document)
        self.assertEqual(set(document["error"]), {"path", "reason"})
        self.assertIn(part, document["error"]["path"] + " " + document["error"]["reason"])


# -- golden cases ----------------------------------------------------------------------------

SR1_REGIONS = ("af", "as", "eu", "na", "oc", "sa")
SR1_GATE = {"metric": "power", "population": "all", "each_region": str(PIB)}
SR1_GLOBAL = [(5 * PIB, 100_000 * FIL), (10 * PIB, 200_000 * FIL), (25 * PIB, 300_000 * FIL), (50 * PIB, 500_000 * FIL),
              (100 * PIB, 1_000_000 * FIL, True), (200 * PIB, 1_500_000 * FIL, True)]
SR1_REGION_V1 = [(100 * TIB, 25_000 * FIL), (500 * TIB, 50_000 * FIL), (PIB, 100_000 * FIL), (5 * PIB, 250_000 * FIL),
                 (10 * PIB, 500_000 * FIL)]
SR1_REGION_V2 = [(10 * TIB, 25_000 * FIL), (100 * TIB, 50_000 * FIL), (PIB, 100_000 * FIL), (5 * PIB, 250_000 * FIL),
                 (10 * PIB, 500_000 * FIL)]
SLINGSHOT_1 = [(10 * TIB, 10_000 * FIL), (100 * TIB, 20_000 * FIL), (500 * TIB, 50_000 * FIL), (PIB, 100_000 * FIL),
               (5 * PIB, 250_000 * FIL), (10 * PIB, 500_000 * FIL)]
SLINGSHOT_2 = [(500 * TIB, 50_000 * FIL), (PIB, 100_000 * FIL), (3 * PIB // 2, 125_000 * FIL), (2 * PIB, 150_000 * FIL),
               (5 * PIB // 2, 175_000 * FIL), (3 * PIB, 200_000 * FIL)]


def sr1(region_tiers=SR1_REGION_V2, eligibility=(), population="eligible", **more):
    """The rules of the first race, as far as a case needs them."""
    return rules(
        eligibility=eligibility,
        regions=SR1_REGIONS,
        boards=[board("world", population=population, top=100, cutoff="by-id"),
                board("regions", population=population, partition="region", top=50, cutoff="by-id")],
        pools=[pool("world", "world", tiers(SR1_GLOBAL, gate=SR1_GATE)),
               pool("regions", "regions", tiers(region_tiers))],
        **more,
    )


def size(label):
    """Bytes of a label such as `100TiB` or `5PiB-1B`."""
    label, _, less = label.partition("-")
    number, unit = (label[:-3], {"TiB": TIB, "PiB": PIB}[label[-3:]])
    return int(Fraction(number) * unit) - (1 if less else 0)


@unittest.skipUnless(GOLDEN.exists(), f"no golden data at {GOLDEN}")
class Golden(Case):
    @classmethod
    def setUpClass(cls):
        cls.golden = json.loads(GOLDEN.read_text())

    def same(self, shares, expected):
        self.assertEqual(shares, {x: atto(v) for x, v in expected.items() if atto(v) > 0})

    def test_sr1_a_the_official_example(self):
        want = self.golden["SR1-A"]
        miners = {}

        def add(region, tib):
            miners[f"{region}-{len(miners):03}"] = (region, tib)

        miners["arg"] = ("sa", 1536)
        for tib in [31] * 48 + [48] + [30] * 68 + [8]:
            add("sa", tib)
        others = ["as", "eu", "na", "af", "oc"]
        for i in range(98):
            add(others[i % 5], 1018)
        add("as", 1100)
        for i in range(33):
            add(others[i % 5], 512)
        self.assertEqual(sum(t for _, t in miners.values()), want["total_TiB"])
        for region, total in want["regions_TiB"].items():
            self.assertEqual(sum(t for r, t in miners.values() if r == region.lower()), total)
        answer = Answer(case(facts(series(steps={m: t * TIB for m, (_, t) in miners.items()}),
                                   regions={m: r for m, (r, _) in miners.items()}), sr1(), at=99))
        self.assertEqual(int(answer.pool("world")["amount"]), want["global_pool"] * FIL)
        self.assertEqual(int(answer.pool("regions", "sa")["amount"]), want["region_pool"] * FIL)
        self.assertEqual(int(answer.pool("world")["reached"]), want["total_TiB"] * TIB)
        top = sum(miners[x][1] for x in answer.wins("world"))
        self.assertEqual((len(answer.wins("world")), top), (100, want["top100_TiB"]))
        self.assertEqual(answer.shares("world")["arg"], atto(want["ARG_global"]))
        self.assertEqual(answer.shares("regions", "sa")["arg"], atto(want["ARG_region"]))
        self.assertEqual(answer.payouts()["arg"], atto(want["ARG_total"]))
        self.assertEqual(answer.dust("regions", "sa"), want["dust_region_atto"])
        self.assertEqual(answer.dust("world"), want["dust_global_atto"])

    def test_sr1_b_block_rewards(self):
        top20 = {"rest": 1_900_000 * FIL, "me": 100_000 * FIL}
        answer = Answer(case(
            facts(counter("rewards", top20, "atto")),
            rules([window("rewards", "rewards")], boards=[board(metric="rewards", top=20)],
                  pools=[pool(amount=fixed(100_000 * FIL), divide=by("rewards"))])))
        self.same(answer.shares(), self.golden["SR1-B"])

    def world(self, total, short=None):
        """The amount of the world pool where the regions share a total, or one is short of 1 PiB by a byte."""
        parts = {r: total // 6 for r in SR1_REGIONS}
        if short:
            parts["oc"] = PIB - 1
        parts["eu"] += total - sum(parts.values())
        answer = Answer(case(facts(series(steps=parts), regions={r: r for r in parts}), sr1()))
        return int(answer.pool("world")["amount"]) // FIL

    def test_sr1_c_tiers_of_the_world(self):
        for label, amount in self.golden["SR1-C-global"]:
            with self.subTest(label):
                short = "region" in label
                total = 25 * PIB - 1 if label.startswith("24.99") else size(label.split(",")[0])
                self.assertEqual(self.world(total, short), amount)

    def test_sr1_c_tiers_of_a_region(self):
        for label, first, second in self.golden["SR1-C-region"]:
            for rows, amount in ((SR1_REGION_V1, first), (SR1_REGION_V2, second)):
                with self.subTest(label):
                    answer = Answer(case(facts(series(steps={"f01": size(label)}), regions={"f01": "sa"}), sr1(rows)))
                    self.assertEqual(int(answer.pool("regions", "sa")["amount"]), amount * FIL)
                    self.assertEqual(int(answer.pool("regions", "eu")["amount"]), 0)

    def success(self, passed, failed, aggregation):
        members = sorted(passed)
        answer = Answer(case(facts(counter("ok", passed), counter("bad", failed)),
                             rules([rate(aggregation=aggregation)], [at_least("rate", "4/5")], boards=[]),
                             [entity("combined", *members)]))
        return answer.value("combined", "rate"), answer.entities["combined"]["eligible"]

    def test_sr1_d_combined_miners(self):
        want = self.golden["SR1-D"]
        two = {"f01": 90, "f02": 30}, {"f01": 10, "f02": 20}
        self.assertEqual(self.success(*two, "pooled"), (want["pooled"], want["eligible"]))
        self.assertEqual(self.success(*two, "mean"), (want["mean_of_means"], False))
        self.assertEqual(self.success({"f01": 799}, {"f01": 201}, "pooled"), tuple(want["just_below"]))

    def four(self, population, **more):
        """f02 is not eligible: its deals fail. `more` are members of the pools."""
        tib = {"f01": 700 * TIB, "f02": 500 * TIB, "f03": 300 * TIB, "f04": 100 * TIB}
        rows = sr1(eligibility=[at_least("rate", "4/5")], population=population, metrics=[metric(), rate()])
        rows["pools"] = [{**row, **more} for row in rows["pools"]]
        return Answer(case(facts(series(steps=tib), counter("ok", dict.fromkeys(tib, 9)),
                                 counter("bad", {x: 9 if x == "f02" else 0 for x in tib}),
                                 regions=dict.fromkeys(tib, "sa")), rows))

    def test_sr1_e_ineligible_before_ranks(self):
        want = self.golden["SR1-E-exclude-before"]
        answer = self.four("eligible")
        self.assertEqual(int(answer.pool("regions", "sa")["amount"]), want["pool"] * FIL)
        self.same(answer.shares("regions", "sa"), want["shares"])
        self.assertEqual(answer.dust("regions", "sa"), want["dust"])

    def test_sr1_e_ineligible_in_the_denominator(self):
        want = self.golden["SR1-E-include-in-denominator"]
        answer = self.four("all", ineligible="forfeit")
        self.same(answer.shares("regions", "sa"), want)
        self.assertEqual(answer.dust("regions", "sa"), 31_250 * FIL)
        # Without that member, a board of all pays all that it ranks.
        self.same(self.four("all").shares("regions", "sa"), {**want, "f02": "31250"})

    def test_sr1_f_a_tie_at_the_end(self):
        want = self.golden["SR1-F"]
        tib = {"f01": 500 * TIB, "f02": 300 * TIB, "f03": 300 * TIB, "f04": 100 * TIB}
        answer = Answer(case(facts(series(steps=tib)), rules(
            boards=[board(top=2, cutoff="by-id")], pools=[pool(amount=tiers(SR1_REGION_V2))])))
        self.assertEqual(int(answer.pool()["amount"]), want["pool"] * FIL)
        self.same(answer.shares(), want["shares"])
        self.assertEqual(answer.dust(), want["dust"])

    def slingshot(self, tib, rows=SLINGSHOT_1, good=None, **more):
        """Projects with so much data each; those that are good are attested."""
        data = {f"f{x.lower()}": int(v * TIB) for x, v in tib.items()}
        projects = [entity(x.lower(), f"f{x.lower()}", attested=[("reviewed", 0)] if good is None or x in good else [])
                    for x in tib]
        eligibility = [{"id": "reviewed", "kind": "attested", "what": "reviewed"}]
        return Answer(case(facts(series(steps=data)), rules(
            eligibility=eligibility, boards=[board(population="eligible")],
            pools=[pool(amount=tiers(rows, population="eligible", **more))]), projects))

    def test_sl_a_ineligible_data_unlock_nothing(self):
        want = self.golden["SL-A"]
        for other in (Fraction(1, 2), 500):
            answer = self.slingshot({"A": 5, "B": Fraction(11, 2), "C": 5, "D": other}, good="AB")
            self.assertEqual(int(answer.pool()["amount"]), want["pool"] * FIL)
            self.assertEqual(int(answer.pool()["reached"]), 21 * TIB // 2)
            self.same(answer.shares(), {x.lower(): v for x, v in want["shares"].items()})
            self.assertEqual(answer.dust(), want["dust"])

    def test_sl_b_tiers(self):
        for label, amount in self.golden["SL-B-tiers"]:
            with self.subTest(label):
                answer = self.slingshot({"A": Fraction(size(label), TIB)})
                self.assertEqual(int(answer.pool()["amount"]), amount * FIL)

    def test_sl_c_a_window_pays_what_it_unlocks(self):
        want = self.golden["SL-C"]
        before, new = 730 * TIB, {"x": 600 * TIB, "y": 300 * TIB}
        for rows, amount in ((before, want["cum_before"]), (1630 * TIB, want["cum_after"])):
            self.assertEqual(max(a for at, a in SLINGSHOT_2 if at <= rows), amount * FIL)
        answer = Answer(case(facts(series(steps=new)), rules(
            boards=[board(), board("boosted", above=str(50 * GIB))],
            pools=[pool(amount=tiers(SLINGSHOT_2, base=before, mode="newly-unlocked")),
                   pool("booster", "boosted", {"kind": "open"}, {"kind": "flat", "each": str(10 * FIL)})])))
        self.assertEqual(int(answer.pool()["amount"]), want["window_pool"] * FIL)
        self.same(answer.shares(), {x.lower(): v for x, v in want["shares"].items()})
        self.assertEqual(answer.dust(), want["dust"])
        self.same(answer.shares("booster"), dict.fromkeys(new, want["booster_each"]))
        self.assertEqual((answer.pool("booster")["amount"], answer.dust("booster")), (str(20 * FIL), 0))
        booster = rules(boards=[board(above=str(50 * GIB))], pools=[
            pool(amount={"kind": "open"}, divide={"kind": "flat", "each": str(10 * FIL)})])
        shares = Answer(case(powers(u=50 * GIB, v=50 * GIB + 1), booster)).shares()
        self.same(shares, {"v": want["booster_each"]})

    def test_sl_d_replicas(self):
        want = self.golden["SL-D"]
        rows = [("p", 32, 166561)] * 13 + [("q", 16, 170000)] * 4 + [("r", 32, 166560)]
        given = [deal(i, "f01", f"f1{i:02}", piece, gib * GIB, start=start) for i, (piece, gib, start) in enumerate(rows)]
        limits = {"start_after": 166560, "max_replicas": 10}
        measures = ("bytes", "deals", "pieces", "replicas")
        answer = Answer(case(facts(deals=given), rules(
            [deals(m, m, **limits) for m in measures], boards=[])))
        self.assertEqual([int(answer.value("f01", m)) for m in measures],
                         [want["data_GiB"] * GIB, want["num_deals"], want["num_cids"], want["max_same_cid"]])

    def test_sl_e_a_share_of_exactly_three_tenths(self):
        want = self.golden["SL-E"]
        given = [deal(i, "f01", f"f1{i}", f"p{i}", gib * GIB) for i, gib in enumerate((96, 96, 64, 64))]
        check = {"id": "bar", "kind": "at-most", "metric": "share", "value": want["max_share"], "per": "entity"}
        answer = Answer(case(facts(deals=given), rules(
            [deals("share", "provider-share"), deals("bytes", "bytes")], [check], boards=[])))
        self.assertEqual(answer.value("f01", "share"), want["max_share"])
        self.assertEqual(int(answer.value("f01", "bytes")), want["total"] * GIB)
        self.assertEqual(answer.entities["f01"]["eligible"], want["ok"])

    def test_ob_a_vesting(self):
        want, day = self.golden["OB-A"], 2880
        self.assertEqual(shadow_stand.vested(540 * FIL, 180 * day, 60 * day), atto(want["vest_540_day60"]))
        self.assertEqual(shadow_stand.vested(100 * FIL, 180 * day, day), atto(want["vest_100_sixmonths_day1"]))

    def test_ob_b_top_up_and_bonus(self):
        want, day = self.golden["OB-B"], 2880
        below = atto(want["avail"].lstrip("-"))
        answer = Answer(case(
            facts(series("below", {"f01": below, "f02": 0}, unit="atto"),
                  counter("proofs", {"f01": [(0, 5), (17 * day, 6)], "f02": [(0, 9)]})),
            rules([metric("below", kind="level", series="below"), window("proved", "proofs", last=7 * day)],
                  boards=[board(metric="below"), board("proving", "proved")],
                  pools=[pool("top-up", amount={"kind": "open"}, divide={"kind": "metric", "metric": "below"}),
                         pool("bonus", "proving", {"kind": "open"}, {"kind": "flat", "each": str(100 * FIL)})],
                  end=21 * day), at=20 * day))
        self.same(answer.shares("top-up"), {"f01": want["topup"]})
        self.same(answer.shares("bonus"), {"f01": want["bonus"]})

    def test_ob_c_the_announced_pool(self):
        earned = {"m1": 600_000 * FIL, "m2": 300_000 * FIL, "m3": 100_000 * FIL}
        answer = Answer(case(
            facts(counter("earned", earned, "atto")),
            rules([window("earned", "earned")], boards=[board(metric="earned")],
                  pools=[pool(amount={"kind": "by-decision"}, divide=by("earned"))]),
            decisions=[("set-amount", {"pool": "pool", "amount": str(50_000 * FIL)})]))
        self.same(answer.shares(), self.golden["OB-C"])

    def test_ob_d_thirteen_and_fourteen_periods(self):
        day = 2880
        for periods, there in ((13, "32"), (14, "0")):
            answer = Answer(case(facts(sectors=[sector("f01", 1, 32, faults=[[0, periods * day]])]), rules(
                [sectors(period=day)], boards=[], end=20 * day), at=19 * day))
            self.assertEqual(answer.value("f01", "sectors"), there)

    def test_vest(self):
        for elapsed, amount in self.golden["VEST"]:
            self.assertEqual(shadow_stand.vested(1000 * FIL, 518_400, elapsed), atto(amount))


# -- hand-computed cases ---------------------------------------------------------------------


def deal(id, participant, provider, piece, size=1, start=1, sealed=1):
    row = {"id": id, "participant": participant, "provider": provider, "piece": piece, "bytes": str(size), "start": start}
    return row if sealed is None else {**row, "sealed": sealed}


def sector(participant, number, size=1, since=0, until=None, faults=()):
    row = {"participant": participant, "number": number, "bytes": str(size), "from": since, "faults": list(faults)}
    return row if until is None else {**row, "until": until}


class Time(Case):
    """Section 5."""

    steps = {"a": [(0, 10), (10, 20), (30, 40), (60, 90)]}

    def test_levels_are_read_at_the_last_kept_epoch(self):
        level = facts(series(steps=self.steps))
        for at, value in ((0, "10"), (9, "10"), (10, "20"), (59, "40"), (60, "90"), (500, "90")):
            self.assertEqual(Answer(case(level, rules(), at=at)).value("a"), value)
        for hole, value in (((30, 51), "20"), ((10, 51), "10"), ((5, 8), "40"), ((0, 51), None), ((50, 51), "40")):
            self.assertEqual(Answer(case(level, rules(), decisions=[remove(*hole)])).value("a"), value, hole)
        for hole, value in (((20, 51), None), ((21, 51), "20")):
            self.assertEqual(Answer(case(level, rules(start=20), decisions=[remove(*hole)])).value("a"), value, hole)

    def test_the_end(self):
        level = facts(series(steps=self.steps))
        for at, epoch, over in ((98, 98, False), (99, 99, True), (1000, 99, True)):
            scope = Answer(case(level, rules(), at=at)).document["scope"]
            self.assertEqual((scope["at"], scope["epoch"], scope["over"]), (at, epoch, over))
        earlier = Answer(case(level, rules(), decisions=[("set-end", {"until": 40}), ("set-end", {"until": 31})]))
        self.assertEqual((earlier.document["scope"]["epoch"], earlier.value("a")), (30, "40"))
        first = Answer(case(level, rules(), decisions=[("set-end", {"until": 40}), ("set-end", {"until": 31})], seq=1))
        self.assertEqual(first.document["scope"]["epoch"], 39)
        back = [("set-end", {"until": 40}), ("set-end", {"until": 31}), revert(2)]
        self.assertEqual(Answer(case(level, rules(), decisions=back)).document["scope"]["epoch"], 39)
        self.refused(case(level, rules(start=20), at=19), "/at")
        self.refused(case(level, rules(start=20), decisions=[("set-end", {"until": 20})]))

    def test_windows(self):
        count = facts(counter("n", {"a": [(5, 3), (20, 10), (40, 16)]}))

        def read(decisions=(), at=50, start=0, **more):
            return Answer(case(count, rules([window("w", "n", **more)], boards=[], start=start), decisions=decisions,
                               at=at)).value("a", "w")

        self.assertEqual(read(), "16")
        self.assertEqual(read(start=20), "13")  # the step at 20 counts: 16 - 3
        self.assertEqual(read(start=21), "6")
        self.assertEqual(read(**{"from": 6, "until": 40}), "7")
        self.assertEqual(read(**{"from": 6, "until": 41}), "13")
        self.assertEqual(read(last=11), "6")  # [40, 51)
        self.assertEqual(read(last=10), "0")  # [41, 51)
        self.assertEqual(read(last=1000, start=20), "13")
        self.assertEqual(read(**{"from": 60}), "0")
        self.assertEqual(read([remove(20, 21)]), "9")  # 3 before, 6 after
        self.assertEqual(read([remove(20, 21), remove(5, 6), remove(40, 41)]), "0")
        self.assertEqual(read([remove(0, 100)]), "0")

    def test_unknown_ends_of_a_window(self):
        count = facts(counter("n", {"a": [(5, 3), (20, None), (40, 16)]}))
        for more, value in (({}, "16"), ({"from": 25}, None), ({"until": 30}, None), ({"from": 10, "until": 20}, "0"),
                            ({"until": 5}, "0")):
            answer = Answer(case(count, rules([window("w", "n", **more)], boards=[])))
            self.assertEqual(answer.value("a", "w"), value, more)

    def test_removed_intervals_name_metrics_and_regions_and_are_reverted(self):
        level = facts(series(steps={"a": [(0, 1), (40, 5)], "b": [(0, 2), (40, 6)]}), regions={"a": "eu", "b": "sa"})
        two = rules([metric(), metric("other")], boards=[])

        def read(*decisions):
            answer = Answer(case(level, two, decisions=decisions))
            return [answer.value(x, m) for x in ("a", "b") for m in ("power", "other")]

        self.assertEqual(read(), ["5", "5", "6", "6"])
        self.assertEqual(read(remove(40, 60)), ["1", "1", "2", "2"])
        self.assertEqual(read(remove(40, 60, ["other"])), ["5", "1", "6", "2"])
        self.assertEqual(read(remove(40, 60, [], ["sa"])), ["5", "5", "2", "2"])
        self.assertEqual(read(remove(40, 60, ["power"], ["eu", "af"])), ["1", "5", "6", "6"])
        self.assertEqual(read(remove(40, 60), revert(1)), ["5", "5", "6", "6"])
        self.assertEqual(read(remove(40, 60), revert(1), revert(2)), ["1", "1", "2", "2"])
        self.assertEqual(read(remove(40, 60), revert(1), revert(2), revert(3)), ["5", "5", "6", "6"])
        moved = ("set-region", {"target": "a", "region": "sa"})
        self.assertEqual(read(remove(40, 60, [], ["sa"]), moved), ["1", "1", "2", "2"])

    def test_sums_are_not_removed_themselves(self):
        level = facts(series(steps={"a": [(0, 1), (40, 5)]}))
        both = rules([metric(), {"id": "s", "kind": "sum", "of": ["power", "power"]}], boards=[])
        self.assertEqual(Answer(case(level, both, decisions=[remove(40, 60, ["s"])])).value("a", "s"), "10")
        self.assertEqual(Answer(case(level, both, decisions=[remove(40, 60, ["power"])])).value("a", "s"), "2")


class Metrics(Case):
    """Section 6."""

    def test_level_of_several(self):
        level = facts(series(steps={"a": 5, "b": [(0, 7), (20, None)], "c": [(60, 1)]}))
        people = [entity("x", "a", "c"), entity("y", "b")]
        self.assertEqual(Answer(case(level, rules(), people)).values(), {"x": "5", "y": None})
        self.assertEqual(Answer(case(level, rules(), people, at=10)).values(), {"x": "5", "y": "7"})
        self.assertEqual(Answer(case(level, rules(), [entity("x", "a", "b"), entity("z", "c")])).values(), {"x": None, "z": None})

    def test_mean_and_pooled(self):
        counts = facts(counter("ok", {"a": 90, "b": 30, "c": 0}), counter("bad", {"a": 10, "b": 20, "c": 0}))
        both = rules([rate(), rate("mean", "mean")], boards=[])
        answer = Answer(case(counts, both, [entity("x", "a", "b", "c")]))
        self.assertEqual((answer.value("x", "rate"), answer.value("x", "mean")), ("4/5", "3/4"))
        self.assertEqual(answer.entities["x"]["metrics"]["mean"]["samples"], "150")
        alone = Answer(case(counts, both))
        self.assertEqual(alone.entities["c"]["metrics"]["rate"], {"value": None, "samples": "0"})
        unknown = facts(counter("ok", {"a": [(0, 9), (20, None)]}), counter("bad", {"a": 1}))
        self.assertEqual(Answer(case(unknown, both)).entities["a"]["metrics"]["rate"], {"value": None, "samples": None})

    def test_sum_and_scaled(self):
        given = facts(series(steps={"a": 101}), counter("ok", {"a": 2}), counter("bad", {"a": 1}), also=["b"])
        more = rules([metric(), rate(), {"id": "scaled", "kind": "scaled", "metric": "power", "by": "rate"},
                      {"id": "sum", "kind": "sum", "of": ["scaled", "power"]}], boards=[])
        answer = Answer(case(given, more))
        self.assertEqual(answer.value("a", "scaled"), "67")  # 202/3
        self.assertEqual(answer.value("a", "sum"), "168")
        self.assertEqual((answer.value("b", "scaled"), answer.value("b", "sum")), (None, None))

    def adjustable(self, **more):
        return rules([window("w", "ok", **more)], boards=[], observed=[("ok", "count", "cumulative")])

    def test_adjust(self):
        observed = facts(counter("ok", {"a": [(0, 10), (30, 12)]}, source="observed"), counter("bad", {"a": 5}), also=["b"])

        def read(*decisions, **more):
            return Answer(case(observed, self.adjustable(**more), decisions=[
                ("adjust", {"participant": p, "series": "ok", "from": e, "delta": d}) for p, e, d in decisions])).value("a", "w")

        self.assertEqual(read(), "12")
        self.assertEqual(read(("a", 20, "5")), "17")
        self.assertEqual(read(("a", 20, "5"), **{"from": 21}), "2")
        self.assertEqual(read(("a", 20, "5"), until=20), "10")
        self.assertEqual(read(("a", 0, "-100")), "0")
        self.assertEqual(read(("a", 0, "-100"), ("a", 0, "103")), "15")  # added up before the floor at zero
        self.assertEqual(read(("a", 40, "-11"), **{"from": 1}), "0")  # 1 - 10 is below zero
        self.assertEqual(read(("b", 0, "7")), "12")  # b is absent, and stays so
        adjust = ("adjust", {"participant": "a", "series": "bad", "from": 0, "delta": "1"})
        self.refused(case(observed, self.adjustable(), decisions=[adjust]), "observed")
        Answer(case(observed, self.adjustable(), decisions=[adjust, revert(1)]))

    def test_deals_in_order_of_their_numbers(self):
        given = [deal(10, "a", "p3", "x", 1), deal(9, "a", "p2", "x", 10), deal(2, "a", "p1", "x", 100),
                 deal(3, "a", "a", "y", 1000), deal(4, "a", "p1", "z", 7, sealed=None), deal(5, "a", "p1", "z", 7, sealed=51)]
        measures = ("bytes", "deals", "pieces", "providers", "replicas", "provider-share")

        def read(**more):
            answer = Answer(case(facts(deals=given), rules([deals(m, m, **more) for m in measures], boards=[])))
            return [answer.value("a", m) for m in measures]

        self.assertEqual(read(), ["1111", "4", "2", "4", "3", "1000/1111"])
        self.assertEqual(read(max_replicas=2), ["1110", "3", "2", "3", "2", "100/111"])
        self.assertEqual(read(max_replicas=1), ["1100", "2", "2", "2", "1", "10/11"])
        self.assertEqual(read(max_replicas=1, excess="counted"), ["1111", "4", "2", "4", "3", "1000/1111"])
        self.assertEqual(read(own="not-counted"), ["111", "3", "1", "3", "3", "100/111"])
        self.assertEqual(read(start_after=1), ["0", "0", "0", "0", "0", None])

    def test_own_miners_and_removed_deals(self):
        given = [deal(1, "a", "m", "x", 5, sealed=10), deal(2, "a", "n", "x", 6, sealed=40)]
        own = rules([deals("d", "bytes", own="not-counted", max_replicas=1)], boards=[])
        both = facts(deals=given, also=["m"])
        self.assertEqual(Answer(case(both, own)).value("a", "d"), "5")
        self.assertEqual(Answer(case(both, own, [entity("x", "a", "m")])).value("x", "d"), "6")  # the own one takes no place
        left = [entity("x", "a", ("m", 0, 50))]
        self.assertEqual(Answer(case(both, own, left)).value("x", "d"), "5")  # no member at 50
        for hole, value in (((40, 60), "0"), ((41, 60), "6")):
            self.assertEqual(Answer(case(both, own, [entity("x", "a", "m")], [remove(*hole)])).value("x", "d"), value)

    def test_sectors(self):
        given = [
            sector("a", 1, 1), sector("a", 2, 2, since=51), sector("a", 3, 4, until=50), sector("a", 4, 8, until=51),
            sector("a", 5, 16, faults=[[10, 39]]),  # 29 epochs
            sector("a", 6, 32, faults=[[10, 40]]),  # 30 epochs: gone for good
            sector("a", 7, 64, faults=[[22, None]]),  # 29 epochs at 50
            sector("a", 8, 128, faults=[[21, None]]),  # 30 epochs at 50
            sector("a", 9, 256, faults=[[0, 20], [21, 41]]),  # a break between
        ]
        limits = {"fault_periods": 3, "period": 10}
        both = rules([sectors(**limits), sectors("count", "count", **limits)], boards=[])
        answer = Answer(case(facts(sectors=given), both))
        self.assertEqual((answer.value("a", "sectors"), answer.value("a", "count")), (str(1 + 8 + 16 + 64 + 256), "5"))
        self.assertEqual(Answer(case(facts(sectors=given), both, at=51)).value("a", "sectors"), str(1 + 2 + 16 + 256))
        removed = Answer(case(facts(sectors=given), both, decisions=[remove(50, 60)]))
        self.assertEqual(removed.value("a", "sectors"), str(1 + 4 + 8 + 16 + 64 + 128 + 256))  # as of 49


class Entities(Case):
    """Section 3, and histories of section 6."""

    def test_unclaimed(self):
        level = facts(series(steps={"a": 1, "b": 2, "c": 3}), seen={"c": 51}, regions={"b": "eu"})
        answer = Answer(case(level, rules(), [entity("x", ("a", 10, 20)), entity("y", ("b", 50))]))
        self.assertEqual({x: e["claimed"] for x, e in answer.entities.items()}, {"a": False, "y": True})
        self.assertEqual((answer.entities["a"]["name"], answer.entities["y"]["name"]), ("a", "Y"))
        earlier = Answer(case(level, rules(), [entity("x", ("a", 10, 20)), entity("y", ("b", 50))], at=19))
        self.assertEqual(set(earlier.entities), {"x", "b"})

    def test_regions(self):
        level = facts(series(steps={"a": 1, "b": 2, "c": 3}), regions={"a": "eu", "b": "sa"})

        def read(people, *decisions):
            answer = Answer(case(level, rules(), people, [("set-region", {"target": t, "region": r}) for t, r in decisions]))
            return {x: e["region"] for x, e in answer.entities.items()}

        self.assertEqual(read([]), {"a": "eu", "b": "sa", "c": None})
        self.assertEqual(read([entity("x", "a", "b", "c")]), {"x": None})
        self.assertEqual(read([entity("x", "a", "b", "c", region="af")]), {"x": "af"})
        self.assertEqual(read([entity("x", "a", "b")], ("b", "eu")), {"x": "eu", "c": None})
        self.assertEqual(read([entity("x", "a", "b", region="af")], ("b", "eu")), {"x": "af", "c": None})
        self.assertEqual(read([entity("x", "a", "b", region="af")], ("x", "oc"), ("x", "na")), {"x": "na", "c": None})
        self.assertEqual(read([], ("c", "oc")), {"a": "eu", "b": "sa", "c": "oc"})

    def test_dated_membership(self):
        count = facts(counter("n", {"a": [(5, 1), (15, 11), (25, 111), (35, 1111)], "b": [(0, 2), (30, 5)]}))
        people = [entity("x", ("a", 10, 20), ("a", 30, 40), "b"), entity("y", ("a", 20, 30))]

        def read(history, people=people, at=50):
            return Answer(case(count, rules([window("w", "n")], boards=[], history=history), people, at=at)).values("w")

        self.assertEqual(read("whole"), {"a": "1111", "x": "5"})
        self.assertEqual(read("whole", at=35), {"x": "1116"})
        self.assertEqual(read("dated"), {"a": "1", "x": str(10 + 1000 + 5)})  # y has no member any more
        self.assertEqual(read("dated", at=25), {"x": "12", "y": "100"})
        unknown = facts(counter("n", {"a": [(5, 1), (8, None), (20, 4)], "b": 1}))
        left = [entity("x", ("a", 0, 9), "b"), entity("y", ("a", 9, 30))]
        late = rules([window("w", "n", **{"from": 9})], boards=[], history="dated")
        self.assertEqual(Answer(case(unknown, late, left)).value("x", "w"), "0")  # a brings x no epoch of it
        rates = facts(counter("ok", {"a": [(5, 1), (15, 3), (35, 7)], "b": [(0, 0)]}),
                      counter("bad", {"a": [(5, 0), (35, 2)], "b": [(0, 4)]}))
        mean = rules([rate("mean", "mean")], boards=[], history="dated")
        answer = Answer(case(rates, mean, people, at=50))
        self.assertEqual(answer.value("x", "mean"), "3/8")  # a: 6 of 8 in two memberships, b: 0 of 4

    def test_nothing_is_brought_twice_when_dated(self):
        count = facts(counter("n", {"a": [(i, i) for i in range(60)]}))
        people = [entity("x", ("a", 10, 20), "b"), entity("y", ("a", 25, 31), "c")]
        count["participants"] += [{"id": p, "seen": 0} for p in "bc"]
        values = Answer(case(count, rules([window("w", "n")], boards=[], history="dated"), people)).values("w")
        self.assertEqual(values, {"a": str(50 - 10 - 6), "x": "10", "y": "6"})

    def test_refused(self):
        level = facts(series(steps={"a": 1, "b": 2}))
        for people in ([entity("a", "b")], [entity("x", "c")], [entity("x", ("a", 5, 5))], [entity("x", "a"), entity("x", "b")],
                       [entity("x", ("a", 0, 20)), entity("y", ("a", 19))], [entity("x", "a", "a")],
                       [entity("x", "a"), entity("y", ("a", 30))]):
            self.refused(case(level, rules(), people), "/entities")
        Answer(case(level, rules(), [entity("x", ("a", 0, 20)), entity("y", ("a", 20))]))


class Eligibility(Case):
    """Section 7."""

    def counts(self, **rows):
        return facts(counter("ok", {x: p for x, (p, _) in rows.items()}), counter("bad", {x: f for x, (_, f) in rows.items()}))

    def test_states_of_a_bar(self):
        counts = self.counts(a=(8, 2), b=(7, 3), c=(3, 0), d=(0, 0), e=(4, 0), f=(1, 4))
        bars = rules([rate(min_samples="4")], [at_least("rate", "4/5")], boards=[])
        for at, early in ((50, "pending"), (99, "fail")):
            answer = Answer(case(counts, bars, at=at))
            self.assertEqual([answer.state(x) for x in "abcdef"], ["pass", "fail", early, early, "pass", "fail"])
            self.assertEqual([answer.check(x).get("need") for x in "abcdef"], [None, "5", "1", "4", None, "15"])
            self.assertEqual("".join(x for x in "abcdef" if answer.entities[x]["eligible"]), "ae")

    def test_need(self):
        def need(passed, failed, bar, aggregation="pooled", **more):
            answer = Answer(case(self.counts(a=(passed, failed)), rules(
                [rate(aggregation=aggregation, **more)], [at_least("rate", bar)], boards=[])))
            return answer.check("a").get("need")

        self.assertEqual(need(0, 10, "4/5"), "40")
        self.assertEqual(need(79, 20, "4/5"), "1")
        self.assertIsNone(need(8, 2, "4/5"))
        self.assertEqual(need(0, 0, "0/1"), "1")
        self.assertEqual(need(3, 0, "1/1", min_samples="5"), "2")
        self.assertIsNone(need(3, 1, "1/1", min_samples="5"))
        self.assertIsNone(need(3, 0, "3/2"))
        self.assertIsNone(need(0, 10, "4/5", "mean"))
        for passed in range(6):  # against trying one after the other
            for failed in range(6):
                k = 0
                while not (3 * (passed + k) >= 2 * (passed + failed + k) and passed + failed + k >= 4):
                    k += 1
                self.assertEqual(int(need(passed, failed, "2/3", min_samples="4") or 0), k)
        level = Answer(case(powers(a=3), rules(eligibility=[at_least("power", "10")])))
        self.assertEqual(level.check("a"), {"id": "bar", "state": "fail", "need": "7"})
        absent = Answer(case(facts(series(), also=["a"]), rules(eligibility=[at_least("power", "10")])))
        self.assertEqual(absent.check("a"), {"id": "bar", "state": "pending", "need": "10"})

    def test_per_member(self):
        counts = self.counts(a=(9, 1), b=(7, 3), c=(0, 0))
        for members, per, state in (("ab", "entity", "pass"), ("ab", "member", "fail"), ("ac", "member", "pending"),
                                    ("a", "member", "pass"), ("abc", "member", "fail")):
            answer = Answer(case(counts, rules([rate()], [at_least("rate", "4/5", per=per)], boards=[]),
                                 [entity("x", *members)]))
            self.assertEqual(answer.state("x"), state)
            self.assertNotIn("need", answer.check("x"))
        # Alone, a member brings what it did in this entity, and its fellows' part is not its own.
        dated = rules([window("ok", "ok")], [at_least("ok", "4", per="member")], boards=[], history="dated")
        for a, state in (((0, 40), "pass"), ((10, 40), "fail")):
            answer = Answer(case(facts(counter("ok", {"a": [(5, 2), (20, 4)], "b": 9, "c": 9})), dated,
                                 [entity("x", ("a", *a), ("a", 40), "b", "c")]))
            self.assertEqual(answer.state("x"), state)
        three = Answer(case(facts(counter("ok", {"a": 2, "b": 3, "c": 3})), dated, [entity("x", "a", "b", "c")]))
        self.assertEqual((three.value("x", "ok"), three.state("x")), ("8", "fail"))
        # Alone, a member has no fellow whose deals could be own ones.
        given = facts(deals=[deal(1, "a", "b", "p", 5), deal(2, "b", "q", "p", 5)])
        for per, state in (("entity", "pass"), ("member", "pass")):
            answer = Answer(case(given, rules([deals("d", "bytes", own="not-counted")],
                                              [at_least("d", "5", per=per)], boards=[]), [entity("x", "a", "b")]))
            self.assertEqual((answer.value("x", "d"), answer.state("x")), ("5", state))

    def test_waive(self):
        inner = [at_least("power", "10"), {"id": "who", "kind": "claimed"}]
        tree = [{"id": "tree", "kind": "all", "checks": inner}]
        waive = ("waive", {"entity": "a", "check": "bar"})
        plain = Answer(case(powers(a=3, b=30), rules(eligibility=tree), [entity("x", "b")]))
        self.assertEqual([plain.state(x, "tree") for x in "ax"], ["fail", "pass"])
        answer = Answer(case(powers(a=3), rules(eligibility=tree), decisions=[waive]))
        self.assertEqual([answer.state("a", c) for c in ("tree", "bar", "who")], ["pending", "waived", "pending"])
        self.assertNotIn("need", answer.check("a"))
        both = Answer(case(powers(a=3), rules(eligibility=tree), decisions=[waive, ("waive", {"entity": "a", "check": "who"})]))
        self.assertEqual(both.state("a", "tree"), "waived")
        self.assertTrue(both.entities["a"]["eligible"])
        either = [{"id": "tree", "kind": "any", "checks": inner}]
        answer = Answer(case(powers(a=3), rules(eligibility=either), decisions=[waive]))
        self.assertEqual(answer.state("a", "tree"), "pass")
        whole = Answer(case(powers(a=3), rules(eligibility=tree), decisions=[("waive", {"entity": "a", "check": "tree"})]))
        self.assertEqual([whole.state("a", c) for c in ("tree", "bar")], ["waived", "fail"])
        self.assertTrue(whole.entities["a"]["eligible"])
        gone = Answer(case(powers(a=3), rules(eligibility=tree), decisions=[waive, revert(1)]))
        self.assertEqual(gone.state("a"), "fail")
        struck = Answer(case(powers(a=30), rules(eligibility=[at_least("power", "10")]),
                             decisions=[("disqualify", {"entities": ["a"]})]))
        self.assertEqual((struck.state("a"), struck.entities["a"]["eligible"]), ("pass", False))

    def test_registration(self):
        deadline = {"id": "bar", "kind": "registered", "deadline": 30, "late": {"deadline": 60}}

        def state(at, seen=0, other=(), late=True, **more):
            check = dict(deadline)
            if not late:
                del check["late"]
            level = facts(series(steps={"a": 1, "b": 1}), seen={"a": seen})
            return Answer(case(level, rules(eligibility=[check]), [entity("x", ("a", 0), *other, **more)], at=at)).state("x")

        self.assertEqual(state(50, registered=29), "pass")
        self.assertEqual([state(at, registered=29) for at in (28, 29)], ["pending", "pass"])
        self.assertEqual(state(50, registered=30), "fail")
        self.assertEqual(state(50, registered=30, seen=29), "fail")
        self.assertEqual(state(50, registered=30, seen=30), "pass")
        self.assertEqual(state(50, registered=30, seen=30, late=False), "fail")
        self.assertEqual(state(70, registered=59, seen=30), "pass")
        self.assertEqual(state(70, registered=60, seen=30), "fail")
        self.assertEqual(state(50, registered=30, seen=30, other=[("b", 5, 6)]), "fail")
        self.assertEqual([state(at) for at in (59, 60)], ["pending", "fail"])
        self.assertEqual([state(at, late=False) for at in (29, 30)], ["pending", "fail"])
        unclaimed = Answer(case(powers(a=1), rules(eligibility=[deadline]), at=60))
        self.assertEqual(unclaimed.state("a"), "fail")

    def test_attested_claimed_region(self):
        checks = [{"id": "kyc", "kind": "attested", "what": "kyc"}, {"id": "who", "kind": "claimed"}, {"id": "where", "kind": "region"}]
        level = facts(series(steps={"a": 1, "b": 1, "c": 1}), regions={"a": "eu", "b": "mars"})
        people = [entity("x", "a", attested=[("kyc", 20)]), entity("y", "b")]

        def states(x, at=50, *decisions):
            answer = Answer(case(level, rules(eligibility=checks), people, decisions, at=at))
            return [c["state"] for c in answer.entities[x]["checks"]]

        self.assertEqual(states("x"), ["pass"] * 3)
        self.assertEqual(states("x", 19), ["pending", "pass", "pass"])
        self.assertEqual(states("y"), ["pending", "pass", "pending"])
        self.assertEqual(states("c"), ["pending"] * 3)
        self.assertEqual(states("c", 99), ["fail"] * 3)
        self.assertEqual(states("y", 1, ("attest", {"entity": "y", "what": "kyc"})), ["pass", "pass", "pending"])

    def test_all_and_any(self):
        four = {"fail": at_least("power", "9"), "pass": at_least("power", "1"), "pending": {"kind": "claimed"}}
        for kind, inside, state in (("all", "pass fail pending", "fail"), ("all", "pass pending", "pending"),
                                    ("all", "pass pass", "pass"), ("any", "pass fail pending", "pass"),
                                    ("any", "fail pending", "pending"), ("any", "fail fail", "fail")):
            checks = [{**four[name], "id": f"c{i}"} for i, name in enumerate(inside.split())]
            answer = Answer(case(powers(a=5), rules(eligibility=[{"id": "bar", "kind": kind, "checks": checks}])))
            self.assertEqual(answer.state("a"), state)
            self.assertEqual([c["state"] for c in answer.check("a")["checks"]], inside.split())


class Boards(Case):
    """Section 9."""

    def test_ranks(self):
        level = facts(series(steps={"a": 5, "b": 7, "c": 5, "d": 0, "e": 9, "f": None or [(0, None)], "g": [(0, None)]}))
        rows = Answer(case(level, rules())).rows()
        self.assertEqual([(r["entity"], r["rank"], r["tied"], r["value"], r["wins"]) for r in rows], [
            ("e", 1, False, "9", "1/1"), ("b", 2, False, "7", "1/1"), ("a", 3, True, "5", "1/1"), ("c", 3, True, "5", "1/1"),
            ("d", 5, False, "0", "0/1"), ("f", None, False, None, "0/1"), ("g", None, False, None, "0/1")])

    def test_cutoffs(self):
        steps = {"a": [(20, 9)], "b": [(9, 5)], "c": [(0, 1), (7, 5)], "d": [(7, 5), (60, 6)], "e": [(0, 1)]}
        level = facts(series(steps=steps))

        def wins(cutoff, top):
            answer = Answer(case(level, rules(boards=[board(top=top, cutoff=cutoff)])))
            return answer.wins()

        one = "1/1"
        for cutoff, winners in (("include-all", {"a": one, "b": one, "c": one, "d": one}), ("none", {"a": one}),
                                ("by-id", {"a": one, "b": one, "c": one}), ("earliest", {"a": one, "c": one, "d": one}),
                                ("split", {"a": one, "b": "2/3", "c": "2/3", "d": "2/3"})):
            self.assertEqual(wins(cutoff, 3), winners, cutoff)
            self.assertEqual(wins(cutoff, 4), {x: one for x in "abcd"})
            self.assertEqual(wins(cutoff, 1), {"a": one})
            self.assertEqual(wins(cutoff, 9), {x: one for x in "abcde"})
        self.assertEqual(wins("earliest", 2), {"a": one, "c": one})

    def test_earliest_looks_at_parts(self):
        given = facts(series(steps={"a": 5, "b": 5}), counter("ok", {"a": [(0, 1), (30, 2)], "b": [(0, 2), (31, 2)]}),
                      counter("bad", {"a": 0, "b": 0}))
        scaled = rules([metric(), rate(), {"id": "s", "kind": "scaled", "metric": "power", "by": "rate"},
                        {"id": "t", "kind": "sum", "of": ["s"]}],
                       boards=[board(i, i, top=1, cutoff="earliest") for i in ("power", "rate", "s", "t")])
        answer = Answer(case(given, scaled))
        self.assertEqual([list(answer.wins(i)) for i in ("power", "rate", "s", "t")], [["a"]] * 4)
        given["series"][1]["steps"]["a"][1][0] = 32
        answer = Answer(case(given, scaled))
        self.assertEqual([list(answer.wins(i)) for i in ("power", "rate", "s", "t")], [["a"], ["b"], ["b"], ["b"]])

    def test_above(self):
        for above, winners in (("0", "abc"), ("4", "ab"), ("5", ""), ("6", "")):
            answer = Answer(case(powers(a=5, b=5, c=1), rules(boards=[board(above=above)])))
            self.assertEqual("".join(answer.wins()), winners)
        answer = Answer(case(powers(a=5, b=5, c=1), rules(boards=[board(above="4", top=3, cutoff="split")])))
        self.assertEqual(answer.wins(), {"a": "1/1", "b": "1/1"})

    def test_partition_tracks_population(self):
        level = facts(series(steps={"a": 4, "b": 3, "c": 2, "d": 1}), regions={"a": "eu", "b": "sa", "c": "eu", "d": "mars"})
        people = [entity("x", "a", tracks=["gpu"]), entity("y", "b", tracks=["cpu"])]
        many = rules(eligibility=[at_least("power", "2")], tracks=["cpu", "gpu"], boards=[
            board("region", partition="region"), board("gpu", track="gpu"), board("good", population="eligible")])
        answer = Answer(case(level, many, people))
        self.assertEqual([(b["board"], b["region"], [r["entity"] for r in b["rows"]]) for b in answer.document["boards"]], [
            ("region", "eu", ["x", "c"]), ("region", "sa", ["y"]), ("gpu", None, ["x", "c", "d"]), ("good", None, ["x", "y", "c"])])

    def test_the_disqualified_give_their_places_away(self):
        struck = [("disqualify", {"entities": ["a", "c"]})]
        answer = Answer(case(powers(a=9, b=8, c=8, d=8), rules(boards=[board(top=1, cutoff="split")]), decisions=struck))
        self.assertEqual([r["rank"] for r in answer.rows()], [1, 2, 2, 2])
        self.assertEqual([answer.entities[x]["disqualified"] for x in "abcd"], [True, False, True, False])
        self.assertEqual(answer.wins(), {"b": "1/2", "d": "1/2"})


class Pools(Case):
    """Sections 10 and 11."""

    def divided(self, weights, amount=100, top=None, cutoff="by-id", **more):
        answer = Answer(case(powers(**weights), rules(
            boards=[board(cutoff=cutoff, **({} if top is None else {"top": top}))], pools=[pool(amount=fixed(amount), **more)])))
        shares = answer.shares()
        self.assertEqual(sum(shares.values()) + answer.dust(), int(answer.pool()["amount"]))
        return shares, answer.dust()

    def test_roundings(self):
        self.assertEqual(self.divided({"a": 1, "b": 1, "c": 1}), ({"a": 33, "b": 33, "c": 33}, 1))
        largest = {"rounding": "largest-remainder"}
        self.assertEqual(self.divided({"a": 1, "b": 1, "c": 1}, **largest), ({"a": 34, "b": 33, "c": 33}, 0))
        # 100/7 × (1, 2, 4) = 14 2/7, 28 4/7, 57 1/7
        self.assertEqual(self.divided({"a": 1, "b": 2, "c": 4}, **largest), ({"a": 14, "b": 29, "c": 57}, 0))
        self.assertEqual(self.divided({"a": 1, "b": 1, "c": 1}, amount=2, **largest), ({"a": 1, "b": 1}, 0))
        self.assertEqual(self.divided({"a": 5, "b": 3}, divide={"kind": "equal"}, amount=7), ({"a": 3, "b": 3}, 1))
        self.assertEqual(self.divided({"a": 5, "b": 3}, divide={"kind": "equal"}, amount=7, **largest), ({"a": 4, "b": 3}, 0))

    def test_caps(self):
        cut = {"cap": {"share": "3/10", "excess": "undistributed"}}
        again = {"cap": {"share": "3/10", "excess": "redistribute"}}
        weights = {"a": 50, "b": 25, "c": 15, "d": 10}
        self.assertEqual(self.divided(weights, **cut), ({"a": 30, "b": 25, "c": 15, "d": 10}, 20))
        # a gets 30, 70 is left for 50: b 35 > 30, then 40 for 25: c 24, d 16
        self.assertEqual(self.divided(weights, **again), ({"a": 30, "b": 30, "c": 24, "d": 16}, 0))
        self.assertEqual(self.divided({"a": 1, "b": 1}, **again), ({"a": 30, "b": 30}, 40))
        self.assertEqual(self.divided({"a": 3, "b": 7}, **cut), ({"a": 30, "b": 30}, 40))
        self.assertEqual(self.divided({"a": 1}, cap={"share": "0/1", "excess": "redistribute"}), ({}, 100))

    def test_caps_and_largest_remainders(self):
        largest = {"rounding": "largest-remainder"}
        cut = {"cap": {"share": "2/5", "excess": "undistributed"}, **largest}
        # 100/7 × (4, 1, 1, 1): a is cut at 40; 42 6/7 is left for three of 14 2/7 each: 42, nothing more
        self.assertEqual(self.divided({"a": 4, "b": 1, "c": 1, "d": 1}, **cut), ({"a": 40, "b": 14, "c": 14, "d": 14}, 18))
        # 100/9 × (4, 3, 2): 44 4/9 is cut at 40; 33 3/9 + 22 2/9 = 55 5/9: 55, nothing more
        self.assertEqual(self.divided({"a": 4, "b": 3, "c": 2}, **cut), ({"a": 40, "b": 33, "c": 22}, 5))
        # 100/11 × (5, 3, 3): 27 3/11 twice is 54 6/11
        self.assertEqual(self.divided({"a": 5, "b": 3, "c": 3}, **cut), ({"a": 40, "b": 27, "c": 27}, 6))
        # 100/13 × (7, 2, 2, 2): 15 5/13 three times is 46 2/13: 46, so b gets one more than 15
        self.assertEqual(self.divided({"a": 7, "b": 2, "c": 2, "d": 2}, **cut), ({"a": 40, "b": 16, "c": 15, "d": 15}, 14))
        again = {"cap": {"share": "2/5", "excess": "redistribute"}, **largest}
        # 60 for (2, 2, 3): 17 1/7, 17 1/7, 25 5/7
        self.assertEqual(self.divided({"a": 9, "b": 2, "c": 2, "d": 3}, **again), ({"a": 40, "b": 17, "c": 17, "d": 26}, 0))

    def test_floor_of_a_share(self):
        self.assertEqual(self.divided({"a": 80, "b": 11, "c": 9}, floor="10"), ({"a": 80, "b": 11}, 9))
        self.assertEqual(self.divided({"a": 80, "b": 11, "c": 9}, floor="9"), ({"a": 80, "b": 11, "c": 9}, 0))

    def test_a_split_place(self):
        weights = {"a": 6, "b": 4, "c": 4}
        # half of 4 each: 100/10 × (6, 2, 2)
        self.assertEqual(self.divided(weights, top=2, cutoff="split"), ({"a": 60, "b": 20, "c": 20}, 0))
        equal = {"divide": {"kind": "equal"}}
        self.assertEqual(self.divided(weights, top=2, cutoff="split", **equal), ({"a": 50, "b": 25, "c": 25}, 0))
        flat = Answer(case(powers(**weights), rules(boards=[board(top=2, cutoff="split")], pools=[
            pool(amount={"kind": "open"}, divide={"kind": "flat", "each": "7"})])))
        self.assertEqual((flat.shares(), flat.pool()["amount"], flat.dust()), ({"a": 7, "b": 3, "c": 3}, "13", 0))
        debts = Answer(case(facts(series("owed", {"a": 6, "b": 5, "c": 5}, unit="atto")), rules(
            [metric("owed", kind="level", series="owed")], boards=[board(metric="owed", top=2, cutoff="split")],
            pools=[pool(amount={"kind": "open"}, divide={"kind": "metric", "metric": "owed"}, floor="3")])))
        self.assertEqual((debts.shares(), debts.pool()["amount"]), ({"a": 6}, "6"))

    def test_what_the_ineligible_forfeit(self):
        def forfeited(weights, out, amount=fixed(100), **more):
            eligibility = [{"id": "kyc", "kind": "attested", "what": "kyc"}]
            attested = [("attest", {"entity": x, "what": "kyc"}) for x in weights if x != out]
            answer = Answer(case(powers(**weights), rules(eligibility=eligibility, pools=[
                pool(amount=amount, ineligible="forfeit", **more)]), decisions=attested))
            self.assertIn(out, answer.wins())
            self.assertEqual(sum(answer.shares().values()) + answer.dust(), int(answer.pool()["amount"]))
            return answer.shares(), answer.dust()

        weights = {"a": 50, "b": 30, "c": 20}
        self.assertEqual(forfeited(weights, "b"), ({"a": 50, "c": 20}, 30))
        self.assertEqual(forfeited(weights, "b", divide={"kind": "equal"}), ({"a": 33, "c": 33}, 34))
        # a gets 40, 60 is left for 50: b 36, c 24
        again = {"cap": {"share": "2/5", "excess": "redistribute"}}
        self.assertEqual(forfeited(weights, "b", **again), ({"a": 40, "c": 24}, 36))
        self.assertEqual(forfeited(weights, "a", **again), ({"b": 36, "c": 24}, 40))
        # The unit that rounding leaves goes to a, who forfeits it.
        largest = {"rounding": "largest-remainder"}
        self.assertEqual(forfeited({"a": 1, "b": 1, "c": 1}, "a", **largest), ({"b": 33, "c": 33}, 34))
        each = {"divide": {"kind": "flat", "each": "7"}}
        self.assertEqual(forfeited(weights, "c", {"kind": "open"}, **each), ({"a": 7, "b": 7}, 0))

    def test_nobody_and_nothing(self):
        self.assertEqual(self.divided({"a": 0}), ({}, 100))
        self.assertEqual(self.divided({}), ({}, 100))
        two = facts(series(steps={"a": 1}), series("zero", {"a": 0}))
        answer = Answer(case(two, rules([metric(), metric("zero", kind="level", series="zero")], pools=[
            pool(divide=by("zero"), rounding="largest-remainder")])))
        self.assertEqual((answer.shares(), answer.dust()), ({}, 100))

    def test_amounts_by_decision(self):
        later = rules(pools=[pool(amount={"kind": "by-decision"})])
        amounts = [("set-amount", {"pool": "pool", "amount": str(n)}) for n in (5, 9)]
        for decisions, amount in (([], "0"), (amounts[:1], "5"), (amounts, "9"), (amounts + [revert(2)], "5")):
            self.assertEqual(Answer(case(powers(a=1), later, decisions=decisions)).pool()["amount"], amount)

    def test_gates_and_populations(self):
        gate = {"metric": "power", "population": "eligible", "each_region": "3"}
        level = facts(series(steps={"a": 9, "b": 3, "c": 2, "d": [(0, None)]}), regions={"a": "eu", "b": "sa", "c": "sa"})

        def read(bar, population="all", struck=()):
            answer = Answer(case(level, rules(eligibility=[at_least("power", bar)], pools=[
                pool(amount=tiers([(5, 10), (14, 20, True)], population=population, gate=gate))]),
                decisions=[("disqualify", {"entities": list(struck)})]))
            row = answer.pool()
            return row["reached"], row["tier"], row["amount"]

        self.assertEqual(read("0"), ("14", 1, "20"))
        self.assertEqual(read("3"), ("14", 1, "20"))  # b alone meets the gate
        self.assertEqual(read("4"), ("14", 0, "10"))  # nobody in sa is eligible
        self.assertEqual(read("3", "eligible"), ("12", 0, "10"))
        self.assertEqual(read("3", struck=["b"]), ("14", 0, "10"))  # counts for the level still
        self.assertEqual(read("9", "eligible", ["a"]), ("0", None, "0"))

    def test_tiers_of_regions_and_tracks(self):
        level = facts(series(steps={"a": 9, "b": 3, "c": 2}), regions={"a": "eu", "b": "sa", "c": "sa"})
        rows = rules(tracks=["gpu"], boards=[board(partition="region", track="gpu")],
                     pools=[pool(amount=tiers([(3, 10), (5, 20), (9, 30)], base=1))])
        answer = Answer(case(level, rows, [entity("x", "b", tracks=["cpu"])]))
        self.assertEqual([(p["region"], p["reached"], p["tier"], p["amount"]) for p in answer.document["pools"]],
                         [("eu", "10", 2, "30"), ("sa", "3", 0, "10")])

    def test_newly_unlocked(self):
        gate = {"metric": "power", "population": "all", "each_region": "1000"}

        def read(base, power):
            answer = Answer(case(powers(a=power), rules(pools=[pool(amount=tiers(
                [(10, 100), (20, 300), (30, 700, True)], base=base, mode="newly-unlocked", gate=gate))])))
            return answer.pool()["amount"], answer.pool()["tier"]

        self.assertEqual(read(0, 25), ("300", 1))
        self.assertEqual(read(9, 1), ("100", 0))
        self.assertEqual(read(10, 15), ("200", 1))
        self.assertEqual(read(20, 5), ("0", 1))
        self.assertEqual(read(30, 5), ("0", 1))  # what the gate holds back was paid before

    def test_awards(self):
        given = [award("a", 7), award("x", 3), award("a", 5), revert(3), ("disqualify", {"entities": ["b"]}), award("b", 2),
                 award("b", 0)]
        answer = Answer(case(powers(a=1, b=1, c=1), rules(pools=[pool()]), [entity("x", ("c", 60))], given))
        self.assertEqual(answer.payouts(), {"a": 57, "b": 2, "c": 50})
        self.assertEqual(answer.document["payouts"][0]["parts"],
                         [{"amount": "50", "pool": "pool", "region": None}, {"amount": "7", "award": 1}])
        self.assertEqual(answer.document["payouts"][1]["parts"], [{"amount": "2", "award": 6}])

    def test_vested(self):
        self.assertEqual([shadow_stand.vested(10, 3, t) for t in range(5)], [0, 3, 6, 10, 10])


# -- the document ----------------------------------------------------------------------------


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Document(Case):
    """Section 12."""

    def test_trees(self):
        data = [b"", b"one", b"two", b"three", b"four"]
        a, b, c, d, e = map(leaf, data)
        for n, root in ((0, hashlib.sha256().digest()), (1, a), (2, node(a, b)), (3, node(node(a, b), c)),
                        (5, node(node(node(a, b), node(c, d)), e))):
            self.assertEqual(shadow_stand.merkle(data[:n]), root)
        for n in range(1, 70):  # another way: pair up level by level, an odd one goes up as it is
            data = [b"%d" % i for i in range(n)]
            level = [leaf(x) for x in data]
            while len(level) > 1:
                level = [node(*level[i:i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
            self.assertEqual(shadow_stand.merkle(data), level[0])

    def test_root_and_scope(self):
        given = case(powers(a=2, b=1), rules(pools=[pool()]), decisions=[NOTE, remove(1, 2), NOTE, revert(2), NOTE])
        nothing = hashlib.sha256(b"[]").hexdigest()
        removal = b'{"from":1,"kind":"remove-interval","metrics":[],"regions":[],"until":2}'
        for seq, live in ((0, b""), (1, b""), (2, removal), (3, removal), (4, b""), (9, b"")):
            document = shadow_stand.stand({**given, "seq": seq})
            self.assertEqual(document["scope"]["decisions"], hashlib.sha256(b"[" + live + b"]").hexdigest())
        self.assertEqual(document["scope"]["decisions"], nothing)
        self.assertEqual(document["scope"]["rules"], hashlib.sha256(shadow_read.canonical(given["rules"]).encode()).hexdigest())
        self.assertEqual(document["scope"]["entities"], hashlib.sha256(b"[]").hexdigest())
        rows = document["boards"][0]["rows"]
        self.assertEqual(len(rows), 2)
        leaves = [leaf(shadow_read.canonical(x).encode()) for x in [
            document["scope"], *document["entities"], {"board": "board", "region": None}, *rows, *document["pools"],
            *document["payouts"]]]
        self.assertEqual(len(leaves), 9)
        four = [node(node(*leaves[i:i + 2]), node(*leaves[i + 2:i + 4])) for i in (0, 4)]
        self.assertEqual(document["root"], node(node(*four), leaves[8]).hex())

    def test_canonical_json(self):
        self.assertEqual(shadow_read.canonical({"b": [1, None, True], "a": "é\"\\\n\x01\x7f/\u2028"}),
                         '{"a":"é\\"\\\\\\n\\u0001\x7f/\u2028","b":[1,null,true]}')

    def test_refusals(self):
        good = case(powers(a=1), rules(
            [metric(), rate()], [at_least("power", "1")], pools=[pool()], tracks=["t"]), decisions=[NOTE])
        good["facts"]["series"] += [counter("ok", {"a": 1}), counter("bad", {"a": 1})]
        Answer(good)

        def spoilt(path, value):
            copied = copy.deepcopy(good)
            *way, last = path
            place = copied
            for step in way:
                place = place[step]
            if value is KeyError:
                del place[last]
            elif isinstance(place, list) and last == len(place):
                place.append(value)
            else:
                place[last] = value
            return copied

        first_metric, first_pool = ("rules", "metrics", 0), ("rules", "pools", 0)
        effect = ("decisions", 0, "effect")
        for path, value in [
            (("at",), "50"), (("at",), True), (("at",), -1), (("at",), 2**53), (("at",), KeyError), (("more",), 1),
            (("facts", "network"), "other"), (("facts", "participants", 0, "seen"), None), (("facts", "participants", 0, "id"), "Ä"),
            (("facts", "participants", 0, "region"), None), (("facts", "series", 0, "reading"), "rate"),
            (("facts", "series", 0, "steps", "a"), [[0, 1]]), (("facts", "series", 0, "steps", "a"), [[0, "01"]]),
            (("facts", "series", 0, "steps", "a"), [[0, str(2**128)]]), (("facts", "series", 0, "steps", "a"), [[1, "1"], [1, "2"]]),
            (("facts", "series", 0, "steps", "z"), []), (("facts", "series", 1, "steps", "a"), [[0, "2"], [1, None], [2, "1"]]),
            (("facts", "series", 3), counter("ok", {})), (("facts", "deals", 0), deal(1, "z", "p", "x")),
            (("facts", "sectors", 0), sector("a", 1, faults=[[1, 5], [5, 6]])),
            (("facts", "sectors", 0), sector("a", 1, faults=[[1, None], [5, 6]])),
            (("facts", "participants", 1), {"id": "a", "seen": 1}),
            (first_metric + ("kind",), "other"), (first_metric + ("series",), "none"), (first_metric + ("last",), 5),
            (("rules", "metrics", 2), metric("power")), (("rules", "metrics", 2), window("w", "power")),
            (("rules", "metrics", 2), window("w", "ok", last=1, until=1)),
            (("rules", "metrics", 2), window("w", "ok", **{"from": 5, "until": 5})),
            (("rules", "metrics", 2), {"id": "s", "kind": "sum", "of": []}),
            (("rules", "metrics", 2), {"id": "s", "kind": "sum", "of": ["s"]}),
            (("rules", "metrics", 2), {"id": "s", "kind": "sum", "of": ["rate"]}),
            (("rules", "metrics", 2), {"id": "s", "kind": "scaled", "metric": "power", "by": "power"}),
            (("rules", "series", 0), {"name": "power", "unit": "bytes", "reading": "level"}), (first_metric + ("series",), "Power"),
            (("facts", "series", 0, "source"), "observed"),
            (("rules", "eligibility", 0, "value"), "1/1"), (("rules", "eligibility", 0, "value"), "1/0"),
            (("rules", "eligibility", 1), {"id": "bar", "kind": "claimed"}),
            (("rules", "eligibility", 1), {"id": "none", "kind": "all", "checks": []}),
            (("rules", "boards", 0), board(metric="rate", above="0")), (("rules", "boards", 0), board(top=0)),
            (("rules", "boards", 0, "track"), "other"), (("rules", "boards", 0, "metric"), "none"),
            (first_pool + ("board",), "none"), (first_pool + ("divide",), {"kind": "flat", "each": "1"}),
            (first_pool + ("divide",), {"kind": "weight", "metric": "rate"}), (first_pool + ("amount",), {"kind": "open"}),
            (first_pool + ("cap",), {"share": "2/4", "excess": "redistribute"}),
            (first_pool + ("amount",), tiers([(5, 1), (5, 2)])), (first_pool + ("amount",), tiers([(5, 1), (6, 1)])),
            (first_pool + ("amount",), tiers([], metric="rate")),
            (("rules", "version", "number"), 2), (("rules", "competition", "end"), 0), (("rules", "vesting"), {"kind": "linear"}),
            (("decisions", 0, "seq"), 2), (("decisions", 1), {"seq": 1, "effect": {"kind": "note"}}),
            (effect, {"kind": "revert", "seq": 1}), (effect, {"kind": "note", "text": ""}),
            (effect, {"kind": "disqualify", "entities": ["z"]}), (effect, {"kind": "set-region", "target": "z", "region": "eu"}),
            (effect, {"kind": "waive", "entity": "a", "check": "z"}), (effect, {"kind": "attest", "entity": "z", "what": "kyc"}),
            (effect, {"kind": "set-amount", "pool": "pool", "amount": "1"}), (effect, {"kind": "set-amount", "pool": "z", "amount": "1"}),
            (effect, {"kind": "remove-interval", "from": 5, "until": 5, "metrics": [], "regions": []}),
            (effect, {"kind": "remove-interval", "from": 5, "until": 6, "metrics": ["z"], "regions": []}),
            (effect, {"kind": "set-end", "until": 0}),
            (effect, {"kind": "adjust", "participant": "a", "series": "ok", "from": 0, "delta": "--1"}),
        ]:
            with self.subTest(path=path, value=value):
                self.refused(spoilt(path, value))
        self.refused("text")
        self.refused(None)

    def test_sums_that_are_too_large(self):
        big = 2**128 - 1
        self.assertEqual(Answer(case(powers(a=big), rules())).value("a"), str(big))
        self.refused(case(powers(a=big, b=1), rules(), [entity("x", "a", "b")]), "2^128")
        two = facts(deals=[deal(i, "a", "p", "x", big) for i in range(2)])
        self.assertEqual(Answer(case(two, rules([deals("d", "deals")], boards=[]))).value("a", "d"), "2")
        for measure in ("bytes", "provider-share"):
            self.refused(case(two, rules([deals("d", measure)], boards=[])), "2^128")
        Answer(case(powers(a=big, b=1), rules()))
        self.refused(case(powers(a=big, b=1), rules(pools=[pool(amount=tiers([(1, 1)]))])), "2^128")

    def test_what_is_not_asked_for_is_not_looked_at(self):
        wrong = [NOTE, ("disqualify", {"entities": ["z"]}), revert(2)]
        self.refused(case(powers(a=1), rules(), decisions=wrong, seq=2))
        for seq in (1, 3):
            Answer(case(powers(a=1), rules(), decisions=wrong, seq=seq))


class Commands(Case):
    def run_main(self, *arguments, text=""):
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(text.encode() if isinstance(text, str) else text))
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = apogee_shadow.main(list(arguments))
        finally:
            sys.stdin = stdin
        out.flush()
        return code, out.buffer.getvalue().decode("utf-8").splitlines(), err.getvalue()

    def test_stand(self):
        good = case(powers(a=1), rules())
        code, lines, _ = self.run_main("stand", text="\n".join([
            json.dumps(good), "{", "", '{"at": 1.5}', '{"at": 1, "at": 1}', json.dumps({**good, "\ud800": 1}), "9" * 5000,
            "[" * 100000]))
        self.assertEqual((code, len(lines)), (0, 7))
        self.assertEqual(lines[0], shadow_read.canonical(shadow_stand.stand(good)))
        for line in lines[1:]:
            self.assertEqual(set(json.loads(line)), {"error"})
        self.assertEqual(len(self.run_main("stand", text=b"\xff\n")[1]), 1)

    def test_vested(self):
        self.assertEqual(self.run_main("vested", "1000", "518400", "2880"), (0, ["5"], ""))
        for wrong in (("1", "0", "0"), ("-1", "1", "1"), ("1", "1", "1.5"), ("1", "1")):
            self.assertEqual(self.run_main("vested", *wrong)[0], 2)
        self.assertEqual(self.run_main()[0], 2)


# -- laws over random cases ------------------------------------------------------------------


class Random:
    """Small random cases: few ids, many collisions."""

    SERIES = [("power", "bytes", "level"), ("ok", "count", "cumulative"), ("bad", "count", "cumulative"),
              ("earned", "atto", "cumulative")]

    def __init__(self, seed):
        self.r = random.Random(seed)

    def some(self, values, often=0.5):
        return [v for v in values if self.r.random() < often]

    def epoch(self):
        return self.r.randrange(0, 60)

    def span(self):
        a = self.epoch()
        return a, a + self.r.randrange(1, 20)

    def rows(self, cumulative):
        epochs = sorted(self.r.sample(range(60), self.r.randrange(1, 5)))
        epochs[0] //= 4
        values = [self.r.choice([0, 1, 2, 3, 3, 5, 5, 5, 8, 8]) for _ in epochs]
        if cumulative:
            values.sort()
        return [[e, None if self.r.random() < 0.05 else str(v)] for e, v in zip(epochs, values)]

    def facts(self):
        self.names = [f"f{i}" for i in range(self.r.randrange(2, 9))]
        r = self.r
        return {
            "network": "net",
            "participants": [{"id": p, "seen": r.randrange(0, 20), **({"region": r.choice(["eu", "eu", "sa", "mars"])} if r.random() < 0.8 else {})}
                             for p in self.names],
            "series": [{"name": n, "reading": reading, "unit": unit, "source": "observed",
                        "steps": {p: self.rows(reading == "cumulative") for p in self.some(self.names, 0.8)}}
                       for n, unit, reading in self.SERIES],
            "deals": [deal(i, r.choice(self.names), r.choice(self.names + ["p"]), r.choice("xyz"), r.randrange(1, 5), self.epoch(),
                           r.choice([None, self.epoch()])) for i in range(r.randrange(0, 9))],
            "sectors": [sector(r.choice(self.names), i, r.randrange(1, 5), self.epoch(), r.choice([None, self.epoch()]),
                               [list(self.span())] if r.random() < 0.4 else []) for i in range(r.randrange(0, 6))],
        }

    def entities(self):
        people = [entity(f"x{i}", tracks=self.some(["cpu", "gpu"]), attested=[(w, self.epoch()) for w in self.some(["kyc", "kyb"])],
                         **({"region": "eu"} if self.r.random() < 0.3 else {}),
                         **({"registered": self.epoch()} if self.r.random() < 0.6 else {})) for i in range(3)]
        for p in self.names:
            epoch = 0
            while self.r.random() < 0.4:
                a = epoch + self.r.randrange(0, 20)
                b = a + self.r.randrange(1, 30)
                row = {"participant": p, "from": a, "until": b}
                if self.r.random() < 0.4:
                    del row["until"]
                self.r.choice(people)["members"].append(row)
                if "until" not in row:
                    break
                epoch = b
        return people

    def rules(self):
        r = self.r
        part = r.choice([{}, {"from": r.randrange(0, 30)}, {"until": r.randrange(31, 60)}, {"last": r.randrange(1, 30)}])
        metrics = [
            metric(), window("earned", "earned", **part), rate("rate", r.choice(["pooled", "mean"]), **part,
                                                              **({"min_samples": "3"} if r.random() < 0.5 else {})),
            deals("deals", r.choice(["bytes", "deals", "pieces", "providers", "replicas"]), own=r.choice(["counted", "not-counted"]),
                  excess=r.choice(["counted", "not-counted"]), **({"max_replicas": 1} if r.random() < 0.5 else {})),
            deals("share", "provider-share"), sectors("sectors", "bytes", 2, 5),
            {"id": "sum", "kind": "sum", "of": ["power", "sectors"]},
            {"id": "scaled", "kind": "scaled", "metric": "power", "by": "rate"},
        ]
        checks = [at_least("rate", r.choice(["1/2", "1/1"]), "c1", r.choice(["entity", "member"])), {"id": "c2", "kind": "claimed"},
                  {"id": "c3", "kind": "region"}, {"id": "c4", "kind": "attested", "what": "kyc"},
                  {"id": "c5", "kind": "registered", "deadline": 20, "late": {"deadline": 40}}, at_least("power", "3", "c6")]
        r.shuffle(checks)
        eligibility = [checks[0], {"id": "tree", "kind": r.choice(["all", "any"]), "checks": checks[1:3]}][:r.choice([0, 0, 1, 2])]
        boards = [board(f"b{i}", r.choice(["power", "power", "earned", "rate", "sum", "scaled", "deals"]), r.choice(["all", "eligible"]),
                        r.choice(["none", "region"]), r.choice(["include-all", "none", "by-id", "earliest", "split"]),
                        **({"top": r.randrange(1, 4)} if r.random() < 0.7 else {}),
                        **({"track": "gpu"} if r.random() < 0.3 else {})) for i in range(2)]
        amounts = [fixed(r.randrange(0, 200)), {"kind": "by-decision"},
                   tiers([(2, 10), (5, 31), (9, 100, True)], base=r.randrange(0, 6), mode=r.choice(["highest", "newly-unlocked"]),
                         metric=r.choice(["power", "sum"]), population=r.choice(["all", "eligible"]),
                         gate={"metric": "power", "population": r.choice(["all", "eligible"]), "each_region": "1"})]
        pools = []
        for i, amount in enumerate(amounts):
            pools.append(pool(f"p{i}", f"b{r.randrange(2)}", amount, r.choice([by("power"), by("scaled"), {"kind": "equal"}]),
                              r.choice(["floor", "largest-remainder"]),
                              **({"cap": {"share": r.choice(["1/3", "2/5", "1/10"]), "excess": r.choice(["undistributed", "redistribute"])}}
                                 if r.random() < 0.5 else {}), **({"floor": "7"} if r.random() < 0.3 else {}),
                              **({"ineligible": "forfeit"} if r.random() < 0.3 else {})))
        pools.append(pool("p3", "b0", {"kind": "open"}, r.choice([{"kind": "flat", "each": "5"}, {"kind": "metric", "metric": "earned"}])))
        return rules(metrics, eligibility, boards, pools, start=r.randrange(0, 10), end=55, tracks=["cpu", "gpu"],
                     history=r.choice(["whole", "dated"]), observed=self.SERIES)

    def effect(self, rules, seq):
        r = self.r
        who = r.choice(self.names + ["x0", "x1", "x2"])
        checks = [c["id"] for c in shadow_read.all_checks(rules["eligibility"])]
        choices = [
            ("disqualify", {"entities": [who]}), remove(*self.span(), self.some(["power", "rate", "earned", "sectors"]), self.some(["eu", "sa"])),
            ("set-region", {"target": who, "region": r.choice(["eu", "sa"])}),
            ("adjust", {"participant": r.choice(self.names), "series": r.choice(["ok", "bad", "earned"]), "from": self.epoch(),
                        "delta": r.choice(["3", "-3", "-1"])}),
            ("attest", {"entity": who, "what": "kyc"}), ("set-amount", {"pool": "p1", "amount": str(r.randrange(0, 90))}),
            award(who, r.randrange(0, 9)), ("set-end", {"until": r.randrange(20, 70)}), NOTE,
        ]
        if checks:
            choices.append(("waive", {"entity": who, "check": r.choice(checks)}))
        if seq > 1:
            choices += [revert(r.randrange(1, seq))] * 3
        return r.choice(choices)

    def case(self):
        given, ruled = self.facts(), self.rules()
        decisions = []
        for seq in range(1, self.r.randrange(1, 9)):
            decisions.append(self.effect(ruled, seq))
        return case(given, ruled, self.entities(), decisions, at=self.r.randrange(15, 70), seq=self.r.randrange(0, len(decisions) + 1))


class Laws(Case):
    count = int(os.environ.get("APOGEE_SHADOW_CASES", "400"))

    def each(self, law):
        """Try the law on every random case; what fails says its seed."""
        for seed in range(self.count):
            with self.subTest(seed=seed):
                made = Random(seed)
                law(made, made.case())

    def without_scope(self, document):
        return {k: v for k, v in document.items() if k not in ("scope", "root")}

    def test_every_pool_is_conserved(self):
        reached = []

        def law(_, given):
            document = Answer(given).document
            for row in document["pools"]:
                shares = [int(s["amount"]) for s in row["shares"]]
                self.assertTrue(all(s > 0 for s in shares))
                self.assertGreaterEqual(int(row["undistributed"]), 0)
                self.assertEqual(sum(shares) + int(row["undistributed"]), int(row["amount"]))
                reached.extend(shares)
            paid = sum(int(s["amount"]) for row in document["pools"] for s in row["shares"])
            awards = sum(int(p["amount"]) for row in document["payouts"] for p in row["parts"] if "award" in p)
            self.assertEqual(sum(int(row["total"]) for row in document["payouts"]), paid + awards)
            self.assertEqual(document["root"], shadow_stand.root(document))

        self.each(law)
        self.assertGreater(len(reached), self.count)  # else the cases are too poor

    def test_order_does_not_matter(self):
        def law(made, given):
            mixed = copy.deepcopy(given)
            places = [mixed["entities"], mixed["decisions"]] + [mixed["facts"][x] for x in ("participants", "series", "deals", "sectors")]
            places += [x[part] for x in mixed["entities"] for part in ("members", "attested", "tracks")]
            for place in places:
                made.r.shuffle(place)
            for one in mixed["facts"]["series"]:
                one["steps"] = dict(sorted(one["steps"].items(), reverse=True))
            self.assertEqual(shadow_read.canonical(shadow_stand.stand(mixed)), shadow_read.canonical(shadow_stand.stand(given)))

        self.each(law)

    def test_reverts(self):
        def law(made, given):
            given["decisions"] = given["decisions"][:given["seq"]]
            plain = Answer(given).document
            longer = copy.deepcopy(given)
            seq = given["seq"] + 1
            kind, members = made.effect(given["rules"], seq)
            longer["decisions"].append({"seq": seq, "effect": {"kind": kind, **members}})
            longer["decisions"].append({"seq": seq + 1, "effect": {"kind": "revert", "seq": seq}})
            longer["decisions"].append({"seq": seq + 2, "effect": {"kind": "revert", "seq": seq + 1}})

            def at(last):
                return Answer({**longer, "seq": last}).document

            self.assertEqual(shadow_read.canonical(at(seq - 1)), shadow_read.canonical(plain))  # what comes later is not looked at
            if kind not in ("revert", "note"):  # a revert brings others back, or takes them away
                self.assertEqual(at(seq + 1), plain)
                self.assertNotEqual(at(seq)["root"], plain["root"])
            self.assertEqual(self.without_scope(at(seq + 1)), self.without_scope(plain))
            self.assertEqual(at(seq + 2), at(seq))

        self.each(law)

    def test_nobody_loses_by_the_disqualification_of_another(self):
        compared = []

        def law(made, given):
            given["decisions"] = given["decisions"][:given["seq"]]
            before = Answer(given)
            out = made.r.choice(sorted(before.entities))
            effect = {"kind": "disqualify", "entities": [out]}
            given["decisions"].append({"seq": given["seq"] + 1, "effect": effect})
            after = Answer({**given, "seq": given["seq"] + 1})
            boards = {b["id"]: b for b in given["rules"]["boards"]}
            for one in given["rules"]["pools"]:
                over, division = boards[one["board"]], one["divide"]
                fair = division["kind"] != "weight" or division["metric"] == over["metric"]
                fair = fair and one["rounding"] == "floor" and ("top" not in over or over["cutoff"] in ("by-id", "earliest", "split"))
                for row in before.document["pools"]:
                    place = row["pool"], row["region"]
                    same = one["amount"]["kind"] == "open" or after.pool(*place)["amount"] == row["amount"]
                    if row["pool"] == one["id"] and fair and same:
                        shares = after.shares(*place)
                        for x, amount in before.shares(*place).items():
                            if x != out:
                                self.assertGreaterEqual(shares.get(x, 0), amount)
                                compared.append(x)

        self.each(law)
        self.assertGreater(len(compared), self.count // 2)

    def test_spoilt_cases_have_an_answer(self):
        junk = [None, True, -1, 0, 7, 2**53, "", "0", "1/2", "-3", str(2**127), "x0", "f0", "é\ud800", [], {}, [[]], {"kind": "any"}]
        errors = []

        def law(made, given):
            for _ in range(5):
                place, key = given, made.r.choice(sorted(given))
                while isinstance(place[key], (dict, list)) and place[key] and made.r.random() < 0.9:
                    place = place[key]
                    key = made.r.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
                before, place[key] = place[key], made.r.choice(junk)
                document = shadow_stand.stand(given)
                shadow_read.canonical(document).encode("utf-8")
                errors.extend(document.get("error", {}).values())
                place[key] = before

        self.each(law)
        self.assertGreater(len(errors), self.count)

    def test_kept_epochs_one_by_one(self):
        def law(made, _):
            spans, left = [(0, 60)], set(range(60))
            for _ in range(made.r.randrange(0, 4)):
                hole = made.span()
                spans = shadow_stand.without(spans, hole)
                left -= set(range(*hole))
            self.assertEqual([e for a, b in spans for e in range(a, b)], sorted(left))
            self.assertTrue(all(b < c for (_, b), (c, _) in zip(spans, spans[1:])))  # maximal
            a, b = made.span()
            self.assertEqual({e for x, y in shadow_stand.overlap(spans, a, b) for e in range(x, y)}, left & set(range(a, b)))

        self.each(law)

    def test_dated_windows_epoch_by_epoch(self):
        def law(_, given):
            given["rules"]["entities"]["history"] = "dated"
            standings = shadow_stand.Standings(given)
            one = next(m for m in given["rules"]["metrics"] if m["id"] == "earned")
            a, b = one.get("from", standings.start), min(one.get("until", 99), standings.epoch + 1)
            if "last" in one:
                a = max(standings.start, b - one["last"])
            if any(e["series"] == "earned" for e in standings.adjusted):
                return  # a fall within a run counts as nothing, so epochs do not add up there
            for x in standings.entities:
                total = 0
                for epoch in range(a, b):
                    holes = [h for h in standings.removed if h["from"] <= epoch < h["until"]
                             and (not h["metrics"] or "earned" in h["metrics"]) and (not h["regions"] or x.region in h["regions"])]
                    for participant, start, end in x.terms:
                        if not holes and start <= epoch and (end is None or epoch < end) and total is not None:
                            now, before = (standings.value_at("earned", participant, e) for e in (epoch, epoch - 1))
                            if None in (now, before):
                                total = None
                            else:
                                total += sum(v * s for v, s in ((now, 1), (before, -1)) if v != shadow_stand.ABSENT)
                if total is not None:  # an unknown value in the middle of a run does no harm
                    self.assertEqual(standings.value("earned", x), total)

        self.each(law)


if __name__ == "__main__":
    unittest.main()
