#!/usr/bin/env python3
"""The second reader of packages, from docs/package.md and docs/rules.md alone.

    apogee_package.py verify FILE           prints `OK root=...`, or the first row that is wrong
"""

import hashlib
import re
import sys

import shadow_read as read
from shadow_read import Refused, a_hash, a_number, a_positive, a_text, an_id, array, demand, obj
from shadow_stand import stand

FORMAT = b"apogee-package-1"
SECTIONS = (
    "about", "rules", "participants", "series", "steps", "deals", "sectors", "entities", "claims", "decisions",
    "observations", "provenance", "results",
)
LINE_LIMIT = 2**24
ROW_LIMIT = 50_000_000
STEPS = 10_000
LARGEST = 2**53 - 1


class Defect(Exception):
    """The first thing that is wrong: in which section and row, and what."""

    def __init__(self, section, row, what):
        super().__init__(f"{section} {row}: {what}")


def require(condition, section, row, what):
    """A defect, unless the condition holds."""
    if not condition:
        raise Defect(section, row, what)


# -- the file ----------------------------------------------------------------------------------

COUNT = re.compile(rb"section ([a-z]+) (0|[1-9][0-9]{0,19})\Z")
ROW = re.compile(rb"([0-9a-f]{64}) (.*)\Z", re.DOTALL)
ROOT = re.compile(rb"root ([0-9a-f]{64})\Z")

# What the rows of a section are ordered by.
ORDER = {
    "rules": ("version.number",),
    "participants": ("id",),
    "series": ("name",),
    "steps": ("series", "participant", "steps.0.0"),
    "deals": ("id",),
    "sectors": ("participant", "number"),
    "entities": ("id",),
    "claims": ("epoch",),
    "decisions": ("seq",),
    "observations": ("series", "participant", "epoch", "id"),
    "provenance": ("epoch",),
}


def line(file, section, row):
    """The next line, without its end."""
    text = file.readline(LINE_LIMIT + 1)
    require(text, section, row, "the file ends here")
    require(text.endswith(b"\n") or len(text) <= LINE_LIMIT, section, row, "the line is too long")
    require(text.endswith(b"\n"), section, row, "the file ends in the middle of this line")
    return text[:-1]


def plain(value):
    """Integers that every reader keeps, keys in ASCII."""
    if type(value) is int:
        demand(-LARGEST <= value <= LARGEST, "", "an integer of 2^53 or more")
    elif type(value) is list:
        for each in value:
            plain(each)
    elif type(value) is dict:
        for name, each in value.items():
            demand(name.isascii(), "", "a key that is not ASCII")
            plain(each)


def canonical_json(text):
    """JSON that has to be in canonical form."""
    try:
        said = text.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("", "not UTF-8") from None
    value = read.parse(said)
    plain(value)
    demand(read.canonical(value) == said, "", "not in canonical form")
    return value


def member(row, path):
    """A member by its path."""
    for name in path.split("."):
        if type(row) is list and name.isdigit() and int(name) < len(row):
            row = row[int(name)]
        elif type(row) is dict and name in row:
            row = row[name]
        else:
            return None
    return row


def order_key(section, row, number):
    """What a row is ordered by: numbers before texts."""
    key = []
    for path in ORDER[section]:
        value = member(row, path)
        require(type(value) in (int, str), section, number, f"no `{path}` to order it by")
        key.append((0, value, "") if type(value) is int else (1, 0, value))
    return tuple(key)


def rows_of(file):
    """Every row as (section, number, hash, value), and at last ("root", 0, root, None)."""
    running = hashlib.sha256()
    first = line(file, "format", 0)
    require(first == FORMAT, "format", 0, "not the first line of a package")
    running.update(first + b"\n")
    total = 0
    for section in SECTIONS:
        opening = line(file, section, 0)
        said = COUNT.match(opening)
        count = int(said[2]) if said else 0
        named = said and said[1] == section.encode() and count < 2**64
        require(named, section, 0, "not the line that opens this section")
        require(section != "about" or count == 1, section, 0, "it has one row")
        total += count
        require(total <= ROW_LIMIT, section, 0, "too many rows")
        running.update(opening + b"\n")
        last = None
        for number in range(1, count + 1):
            text = line(file, section, number)
            said = ROW.match(text)
            require(said, section, number, "not a hash, a space and JSON")
            require(hashlib.sha256(said[2]).hexdigest() == said[1].decode(), section, number, "another hash")
            try:
                value = canonical_json(said[2])
            except Refused as why:
                raise Defect(section, number, why.reason) from None
            if section in ORDER:
                key = order_key(section, value, number)
                good = last is None or last < key or (section == "claims" and last == key)
                require(good, section, number, "not after the row before it")
                last = key
            running.update(text + b"\n")
            yield section, number, said[1].decode(), value
    text = line(file, "root", 0)
    said = ROOT.match(text)
    require(said, "root", 0, "not the last line of a package")
    require(said[1].decode() == running.hexdigest(), "root", 0, f"the bytes before it have the hash {running.hexdigest()}")
    require(not file.read(1), "root", 0, "something follows the root")
    yield "root", 0, running.hexdigest(), None


# -- the rows ------------------------------------------------------------------------------------


def anything(value, path):
    """Whatever JSON can say."""


def only_true(value, path):
    demand(value is True, path, "not true")


def within(name):
    """The shape of one row of the facts."""

    def check(row, path):
        facts = {"network": "n", "participants": [], "series": [], "deals": [], "sectors": []}
        read.FACTS({**facts, name: [row]}, path)

    return check


def a_series_row(row, path):
    demand(type(row) is dict and "steps" not in row, path, "not a series without steps")
    within("series")({**row, "steps": {}}, path)


def a_row_of_steps(value, path):
    read.steps({"participant": value}, path)


def a_decision_row(row, path):
    LEDGER(row, path)
    read.DECISIONS([{"seq": row["seq"], "effect": row["effect"]}], path)


LEDGER = obj({
    "effect": anything, "entry": anything, "hash": a_hash, "previous?": a_hash, "seq": a_positive,
    "signatures": array(anything),
})

def seconds(value, path):
    """How long an epoch lasts."""
    a_positive(value, path)
    demand(value < 2**32, path, "an epoch of 2^32 seconds or more")


SHAPES = {
    "about": obj({
        "at": a_number, "clock": obj({"epoch_seconds": seconds, "genesis": a_number}), "competition": an_id,
        "genesis": a_text, "network": an_id, "producer": a_text, "seq": a_number,
    }),
    "rules": read.RULES,
    "participants": within("participants"),
    "series": a_series_row,
    "steps": obj({"participant": an_id, "series": an_id, "steps": a_row_of_steps}),
    "deals": within("deals"),
    "sectors": within("sectors"),
    "entities": lambda row, path: read.ENTITIES([row], path),
    "claims": obj({
        "effect": obj({"action": an_id, "entity": an_id, "participant?": an_id}),
        "epoch": a_number, "message": a_text, "signature": a_text,
    }),
    "decisions": a_decision_row,
    "observations": obj({
        "attempt": anything, "bot": a_text, "epoch": a_number, "id": an_id, "participant": an_id, "series": an_id,
        "signature": a_text,
    }),
    "provenance": obj({
        "checks": obj({"failed": a_number, "not_made": a_number, "passed": a_number}),
        "digest": a_hash, "epoch": a_number, "granted?": only_true, "key": array(a_text),
    }),
    "results": anything,
}


class Package:
    """The rows of a file, section by section, and its root."""

    def __init__(self, file):
        self.rows = {section: [] for section in SECTIONS}
        self.participants = set()
        self.series = {}
        for section, number, name, value in rows_of(file):
            if section == "root":
                self.root = name
                break
            self.take(section, number, value)

    def take(self, section, number, value):
        """Look at a row by itself, and put it where it belongs."""
        try:
            SHAPES[section](value, "")
        except Refused as why:
            raise Defect(section, number, str(why)) from None
        if section in ("steps", "deals", "sectors"):
            require(value["participant"] in self.participants, section, number, "no such participant")
        if section == "participants":
            self.participants.add(value["id"])
        if section == "series":
            self.series[value["name"]] = {}
        if section == "steps":
            self.take_steps(number, value)
        self.rows[section].append(value)

    def take_steps(self, number, row):
        """A row of steps begins a participant's steps, or goes on where a full row ended."""
        require(len(row["steps"]) <= STEPS, "steps", number, "too many steps in a row")
        require(row["series"] in self.series, "steps", number, "no such series")
        before = self.series[row["series"]].setdefault(row["participant"], [])
        whole = len(before) % STEPS == 0
        ascends = not before or before[-1][0] < row["steps"][0][0]
        require(whole and ascends, "steps", number, "the row before it is not full, or not before it")
        before.extend(row["steps"])

    # -- whether the sections fit together --------------------------------------------------------

    def fit(self):
        """Look at the sections together, in their order. Returns the rules that hold."""
        about = self.rows["about"][0]
        rules = self.fit_rules(about)
        self.fit_facts(about)
        self.fit_entities()
        self.fit_claims()
        self.fit_decisions(about)
        for number, row in enumerate(self.rows["observations"], 1):
            known = row["participant"] in self.participants and row["series"] in self.series
            require(known, "observations", number, "about somebody, or a series, that is not here")
            require(row["epoch"] <= about["at"], "observations", number, "after the epoch of the results")
        for number, row in enumerate(self.rows["provenance"], 1):
            require(row["epoch"] <= about["at"], "provenance", number, "after the epoch of the results")
        return rules

    def fit_rules(self, about):
        """Versions count from 1, each names the one before; the one that holds at the epoch."""
        holds = before = None
        for number, rules in enumerate(self.rows["rules"], 1):
            of, version = rules["competition"], rules["version"]
            same = (of["id"], of["network"]) == (about["competition"], about["network"])
            require(same, "rules", number, "rules of another competition or network")
            require(version["number"] == number, "rules", number, "another number than is due")
            superseded = before and read.hash_of(before)
            good = version.get("supersedes") == superseded if before else True
            require(good, "rules", number, "it does not name the version before")
            before = rules
            if version["from"] <= about["at"]:
                holds = rules
        require(holds, "rules", 0, "no version holds at the epoch")
        return holds

    def fit_facts(self, about):
        """Only series that a version of the rules reads, only steps up to the epoch."""
        metrics = [metric for rules in self.rows["rules"] for metric in rules["metrics"]]
        named = {metric[name] for metric in metrics for name in ("series", "passed", "failed") if name in metric}
        for number, row in enumerate(self.rows["series"], 1):
            require(row["name"] in named, "series", number, "no version of the rules reads this series")
        for number, row in enumerate(self.rows["steps"], 1):
            require(row["steps"][-1][0] <= about["at"], "steps", number, "after the epoch of the results")

    def fit_entities(self):
        """Members are participants, and no entity has the id of one."""
        for number, entity in enumerate(self.rows["entities"], 1):
            require(entity["id"] not in self.participants, "entities", number, "it has the id of a participant")
            known = all(m["participant"] in self.participants for m in entity["members"])
            require(known, "entities", number, "a member is not a participant")

    def fit_claims(self):
        """Claims are about entities and participants that are there."""
        entities = {entity["id"] for entity in self.rows["entities"]}
        for number, claim in enumerate(self.rows["claims"], 1):
            effect = claim["effect"]
            known = effect.get("participant") in self.participants | {None}
            require(effect["entity"] in entities and known, "claims", number, "about somebody who is not here")

    def fit_decisions(self, about):
        """The ledger is one chain up to the entry that the results rest on, and effects are what was decided."""
        previous = None
        for number, row in enumerate(self.rows["decisions"], 1):
            entry = row["entry"] if type(row["entry"]) is dict else {}
            require(row["seq"] == number and entry.get("seq") == number, "decisions", number, "another number than is due")
            chained = row.get("previous") == previous and entry.get("previous") == previous
            chained = chained and (("previous" in entry) == (previous is not None))
            require(chained and row["hash"] == read.hash_of(row["entry"]), "decisions", number, "the chain is broken")
            require(means(row["effect"], entry.get("act")), "decisions", number, "the effect is not what was decided")
            previous = row["hash"]
        require(len(self.rows["decisions"]) == about["seq"], "decisions", 0, "the ledger ends elsewhere")

    # -- the standings ---------------------------------------------------------------------------

    def case(self, rules):
        """What the standings are a function of."""
        about = self.rows["about"][0]
        facts = {
            "network": about["network"],
            "participants": self.rows["participants"],
            "series": [{**row, "steps": self.series[row["name"]]} for row in self.rows["series"]],
            "deals": self.rows["deals"],
            "sectors": self.rows["sectors"],
        }
        decisions = [{"seq": row["seq"], "effect": row["effect"]} for row in self.rows["decisions"]]
        return {
            "facts": facts, "entities": self.rows["entities"], "rules": rules, "decisions": decisions,
            "at": about["at"], "seq": about["seq"],
        }

    def verify(self):
        """Compute the standings again and compare them row by row."""
        document = stand(self.case(self.fit()))
        if "error" in document:
            raise Defect(place(document["error"]["path"]), 0, f"{document['error']['path']}: {document['error']['reason']}")
        said = self.rows["results"]
        leaves = results(document)
        for number, leaf in enumerate(leaves, 1):
            same = number <= len(said) and read.canonical(said[number - 1]) == read.canonical(leaf)
            require(same, "results", number, f"what follows from the rest is {read.canonical(leaf)[:400]}")
        require(len(said) == len(leaves), "results", len(leaves) + 1, "there is no such row")
        return document["root"], len(leaves)


EFFECTS = (
    "disqualify", "waive", "remove-interval", "set-region", "adjust", "attest", "set-amount", "award", "set-end",
    "revert",
)


def means(effect, act):
    """An effect is the act, without what only people read; `resume` removes an interval; other acts are notes."""
    if type(act) is not dict:
        return False
    if all(name in act and act[name] == value for name, value in effect.items()):
        return True
    if act.get("kind") == "resume":
        return effect["kind"] == "remove-interval"
    return effect["kind"] == "note" and act.get("kind") not in EFFECTS


def place(path):
    """The section that a path of the documents is in."""
    words = path.strip("/").split("/")
    if words[0] == "facts":
        if words[1:2] == ["series"] and "steps" in words:
            return "steps"
        return words[1] if words[1:2] and words[1] in SECTIONS else "participants"
    return words[0] if words[0] in ("entities",) else "results"


def results(document):
    """The leaves of docs/rules.md section 12, and the root."""
    leaves = [document["scope"], *document["entities"]]
    for board in document["boards"]:
        leaves.append({"board": board["board"], "region": board["region"]})
        leaves.extend(board["rows"])
    return [*leaves, *document["pools"], *document["payouts"], {"root": document["root"]}]


def main(arguments):
    """The command line."""
    if len(arguments) != 2 or arguments[0] != "verify":
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        with open(arguments[1], "rb") as file:
            package = Package(file)
        standings, count = package.verify()
    except Defect as defect:
        print(defect)
        return 1
    except OSError as why:
        print(f"the package cannot be read: {why}", file=sys.stderr)
        return 2
    print(f"OK root={package.root}")
    print(f"L0 made: {count} rows of results computed again, root {standings}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
