# Boards, regions, entities, payout, verification.

list-global = Global
list-region = Regional
list-block-reward = Block rewards
list-power = Power
list-earned = Earnings
metric-storage = Storage deals
metric-retrieval = Retrieval deals
metric-upgrades = Sector upgrades
metric-earned = Earnings
region-AF = Africa
region-AS = Asia
region-EU = Europe
region-NA = North America
region-OC = Oceania
region-SA = South America

status-eligible = eligible
status-under-appeal = under appeal
status-pending = pending
status-ineligible = ineligible
status-ineligible-n = ineligible ({ $n })
status-unclaimed = unclaimed
status-disqualified = disqualified
status-eligible-means = every rule is met
status-under-appeal-means = ranked as before until decided
status-pending-means = a rule is not decided yet, none has failed
status-ineligible-means = rules not met, number in brackets
status-unclaimed-means = nobody has signed for this miner
status-disqualified-means = by a numbered decision

pool-heading = Pool { $pool }: { $amount }
pool-heading-region = Pool { $pool }, { $region }: { $amount }
pool-unlocked-all = Unlocked by { $metric } of everybody in the list’s region and track, eligible or not.
pool-unlocked-eligible = Unlocked by { $metric } of those who are eligible.
pool-rule = Rule
pool-thermo = Level { $level } on a scale from 0 to { $top }
tier-head = { $at } → { $amount }
tier-now = in force
tier-passed = passed
tier-level-reached = level reached, the gate is not met
tier-and = {". "}
tier-away = { $away } away
gate-met = Every region must also hold { $needed }: met, lowest is { $region } with { $level }.
gate-unmet = Every region must also hold { $needed }: not met, lowest is { $region } with { $level }.

check-pass = Met
check-fail = Not met
check-pending = Not decided
check-waived = Waived
check-at-least = { $metric } is { $value }; { $bar } or more is needed.
check-at-most = { $metric } is { $value }; { $bar } or less is allowed.
check-rate-at-least = { $metric }: { $value } of { $n } attempts succeeded; { $bar } or more is needed.
check-rate-at-most = { $metric }: { $value } of { $n } attempts; { $bar } or less is allowed.
check-no-samples = { $metric }: no attempts were counted yet.
check-members = { $metric }: not every miner has what is needed, { $bar } each; together it is { $value }.
check-members-met = { $metric }: every miner has what is needed, { $bar } each; together it is { $value }.
check-unknown = { $metric } is not known yet.
check-claimed = A key of the miner has signed for it.
check-unclaimed = Nobody has signed for this miner.
check-region = It is in { $region }.
check-no-region = It is in no region of this competition, as far as is known.
check-registered = Registered in time.
check-unregistered = Not registered in time.
check-attested = “{ $what }” is attested.
check-unattested = Nobody has attested “{ $what }”.
check-all = { $met } of { $n } are met; all are needed.
check-any = { $met } of { $n } are met; one is needed.
do-claim = Sign for the miner with its owner or worker key.
do-region = Ask the operators to set the region, with evidence of where the miners are.
do-register = Register with a signed claim before epoch { $epoch }.
do-attest = Ask the operators to attest “{ $what }”.
do-at-most = Bring { $metric } down to { $bar } or less before epoch { $epoch }.
do-member = Bring { $metric } to { $bar } for every miner before epoch { $epoch }: each is looked at alone.
do-succeed = { $n ->
    [one] One more success ({ $metric }) without a failure before epoch { $epoch }.
   *[other] { $n } more successes in a row ({ $metric }) before epoch { $epoch }.
}
do-more = Add { $need } of { $metric } before epoch { $epoch }.
do-reach = Bring { $metric } to { $bar } or more before epoch { $epoch }.

cb-h1 = { $board } board
cb-h1-region = { $board } board: { $region }
cb-lead = { $n ->
    [one] One entity, ordered by { $metric }.
   *[other] { $n } entities with { $miners } miners, ordered by { $metric }. Equal values share a rank.
}
cb-caption = { $board }, ordered by { $metric }
cb-lists = Boards and regions
cb-how = How this board is computed
cb-find = Find in this board
cb-show = Show
cb-show-all = All entities
cb-show-eligible = Eligible only
cb-show-unclaimed = Unclaimed
cb-rules = Under rules
cb-seq = Ledger up to entry
cb-as-of = At epoch { $epoch }, under rules v{ $rules }, ledger up to entry { $seq }.
cb-found = { $found } of { $n } entities are shown.
cb-empty = Nobody is on this board yet. An entity appears when one of its miners is first seen on the chain.
cb-none-found = No entity matches.
cb-entity = Entity
cb-region = Region
cb-miners = Miners
cb-miner = Miner
cb-joined = Since epoch
cb-eligibility = Eligibility
cb-amount-now = If it ended now, { $coin }
cb-amount-over = Payout, { $coin }
cb-unranked = not ranked
cb-details = Details of { $name }
cb-spark = from { $from } to { $to }
cb-grouped = { $n ->
    [one] One miner
   *[other] Grouped from { $n } miners
}
cb-alone = { $n ->
   *[other] A miner nobody has signed for
}
cb-more-miners = { $n ->
    [one] 1 more miner
   *[other] { $n } more miners
}
cb-checks = Eligibility: { $met } of { $n } rules met
cb-part = Pool { $pool }
cb-part-region = Pool { $pool }, { $region }
cb-part-award = Award, entry { $n }
cb-total = Total
cb-derivation = Show the derivation

rg-lead = { $elsewhere ->
    [0] { $n } regions; every entity is in one of them.
    [one] { $n } regions; one entity is in none of them, as far as is known.
   *[other] { $n } regions; { $elsewhere } entities are in none of them, as far as is known.
}
rg-none = This competition has no regions: everybody is on the same boards.
rg-entities = Entities
rg-eligible = Eligible
rg-leader = First
rg-pool = Pool

in-bytes = bytes
in-atto = atto
in-gas = gas
in-count = things
in-nano = billionths
in-ratio = ratio
did-disqualify = disqualified
did-waive = a rule waived
did-set-region = region set
did-adjust = an observed count corrected
did-attest = attested
did-award = an award
did-claim = a message signed by the miner’s key
did-answer-appeal = an appeal answered
step-weigh = Weight: { $metric }
step-cap = The share would be above the cap: the cap is paid
step-divide = Share of the pool, rounded down; the rest is the fraction left
step-remainder = One atto of what rounding left, for one of the largest fractions
step-plain = { $metric }
step-below-floor = Below the smallest share that is paid
step-forfeit = Not eligible: the share stays undistributed

en-eligible = Eligible.
en-under-appeal = Under appeal.
en-pending = Not decided yet.
en-ineligible = Not eligible.
en-unclaimed = Unclaimed.
en-disqualified = Disqualified.
en-verdict-eligible = { $n ->
    [0] The rules ask for nothing. If it ended now, this entity would be paid { $paid }.
    [one] The one rule is met. If it ended now, this entity would be paid { $paid }.
   *[other] All { $n } rules are met. If it ended now, this entity would be paid { $paid }.
}
en-verdict-eligible-over = { $n ->
    [0] The rules ask for nothing. This entity is paid { $paid }.
    [one] The one rule is met. This entity is paid { $paid }.
   *[other] All { $n } rules are met. This entity is paid { $paid }.
}
en-verdict-pending = { $open } of { $n } rules can still be met; none has failed.
en-verdict-ineligible = { $failing } of { $n } rules are not met, so this entity would be paid nothing.
en-verdict-ineligible-paid = { $failing } of { $n } rules are not met. What does not depend on them would still be paid: { $paid }.
en-verdict-unclaimed = Nobody has signed for this miner, so it would be paid nothing.
en-verdict-disqualified = By a decision, this entity would be paid nothing.
en-verdict-appeal = An appeal is open. Ranks stay as they are until it is decided; { $open } of { $n } rules are not met.
en-why = Why
en-what-to-do = What to do
en-what-next = What would change it
en-by-when = By when
en-until = Until
en-why-met = Every one of the { $n } rules below is met at this epoch.
en-do-appeal = The competition is over, or a decision stands: only a decision can change this. A miner’s key can sign an appeal.
en-do-nothing = Nothing to do. The rules are looked at again at every epoch until the end.
en-do-nothing-over = Nothing to do: the competition is over.
en-do-final = Nothing: results are final.
en-claim = Claim this miner
en-culprit = { $miner } has { $failed } of the { $all } failures.
en-no-date = No date is set.
en-by-in = Epoch { $epoch }, in { $span }.
en-by-ago = Epoch { $epoch }, { $span } ago.
en-worth-now = If it ended now: { $paid }.
en-worth-over = Payout: { $paid }.
en-gauge = { $passed } of { $n } attempts. Band: 95 % interval, { $low } to { $high } %.
en-gauge-n = { $n } attempts, mean over miners.
en-gauge-bar = { $bar } needed
en-miners = { $n ->
    [one] 1 miner
   *[other] { $n } miners
}
en-claimed-at = claimed at epoch { $epoch }
en-seen-at = first seen at epoch { $epoch }
en-tree = Eligibility, rule by rule
en-no-checks = The rules ask for nothing: everybody is eligible.
en-value = Exact value
en-needed = Needed
en-needed-at-least = { $bar } or more
en-needed-at-most = { $bar } or less
en-min-samples = at least { $n } attempts
en-passes-if = Passes if
en-counted-until = Counted before
en-waived-by = by entry { $n } of the ledger
en-rule = Rule
en-of = { $passed } of { $n }
en-member-rate = as measured
en-history = History
en-chart = { $metric } ({ $unit }), summed over its miners of today, as measured.
en-note-joins = { $miner } joins
en-note-rules = rules v{ $version }
en-members = Miners
en-left = Before epoch
en-payout = Payout, step by step
en-share = From this pool
en-award = Award by
en-total-now = If it ended now
en-total-over = Payout
en-equal = the same for every winner
en-no-place = No winner’s place in: { $pools }.
en-next = Pool { $pool }: { $away } more on its scale would unlock { $amount }.
en-next-share = Pool { $pool }: { $away } more on its scale would unlock { $amount }, of which this entity’s weight of today is about { $share }.
en-paid-to = Paid to
en-decisions = Decisions and claims
en-no-decisions = The ledger says nothing about this entity.
en-decision = Entry { $n }
en-reverted = reverted
en-at = epoch { $epoch }, { $time }
en-appeal-open = Appeal { $n } about entry { $about }: open
en-appeal-answered = Appeal { $n } about entry { $about }: answered by entry { $answer }

po-h1-now = Payout, if it ended now
po-h1-over = Payout, not final yet
po-h1-final = Payout, final v{ $n }
po-lead-now = { $n } entities would be paid. Nothing is final: decisions and every new epoch can change it.
po-lead-final = { $n } entities. Results are final; the payout is not approved yet.
po-lead-approved = { $n } entities, approved by { $approvers } operators. { $paid } are paid.
po-lead-unpaid = { $n } entities, approved by { $approvers } operators. Nothing is paid yet.
po-conserved = Conserved.
po-conserved-text = Every atto that pools hold is in a row below, or is said not to be distributed.
po-not-conserved = Shares and what is left do not add up to what pools hold.
po-paid-to = Paid to { $n } entities
po-would-pay = To { $n } entities
po-sum-rows = Sum of the rows below.
po-awards = Of it beside all pools: { $awards }.
po-left = Not distributed
po-left-text = What nobody wins, what caps and rounding leave, and what the ineligible forfeit.
po-all = All pools and awards
po-rules = Rules v{ $rules }, difference 0
po-roots = Roots
po-standings = Standings root
po-audit = Audit root
po-standard = EVM root
po-no-addresses = not before results are final and every payout address is shown
po-no-evm = not every address has an Ethereum form
po-approvals = Approvals and payments
po-not-approved = Nobody has approved a payout yet.
po-approved = Entry { $n } approves { $total }, with this root:
po-approved-same = Entry { $n } approves { $total }, with the root of these rows:
po-payment = Entry { $n } records { $amount }
po-check = One file holds everything these numbers are made of.
po-pools = Pools
po-tier-head = Tier
po-tier = { $n } of { $of }
po-no-tier = none reached
po-winners = Paid entities
po-rows = Rows
po-no = No.
po-proof = Proof
po-proof-link = proof
po-nobody = Nobody would be paid at this epoch.
po-nothing = This entity is paid nothing at this epoch, so there is no row to prove.
po-proof-lead = The payout is a leaf of the Merkle tree of the standings (RFC 9162, SHA-256). Leaf and hashes below lead to the root that is published.
po-leaf = Leaf
po-place = Place, of
po-path = Neighbours
po-python = These lines read the page’s JSON and print True:

ve-h1 = Recompute it yourself
ve-lead = One file holds everything that boards and payouts are made of. One command makes them again, offline.
ve-answer = The answer
ve-same = The same root, twice.
ve-same-text = This program and the second implementation agree on the final standings.
ve-open = Open to anybody.
ve-open-text = The package up to epoch { $epoch } is here; nothing is final yet.
ve-none = Nothing to recompute yet.
ve-none-text = A package is made of epochs that can no longer change, and there is none since the start.
ve-package = Package
ve-about = Epoch { $epoch }, rules v{ $rules }, ledger up to entry { $seq }, { $n } entities.
ve-root-text = Of what this page shows. Every row has its own proof; yours is on the payout page.
ve-file-root = Root of the file
ve-last-line = its last line
ve-last-line-text = SHA-256 of all bytes before that line. It is what is published and cited.
ve-imported-text = Of the package that this competition was imported from.
ve-run = Run it
ve-rust = The program, with nothing but the file:
ve-python = The second implementation, in Python’s standard library alone:
ve-prints = Both print OK and the root, or the first row that differs. Neither needs an account or the network.
ve-ladder = The ladder: what each step proves
ve-step = Step
ve-does = What it does again
ve-proves = Then it is proven that
ve-not = Still not proven
ve-here = Here
ve-ladder-hint = Each step takes the ones before it for granted.
ve-needs-here = with the file alone
ve-needs-node = with an archive or node of your own
ve-needs-absent = nobody has signed yet
ve-l0 = L0: the arithmetic
ve-l0-does = Runs the rules again over the inputs in the package.
ve-l0-proves = Boards and payouts follow from these inputs, rules and decisions, to the last atto.
ve-l0-not = That the inputs are true.
ve-l1 = L1: the chain
ve-l1-does = Derives every series of the chain again and compares it.
ve-l1-proves = What was read from the chain is what your own copy of it says.
ve-l1-not = That your copy is the right one; the checks of its tipsets say how far.
ve-l2 = L2: the observations
ve-l2-does = Checks the signature of the bot on every attempt.
ve-l2-proves = Nothing was added, dropped or changed after a bot signed it.
ve-l2-not = That the bot saw what it wrote.
ve-l3 = L3: the witnesses
ve-l3-does = Checks that independent witnesses signed the same root.
ve-l3-proves = Everybody was shown the same history, unless all witnesses lie together.
ve-l3-not = That the witnesses are independent of each other.
ve-second = Second implementation
ve-no-finals = There are no final standings yet. They are made final only when the second implementation has the same root.
ve-finals = Final standings
ve-result = Result
ve-final = v{ $n }, epoch { $epoch }
ve-is-same = same
ve-differs = differs
ve-second-hint = Written from the text of the rules alone; it shares no code with this program.
ve-never = What no step can prove
ve-not-proven = not proven
ve-never-bots = That a bot told the truth.
ve-never-where = Where a machine stands. Regions are claims with evidence.
ve-never-who = Who is behind an entity. A key is not a person.
ve-one-row = One row alone
ve-one-row-text = The proof of a single payout is a few hashes: each row of the payout page has its own.
po-status = Paid
po-confirmations = { $n } epochs ago
prize-owed = owed
prize-waiting = waits to be paid
prize-on-chain = on the chain
prize-final = paid
prize-proposed = proposed to a multisig, whose signers decide
prize-failed = failed
prize-taken-back = taken back
prize-elsewhere = paid by other means
prize-unknown = unknown: the ledger does not say to whom was paid
