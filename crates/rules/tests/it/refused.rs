use apogee_rules::RuleSet;
use serde_json::{Value, json};

pub(crate) const BASE: &str = include_str!("base.toml");

/// Text of the base, what stands there instead, and the whole answer.
const SHAPES: &[(&str, &str, &str)] = &[
    ("[competition]", "[competition", "line 1: it is not TOML: "),
    ("id = \"all\"", "id = \"all\"\nid = \"all\"", "line 3: it is not TOML: "),
    ("id = \"all\"", "", "competition.id: it is missing"),
    (
        "id = \"all\"",
        "id = \"a b\"",
        "competition.id: \"a b\": an id is 1 to 64 characters from a–z, A–Z, 0–9, '.', '_' and '-', starting with a letter or digit",
    ),
    ("id = \"all\"", "id = 7", "competition.id: text is expected here, not a number"),
    ("id = \"all\"", "id = \"all\"\nprize = 1", "competition.prize: there is no such member here"),
    ("zh = \"全部\"", "zh = \"\"", "competition.name.zh: it is empty"),
    (", zh = \"全部\"", "", "competition.name.zh: it is missing"),
    ("en = \"Everything\"", "en = \"Every\\u0007thing\"", "competition.name.en: it holds control characters"),
    (
        "network = \"devnet\"",
        "network = \"Dev Net\"",
        "competition.network: \"Dev Net\": a network's name is 1 to 40 characters from a–z, 0–9 and '-', starting with a letter",
    ),
    ("start = 100", "start = -1", "competition.start: -1 is not a whole number from 0 to 2^53 − 1"),
    ("start = 100", "start = 1.5", "competition.start: 1.5 is not a whole number from 0 to 2^53 − 1"),
    ("start = 100", "start = nan", "competition.start: a number is expected here, not text"),
    (
        "end = 1000",
        "end = 9007199254740992",
        "competition.end: 9007199254740992 is not a whole number from 0 to 2^53 − 1",
    ),
    (
        "end = 1000",
        "end = 2020-08-24T22:00:00Z",
        "competition.end: 2020-08-24T22:00:00Z: without a clock an epoch is a number",
    ),
    (
        "regions = [\"AS\", \"EU\"]",
        "regions = \"AS\"",
        "competition.regions: a list is expected here, not text",
    ),
    (
        "regions = [\"AS\", \"EU\"]",
        "regions = [\"AS\", 1]",
        "competition.regions[1]: text is expected here, not a number",
    ),
    ("number = 1", "number = \"1\"", "version.number: a number is expected here, not text"),
    (
        "number = 1",
        "number = 1\nretroactive = \"no\"",
        "version.retroactive: true or false is expected here, not text",
    ),
    (
        "number = 1",
        "number = 1\nsupersedes = \"abc\"",
        "version.supersedes: \"abc\": a digest is 64 lower-case hexadecimal digits",
    ),
    ("[version]", "[versions]", "version: it is missing\nversions: there is no such member here"),
    (
        "history = \"dated\"",
        "history = \"some\"",
        "entities.history: unknown variant `some`, expected `whole` or `dated`",
    ),
    (
        "same_region = true",
        "same_region = 1",
        "entities.same_region: true or false is expected here, not a number",
    ),
    (
        "unit = \"gas\"",
        "unit = \"litres\"",
        "series[2].unit: unknown variant `litres`, expected one of `bytes`, `atto`, `gas`, `count`, `nano`",
    ),
    (
        "name = \"quality\"",
        "name = \"Quality!\"",
        "series[2].name: \"Quality!\": a series' name is dotted lower-case words, such as power.raw",
    ),
    (
        "kind = \"level\"",
        "kind = \"median\"",
        "metrics[0].kind: \"median\" is no kind here; there are level, window, rate, deals, sectors, sum, scaled",
    ),
    ("kind = \"level\"\n", "", "metrics[0].kind: it is missing"),
    (
        "series = \"power.raw\"",
        "series = \"power.raw\"\nlast = 5",
        "metrics[0].last: there is no such member here",
    ),
    ("aggregation = \"pooled\"\n", "", "metrics[3].aggregation: it is missing"),
    (
        "aggregation = \"pooled\"",
        "aggregation = \"median\"",
        "metrics[3].aggregation: unknown variant `median`, expected `pooled` or `mean`",
    ),
    (
        "min_samples = 20",
        "min_samples = 1.5",
        "metrics[3].min_samples: an amount with its unit is expected here, not a number",
    ),
    ("excess = \"not-counted\"\n", "", "metrics[4].excess: it is missing"),
    (
        "period = 60",
        "period = \"1d\"",
        "metrics[6].period: \"1d\": without a clock a length of time is a number of epochs",
    ),
    (
        "period = 60",
        "period = \"1w\"",
        "metrics[6].period: \"1w\": a length of time is a whole number with d, h, m or s",
    ),
    (
        "value = \"4/5\"",
        "value = \"4/0\"",
        "eligibility[0].value: \"4/0\": a ratio is two whole numbers, as in 4/5, or percent, as in 80%",
    ),
    (
        "value = \"4/5\"",
        "value = \"80.5%\"",
        "eligibility[0].value: \"80.5%\": a ratio is two whole numbers, as in 4/5, or percent, as in 80%",
    ),
    (
        "value = \"4/5\"",
        "value = true",
        "eligibility[0].value: an amount with its unit is expected here, not true or false",
    ),
    (
        "per = \"member\"",
        "per = \"team\"",
        "eligibility[1].per: unknown variant `team`, expected `entity` or `member`",
    ),
    (
        "{ id = \"kyc\", kind = \"attested\", what = \"kyc\" }",
        "{ id = \"kyc\", kind = \"attested\" }",
        "eligibility[2].checks[2].checks[1].what: it is missing",
    ),
    ("late = { deadline = 500 }", "late = {}", "eligibility[2].checks[1].late.deadline: it is missing"),
    (
        "value = \"1GiB\"",
        "value = \"1GB\"",
        "eligibility[3].value: \"1GB\": \"GB\" is no unit; there are B, KiB, MiB, GiB, TiB, PiB, EiB, attoFIL, nanoFIL, FIL, smidge, SMH, gas",
    ),
    (
        "value = \"1GiB\"",
        "value = \"0.3B\"",
        "eligibility[3].value: \"0.3B\": it is not a whole number of the smallest unit",
    ),
    ("cutoff = \"split\"\n", "", "boards[0].cutoff: it is missing"),
    (
        "cutoff = \"split\"",
        "cutoff = \"random\"",
        "boards[0].cutoff: unknown variant `random`, expected one of `include-all`, `none`, `by-id`, `earliest`, `split`",
    ),
    (
        "partition = \"region\"",
        "partition = \"country\"",
        "boards[1].partition: unknown variant `country`, expected `none` or `region`",
    ),
    ("population = \"all\"\nbase", "base", "pools[0].amount.population: it is missing"),
    (
        "amount = \"10FIL\" }",
        "amount = \"10 FILs\" }",
        "pools[0].amount.tiers[0].amount: \"10 FILs\": \"FILs\" is no unit; there are B, KiB, MiB, GiB, TiB, PiB, EiB, attoFIL, nanoFIL, FIL, smidge, SMH, gas",
    ),
    (
        "amount = \"10FIL\" }",
        "amount = \"400000000000000000000FIL\" }",
        "pools[0].amount.tiers[0].amount: \"400000000000000000000FIL\": it is not below 2^128",
    ),
    (
        "amount = \"10FIL\" }",
        "amount = \"FIL\" }",
        "pools[0].amount.tiers[0].amount: \"FIL\": an amount is a number with its unit, such as 1.5PiB, 100000FIL or 50",
    ),
    (", each_region = \"1TiB\"", "", "pools[0].amount.tiers[1].gate.each_region: it is missing"),
    (
        "excess = \"redistribute\"",
        "excess = \"burn\"",
        "pools[0].cap.excess: unknown variant `burn`, expected `undistributed` or `redistribute`",
    ),
    (
        "ineligible = \"forfeit\"",
        "ineligible = \"paid\"",
        "pools[1].ineligible: unknown variant `paid`, expected `forfeit`",
    ),
    (
        "kind = \"by-decision\"",
        "kind = \"lottery\"",
        "pools[2].amount.kind: \"lottery\" is no kind here; there are fixed, by-decision, tiers, open",
    ),
    (
        "kind = \"equal\"",
        "kind = \"square\"",
        "pools[1].divide.kind: \"square\" is no kind here; there are weight, flat, equal, metric",
    ),
    (
        "kind = \"linear\"",
        "kind = \"cliff\"",
        "vesting.kind: \"cliff\" is no kind here; there are none, linear",
    ),
    ("kind = \"linear\"", "kind = \"none\"", "vesting.epochs: there is no such member here"),
];

const MEANINGS: &[(&str, &str, &str)] = &[
    ("end = 1000", "end = 100", "competition.end: 100 is not after the start, 100\n"),
    (
        "regions = [\"AS\", \"EU\"]",
        "regions = [\"AS\", \"EU\", \"AS\"]",
        "competition.regions[2]: AS stands at competition.regions[0] already",
    ),
    (
        "tracks = [\"storage\", \"retrieval\"]",
        "tracks = [\"storage\", \"storage\"]",
        "competition.tracks[1]: storage stands at competition.tracks[0] already",
    ),
    ("number = 1", "number = 0", "version.number: versions count from 1"),
    (
        "number = 1",
        "number = 2",
        "version.supersedes: it is missing: only the first version supersedes nothing",
    ),
    (
        "number = 1",
        "number = 1\nsupersedes = \"0000000000000000000000000000000000000000000000000000000000000000\"",
        "version.supersedes: the first version supersedes nothing",
    ),
    ("from = 100", "from = 101", "version.from: 101 is after the start, 100: no rules would hold before"),
    ("deadline = 300", "deadline = 1001", "entities.deadline: 1001 is after the end, 1000"),
    (
        "name = \"quality\"",
        "name = \"power.qa\"",
        "series[2].name: power.qa is a series of the platform, and not to be declared",
    ),
    (
        "name = \"quality\"",
        "name = \"probe.ok\"",
        "series[2].name: probe.ok stands at series[0].name already",
    ),
    (
        "id = \"gas\"",
        "id = \"reward\"",
        "metrics[2].id: reward stands at metrics[1].id already\nmetrics[7].of[1]: there is no metric gas",
    ),
    (
        "series = \"power.raw\"",
        "series = \"power.rwa\"",
        "metrics[0].series: power.rwa is neither a series of the platform nor declared",
    ),
    (
        "series = \"power.raw\"",
        "series = \"chain.base_fee\"",
        "metrics[0].series: only the network has chain.base_fee, no participant",
    ),
    (
        "series = \"reward.block\"",
        "series = \"power.raw\"",
        "metrics[1].series: power.raw is a level, where a cumulative series is expected\nmetrics[7].of[1]: gas is an amount of atto, where the parts before are bytes\npools[3].divide.metric: earned is an amount of bytes, where atto are expected",
    ),
    ("from = 200", "from = 99", "metrics[1].from: 99 is outside the competition, 100 to 1000"),
    ("until = 900", "until = 1001", "metrics[1].until: 1001 is outside the competition, 100 to 1000"),
    ("until = 900", "until = 200", "metrics[1].until: 200 is not after metrics[1].from, 200"),
    (
        "until = 900",
        "until = 900\nlast = 9",
        "metrics[1].last: a window with last has neither from nor until",
    ),
    ("last = 50", "last = 0", "metrics[2].last: it is zero"),
    ("last = 50", "last = 901", "metrics[2].last: 901 epochs are more than the competition has, 900"),
    (
        "passed = \"probe.ok\"",
        "passed = \"probe.failed\"",
        "metrics[3].failed: it is the series of those that passed",
    ),
    (
        "passed = \"probe.ok\"",
        "passed = \"reward.gas\"",
        "metrics[3].passed: reward.gas counts atto, where a count is expected",
    ),
    (
        "min_samples = 20",
        "min_samples = \"20B\"",
        "metrics[3].min_samples: this is an amount of bytes, where things counted are expected",
    ),
    ("max_replicas = 10", "max_replicas = 0", "metrics[4].max_replicas: it is zero"),
    ("fault_periods = 14", "fault_periods = 0", "metrics[6].fault_periods: it is zero"),
    (
        "fault_periods = 14",
        "fault_periods = 9007199254740991",
        "metrics[6].period: fault_periods × period is not below 2^53",
    ),
    ("of = [\"reward\", \"gas\"]", "of = []", "metrics[7].of: a sum of nothing"),
    (
        "of = [\"reward\", \"gas\"]",
        "of = [\"gas\", \"gas\"]",
        "metrics[7].of[1]: gas stands at metrics[7].of[0] already",
    ),
    (
        "of = [\"reward\", \"gas\"]",
        "of = [\"reward\", \"power\"]",
        "metrics[7].of[1]: power is an amount of bytes, where the parts before are atto",
    ),
    (
        "of = [\"reward\", \"gas\"]",
        "of = [\"reward\", \"rate\"]",
        "metrics[7].of[1]: rate is a ratio, where a whole number is expected",
    ),
    (
        "of = [\"reward\", \"gas\"]",
        "of = [\"reward\", \"earned\"]",
        "metrics[7]: its parts lead in a circle: earned → earned",
    ),
    ("by = \"rate\"", "by = \"power\"", "metrics[8].by: power is a whole number, where a ratio is expected"),
    (
        "by = \"rate\"",
        "by = \"good\"",
        "metrics[8].by: good is a whole number, where a ratio is expected\nmetrics[8]: its parts lead in a circle: good → good",
    ),
    ("value = \"4/5\"", "value = \"5/4\"", "eligibility[0].value: rate is never above 1"),
    (
        "value = \"4/5\"",
        "value = 4",
        "eligibility[0].value: rate is a ratio: a value such as 4/5 is expected",
    ),
    (
        "id = \"kyc\"",
        "id = \"rate\"",
        "eligibility[2].checks[2].checks[1].id: rate stands at eligibility[0].id already",
    ),
    (
        "deadline = 400",
        "deadline = 500",
        "eligibility[2].checks[1].late.deadline: 500 is not after the first deadline, 500",
    ),
    (
        "late = { deadline = 500 }",
        "late = { deadline = 1001 }",
        "eligibility[2].checks[1].late.deadline: 1001 is after the end, 1000",
    ),
    (
        "checks = [{ id = \"region\", kind = \"region\" }, { id = \"kyc\", kind = \"attested\", what = \"kyc\" }]",
        "checks = []",
        "eligibility[2].checks[2].checks: it is empty",
    ),
    (
        "value = \"1GiB\"",
        "value = \"1/2\"",
        "eligibility[3].value: power is a whole number: a quantity is expected",
    ),
    (
        "value = \"1GiB\"",
        "value = \"1FIL\"",
        "eligibility[3].value: this is an amount of atto, where bytes are expected",
    ),
    ("value = \"1GiB\"", "value = 1", "eligibility[3].value: the unit is missing: bytes are expected"),
    ("track = \"storage\"", "track = \"speed\"", "boards[0].track: there is no track speed"),
    ("top = 10", "top = 0", "boards[0].top: it is zero"),
    (
        "id = \"local\"\nmetric",
        "id = \"global\"\nmetric",
        "boards[1].id: global stands at boards[0].id already\npools[1].board: there is no board local\npools[2].board: there is no board local",
    ),
    (
        "metric = \"good\"",
        "metric = \"rate\"",
        "boards[1].above: rate is a ratio, and has no amount to be above",
    ),
    (
        "above = \"2GiB\"",
        "above = \"2FIL\"",
        "boards[1].above: this is an amount of atto, where bytes are expected",
    ),
    ("id = \"grant\"", "id = \"main\"", "pools[2].id: main stands at pools[0].id already"),
    (
        "kind = \"weight\", metric = \"power\"",
        "kind = \"weight\", metric = \"share\"",
        "pools[0].divide.metric: share is a ratio, where a whole number is expected",
    ),
    (
        "kind = \"weight\", metric = \"power\"",
        "kind = \"weight\", metric = \"pow\"",
        "pools[0].divide.metric: there is no metric pow",
    ),
    (
        "kind = \"weight\", metric = \"power\"",
        "kind = \"flat\", each = \"1FIL\"",
        "pools[0].divide.kind: only a pool with amount open can pay this\npools[0].rounding: only shares by weight and equal shares have remainders\npools[0].cap: only shares by weight and equal shares can be capped",
    ),
    ("share = \"1/4\"", "share = \"5/4\"", "pools[0].cap.share: it is above 1"),
    ("share = \"1/4\"", "share = \"0/4\"", "pools[0].cap.share: it is zero"),
    (
        "floor = \"1FIL\"",
        "floor = \"1B\"",
        "pools[0].floor: this is an amount of bytes, where atto are expected",
    ),
    (
        "base = \"1TiB\"",
        "base = \"1FIL\"",
        "pools[0].amount.base: this is an amount of atto, where bytes are expected",
    ),
    (
        "{ at = \"2TiB\"",
        "{ at = \"2000attoFIL\"",
        "pools[0].amount.tiers[0].at: this is an amount of atto, where bytes are expected",
    ),
    ("{ at = \"2TiB\"", "{ at = \"0TiB\"", "pools[0].amount.tiers[0].at: it is zero"),
    (
        "{ at = \"2TiB\"",
        "{ at = \"4TiB\"",
        "pools[0].amount.tiers[1].at: 4398046511104 is not above that of the tier before, 4398046511104",
    ),
    (
        "amount = \"20FIL\"",
        "amount = \"9FIL\"",
        "pools[0].amount.tiers[1].amount: 9000000000000000000 is not above that of the tier before, 10000000000000000000",
    ),
    (
        "amount = \"20FIL\"",
        "amount = \"20PiB\"",
        "pools[0].amount.tiers[1].amount: 22517998136852480 is not above that of the tier before, 10000000000000000000\npools[0].amount.tiers[1].amount: this is an amount of bytes, where atto are expected",
    ),
    (
        "each_region = \"1TiB\"",
        "each_region = \"1gas\"",
        "pools[0].amount.tiers[1].gate.each_region: this is an amount of gas units, where bytes are expected",
    ),
    ("each_region = \"1TiB\"", "each_region = 0", "pools[0].amount.tiers[1].gate.each_region: it is zero"),
    (
        "gate = { metric = \"power\"",
        "gate = { metric = \"rate\"",
        "pools[0].amount.tiers[1].gate.metric: rate is a ratio, where a whole number is expected",
    ),
    ("amount = \"7FIL\"", "amount = \"0FIL\"", "pools[1].amount.amount: it is zero"),
    ("amount = \"7FIL\"", "amount = 7", "pools[1].amount.amount: the unit is missing: atto are expected"),
    (
        "kind = \"fixed\", amount = \"7FIL\"",
        "kind = \"open\"",
        "pools[1].divide.kind: an open pool has no amount to divide: flat or metric is expected",
    ),
    (
        "kind = \"metric\", metric = \"earned\"",
        "kind = \"metric\", metric = \"power\"",
        "pools[3].divide.metric: power is an amount of bytes, where atto are expected",
    ),
    ("each = \"3FIL\"", "each = \"3\"", "pools[4].divide.each: the unit is missing: atto are expected"),
    (
        "population = \"all\"\npartition",
        "partition",
        "pools[1].ineligible: the board local ranks none but eligible entities",
    ),
    ("epochs = 500", "epochs = 0", "vesting.epochs: it is zero"),
    (
        "regions = [\"AS\", \"EU\"]",
        "regions = []",
        "eligibility[2].checks[2].checks[0].kind: the competition has no regions\nboards[1].partition: the competition has no regions\npools[0].amount.tiers[1].gate: the competition has no regions",
    ),
];

#[test]
fn every_malformed_rule_set_is_answered_with_path_and_reason() {
    RuleSet::from_toml(BASE).unwrap_or_else(|problems| panic!("{problems}"));
    let mut wrong = Vec::new();
    for (there, instead, expected) in SHAPES.iter().chain(MEANINGS) {
        assert!(BASE.contains(there), "{there}");
        let answer = match RuleSet::from_toml(&BASE.replacen(there, instead, 1)) {
            Ok(_) => panic!("{instead}: accepted"),
            Err(problems) => problems.to_string(),
        };
        // The words of the TOML parser are its own, and a reversed competition puts every window outside.
        let open = expected.ends_with([' ', '\n']);
        let good = if open { answer.starts_with(expected) } else { answer == *expected };
        if !good {
            wrong.push(format!("{there} => {instead}\nexpected: {expected}\nanswered: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(SHAPES.len() + MEANINGS.len() >= 100);
}

#[test]
fn limits_hold_before_anything_is_read() {
    let refused = |text: &str| RuleSet::from_toml(text).unwrap_err().to_string();
    assert_eq!(refused(&" ".repeat(1_048_577)), "1048577 bytes, where 1048576 are allowed");
    let regions = vec!["\"AS\""; 257].join(",");
    let many = BASE.replace("regions = [\"AS\", \"EU\"]", &format!("regions = [{regions}]"));
    assert_eq!(refused(&many), "competition.regions: 257 items, where 256 are allowed");
    let mut deep = String::from("{ id = \"x\", kind = \"claimed\" }");
    for level in 0..8 {
        deep = format!("{{ id = \"x{level}\", kind = \"all\", checks = [{deep}] }}");
    }
    let deep = BASE.replace("{ id = \"claimed\", kind = \"claimed\" }", &deep);
    assert!(refused(&deep).ends_with("checks are nested more than 8 deep"), "{}", refused(&deep));
    assert!(
        refused(&format!("x = {}1{}", "[".repeat(10_000), "]".repeat(10_000))).contains("it is not TOML")
    );
    let mut chain = String::new();
    for level in 0..8 {
        let of = if level == 0 { "power".to_owned() } else { format!("m{}", level - 1) };
        chain += &format!("[[metrics]]\nid = \"m{level}\"\nkind = \"sum\"\nof = [\"{of}\"]\n\n");
    }
    let chained = BASE.replacen("[[eligibility]]", &format!("{chain}[[eligibility]]"), 1);
    assert_eq!(refused(&chained), "metrics[16]: more than 8 metrics deep");
    let web: Vec<String> = (0..256).map(|level| format!("m{level}")).collect();
    let of = format!("{web:?}");
    let web: String =
        web.iter().map(|id| format!("[[metrics]]\nid = \"{id}\"\nkind = \"sum\"\nof = {of}\n\n")).collect();
    let (head, rest) = BASE.split_once("[[metrics]]").unwrap();
    let tail = &rest[rest.find("[[eligibility]]").unwrap()..];
    assert!(refused(&format!("{head}{web}{tail}")).contains("metrics[255]: its parts lead in a circle"));
    let circle = chained.replace("of = [\"power\"]", "of = [\"m2\"]");
    let refused = refused(&circle);
    assert!(refused.contains("metrics[9]: its parts lead in a circle: m0 → m2 → m1 → m0"), "{refused}");
}

#[test]
fn a_clock_turns_dates_and_lengths_of_time_into_epochs_or_says_why_not() {
    let clock = "clock = { genesis = 2020-08-24T22:00:00Z, epoch_seconds = 30 }\n";
    let with = |there: &str, instead: &str| {
        RuleSet::from_toml(&format!("{clock}{}", BASE.replacen(there, instead, 1)))
    };
    let rules = with("end = 1000", "end = 2020-08-25T06:20:00Z").unwrap();
    assert_eq!(rules, RuleSet::from_toml(BASE).unwrap());
    assert_eq!(with("period = 60", "period = \"30m\"").unwrap(), rules);
    let refused = |there, instead| with(there, instead).unwrap_err().to_string();
    assert_eq!(
        refused("end = 1000", "end = 2020-08-25T06:20:01Z"),
        "competition.end: 2020-08-25T06:20:01Z: no epoch begins at this time"
    );
    assert_eq!(
        refused("end = 1000", "end = 2020-08-24T21:00:00Z"),
        "competition.end: 2020-08-24T21:00:00Z: it lies before the genesis"
    );
    assert_eq!(
        refused("end = 1000", "end = 2020-08-25"),
        "competition.end: 2020-08-25: a date has a time and Z"
    );
    assert_eq!(
        refused("period = 60", "period = \"45s\""),
        "metrics[6].period: \"45s\": it is not a whole number of epochs"
    );
    let bad = format!("clock = {{ genesis = 5, epoch_seconds = 0, zone = 1 }}\n{BASE}");
    assert_eq!(
        RuleSet::from_toml(&bad).unwrap_err().to_string(),
        "clock.genesis: a date with a time and Z is expected here\nclock.epoch_seconds: a whole number above 0 is expected here\nclock.zone: there is no such member here"
    );
}

#[test]
fn a_canonical_document_lacks_nothing_and_holds_nothing_else() {
    let base: Value = serde_json::from_str(&RuleSet::from_toml(BASE).unwrap().canonical().unwrap()).unwrap();
    let refused = |pointer: &str, value: Option<Value>| {
        let mut document = base.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => parent.insert(name.to_owned(), value),
            None => parent.remove(name),
        };
        RuleSet::from_value(&document).unwrap_err().to_string()
    };
    let members = [
        "competition",
        "version",
        "series",
        "entities",
        "metrics",
        "eligibility",
        "boards",
        "pools",
        "vesting",
    ];
    for member in members {
        assert_eq!(refused(&format!("/{member}"), None), format!("{member}: it is missing"));
    }
    for (pointer, path) in [
        ("/version/retroactive", "version.retroactive"),
        ("/entities/history", "entities.history"),
        ("/metrics/5/own", "metrics[5].own"),
        ("/eligibility/0/per", "eligibility[0].per"),
        ("/boards/0/population", "boards[0].population"),
        ("/pools/1/rounding", "pools[1].rounding"),
        ("/pools/0/amount/base", "pools[0].amount.base"),
    ] {
        assert_eq!(refused(pointer, None), format!("{path}: it is missing"));
    }
    for (pointer, value, expected) in [
        ("/clock", json!(1), "clock: there is no such member here"),
        ("/version/supersedes", Value::Null, "version.supersedes: text is expected here, not null"),
        (
            "/pools/0/floor",
            json!("1FIL"),
            "pools[0].floor: \"1FIL\": a quantity is a whole number below 2^128 in decimal digits, without leading zeros",
        ),
        ("/pools/0/floor", json!(1), "pools[0].floor: text is expected here, not a number"),
        (
            "/pools/0/floor",
            json!("01"),
            "pools[0].floor: \"01\": a quantity is a whole number below 2^128 in decimal digits, without leading zeros",
        ),
        (
            "/eligibility/0/value",
            json!("8/10"),
            "eligibility[0].value: \"8/10\": a ratio is two whole numbers p/q in lowest terms with q above zero, such as 4/5",
        ),
        (
            "/eligibility/0/value",
            json!("80%"),
            "eligibility[0].value: \"80%\": a ratio is two whole numbers p/q in lowest terms with q above zero, such as 4/5",
        ),
        ("/metrics/6/period", json!("30m"), "metrics[6].period: a number is expected here, not text"),
        (
            "/competition/start",
            json!(100.0),
            "competition.start: 100.0 is not a whole number from 0 to 2^53 − 1",
        ),
    ] {
        assert_eq!(refused(pointer, Some(value)), expected, "{pointer}");
    }
    assert_eq!(
        RuleSet::from_value(&json!([])).unwrap_err().to_string(),
        "an object is expected here, not a list"
    );
    let spaced = format!("{base:#}");
    assert_eq!(
        RuleSet::from_canonical(spaced.as_bytes()).unwrap_err().to_string(),
        "it is not in canonical form: byte 1 is the first that differs"
    );
}

#[test]
fn no_damage_to_a_document_makes_the_reader_panic() {
    let canonical = RuleSet::from_toml(BASE).unwrap().canonical().unwrap();
    let damage = [b'"', b'0', b'-', b'\\', b'[', b'}', b'\n', 0xff];
    let mut survivors = 0;
    for (text, read) in [
        (BASE, (|text| RuleSet::from_toml(text).is_ok()) as fn(&str) -> bool),
        (&*canonical, |text| RuleSet::from_canonical(text.as_bytes()).is_ok()),
    ] {
        for at in (0..text.len()).step_by(11) {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = damage[at % damage.len()];
            survivors += usize::from(read(&String::from_utf8_lossy(&bytes)));
            bytes.truncate(at);
            survivors += usize::from(read(&String::from_utf8_lossy(&bytes)));
        }
    }
    // Most damage is noticed; what is left stands in names and texts.
    assert!(survivors > 0 && survivors < BASE.len() / 11, "{survivors}");
}
