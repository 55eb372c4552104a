# Rules, timeline, decisions, simulation.
entry = Entry
decision = Decision
appeal = Appeal
yes = yes
no = no
same-word = the same
differs-word = differs
all-metrics = all metrics
all-regions = all regions
simulation-word = SIMULATION
epochs-from-to = epochs { $from } to { $last }
epochs-one = epoch { $from }
epochs-from = since epoch { $from }

# Rules
rules-h1 = Rules, version { $n }
rules-h1-version = Version { $n } of the rules
rules-in-force = in force
rules-what-changed = What changed
rules-what-if = What if they were different
rules-canonical = As data
rules-version = Version
rules-versions = All versions
rules-hash = Hash
rules-supersedes = Replaces
rules-reason = Reason
rules-published = Published
rules-retroactive = Retroactive
rules-retroactive-word = retroactive
rules-simulation = Attached report
rules-simulation-none = none
rules-how = This page is made from the rule set itself, so what it says is what is computed. The data has the hash above.
rules-span-on = from epoch { $from } ({ $time })
rules-span-until = epochs { $from } to { $last }
rules-span-never = never in force: a later version begins as early

# Two versions
diff-crumb = v{ $older } to v{ $newer }
diff-h1 = Rules v{ $older } to v{ $newer }
diff-lead = { $n ->
    [0] No statement changes.
    [one] One statement changes, from epoch { $from } ({ $time }).
   *[other] { $n } statements change, from epoch { $from } ({ $time }).
}
diff-retroactive = Retroactive.
diff-not-retroactive = Not retroactive.
diff-as-data = As data
diff-what = What changes
diff-nothing = The two say the same.
diff-rule = Rule
diff-nothing-said = says nothing
diff-same = { $same ->
    [one] 1 other statement
   *[other] { $same } other statements
}
diff-unchanged = unchanged.
diff-all = Show all
diff-effect = What it does
diff-again = As a what-if
diff-sim = SIMULATION, not official: v{ $older } and v{ $newer } applied to epoch { $epoch }
diff-caption = SIMULATION at epoch { $epoch }. Left: rules v{ $older }. Right: rules v{ $newer }. Only those for whom something changes.
diff-before-start = The competition has not started at the epoch that is shown, so there is nobody to apply the rules to.
diff-lines = In one line each
attached-same = The report that was attached when this version was published is the same as the one made now.
attached-differs = The report that was attached when this version was published is not the one that is made now.
attached-not-made = The attached report lies beyond what is shown, so it was not made again.
attached-again = Made again

# What something does to everybody
effect-pools-title = Pools that change, amounts in { $coin }
effect-pool = Pool
effect-tier = tier { $n }
effect-fil = { $coin }, { $side }
effect-fil-after = { $coin }, what-if
effect-fil-lost = { $coin } lost
effect-change = Change
effect-rank-head = Rank, { $side }
effect-entity = Entity
effect-moved = Moved
effect-because = Because
effect-all = All
effect-nothing = Nothing changes for anybody.
effect-none = none
effect-up = up
effect-down = down
effect-plus = plus
effect-minus = minus
effect-in = now eligible
effect-out = no longer eligible
effect-in-checks = now eligible: { $checks }
effect-out-checks = no longer eligible: { $checks }
effect-rank = { $board } { $before } → { $after }
effect-pools = share of { $pools }
effect-pages = { $n } rows, page { $page } of { $pages }
effect-paid = Paid in all
effect-top-ten = Top 10, share of all payouts
effect-gini = Gini of the payouts
effect-nakamoto = Entities that hold half
effect-newly-eligible = Newly eligible
effect-newly-ineligible = Newly ineligible
effect-ranks-moved = Ranks moved
effect-from-to = { $before } to { $after }
effect-side-before = before
effect-side-after = after

# Timeline
timeline-lead = Everything that changed what counts, on one line of epochs.
timeline-happened = What happened
timeline-kind = Kind
timeline-all = All { $n }
timeline-announcement = Announcements { $n }
timeline-upgrade = Upgrades { $n }
timeline-rules = Rules { $n }
timeline-lifecycle = Dates { $n }
timeline-decision = Decisions { $n }
timeline-incident = Incidents { $n }
timeline-claim = Claims { $n }
timeline-empty = Nothing of this kind has happened.
timeline-to-come = To come
timeline-nothing-to-come = Nothing is announced.
timeline-how = How an entry gets here
timeline-nothing-edited = Nothing is edited. A correction is a new entry that names the old one.
how-rules = with the report of what they do attached
how-decisions = when as many operators have signed as the ledger asks for
how-incidents = when an operator opens one
incident-open = open
coming-start = The competition starts
coming-end = The competition ends
coming-appeals = Last moment to appeal
coming-rules = Rules v{ $version } take effect
intervals-title = Epochs that do not count
intervals-none = Every epoch counts.
interval-pause = Pause
interval-removed = Removed
lanes-h2 = One line of epochs
lanes-title = Announcements, upgrades, rules, decisions and incidents by epoch
lanes-caption = Ring announcement · triangle upgrade · disc rule or date · diamond decision · red bar incident, as long as it lasted · tick claim. Each mark leads to its entry.
lanes-desc = From epoch { $first } to { $last }; shown is { $now }.
lanes-now = shown { $epoch }
lane-announcements = Announcements
lane-upgrades = Upgrades
lane-rules = Rules and dates
lane-decisions = Decisions
lane-incidents = Incidents
lane-claims = Claims
signs-title = What the chain shows
signs-none = No sign of trouble.
signs-what = Sign
signs-epochs = Epochs
signs-means = If it were removed
signs-simulate = What if these epochs did not count
signs-nothing-lost = no epochs are lost
signs-looked = Found by the program in epochs { $from } to { $last }; it looks at the newest { $window } of the competition. A sign becomes an incident only when an operator opens one, and removes nothing by itself. What the index does not know, such as how full blocks are, shows nothing here.
signs-more = { $n } more are not shown.
signs-no-chain = No chain of this competition is indexed here, so nothing was looked for.

# Blockers
blockers-title = What stands in the way of final standings
blockers-none = Nothing that is known here.
blockers-open = open
blockers-known = From the ledger, the head of the chain and its finality. Whether the second implementation agrees is asked when standings are made final.
blocker-appeal-time = Appeals can be made until epoch { $until }.
blocker-appeal-time-do = Wait until epoch { $until }.
blocker-open-appeal = Appeal { $seq } has no answer.
blocker-open-appeal-do = Answer it: upheld with a decision, or dismissed with a reason.
blocker-open-incident = Incident { $seq } is open.
blocker-open-incident-do = Close it, and decide whether its epochs count.
blocker-frozen = Standings are frozen.
blocker-frozen-do = Thaw them, so that everybody sees what would be final.
blocker-shadow-differs = The second implementation computed another root.
blocker-shadow-differs-do = Find the first row that differs; one of the two programs is wrong.
blocker-not-final = Epoch { $last }, the last of the competition, can still be undone. Final is epoch { $final }.
blocker-not-final-do = Wait until epoch { $last } is final.
blocker-gap = Missing: { $what }
blocker-gap-do = Let the index reach the end of the competition.
blocker-pending-claims = { $n ->
    [one] 1 signed message waits for its entry.
   *[other] { $n } signed messages wait for their entries.
}
blocker-pending-claims-do = Accept or refuse each of them.
blocker-not-provisional = The time of appeals has not been opened.
blocker-not-provisional-do = Open it, and name the epoch until which appeals can be made.

# Decisions
decisions-lead = Everything that changes a number without changing what was measured, the newest first.
decisions-empty = Nothing was decided yet.
decision-number = Decision { $seq }
decision-pages = { $n } entries, page { $page } of { $pages }
decision-signed = Signed by
decision-state = State
decision-live = in force
decision-not-live = not in force
decision-reverted = taken back by { $seq }
decision-reverted-by = taken back by { $by }
decision-private-word = A private part exists.
decision-h1 = Decision { $seq }: { $title }
entry-h1 = Entry { $seq }: { $title }
entry-title = { $seq }: { $title }
decision-answer = The answer
decision-why = Why
decision-does = What it does
decision-appeals = Appeals
decision-no-appeal = None so far.
decision-appeal-how = A miner whom it concerns can appeal, signed with its key. An open appeal holds back the final standings.
decision-effect = Effect on everybody
decision-effect-caption = SIMULATION in the columns “before”: epoch { $epoch } as if entry { $seq } had not been made. “After” is with it, and without what came later. Only those for whom something changes.
decision-report = Hash of the whole report:
decision-before-start = It was taken before the competition started: there were no standings to change.
decision-does-nothing = Nothing changes for anybody.
decision-does-same = { $gain } get more and { $lose } get less; the sum stays.
decision-does-more = { $amount } more are paid in all.
decision-does-less = { $amount } less are paid in all.
decision-does-who = Ranks moved: { $moved }. Newly eligible: { $in }. Newly ineligible: { $out }.
decision-reason = Public reason
decision-no-reason = It has none: a signed message speaks for itself.
decision-private = A private part exists. It is kept elsewhere; its hash is in the record:
decision-evidence = Evidence
decision-approved = Signed
decision-proposed-by = Proposed by
decision-approved-by = Approved by
decision-needs = { $needs ->
    [one] Such an act needs 1 signature.
   *[other] Such an act needs { $needs } signatures of different operators.
}
decision-preview = Report before it was taken
decision-replaced = Taken back by
decision-reversible = Reversible
decision-reversible-yes = yes, by a later decision
entry-text = Text
entry-record = Record
entry-document = The whole entry with its signatures
entry-canonical = The hash is the SHA-256 of the canonical JSON of “entry”. The JSON of this page holds the same document.
entry-self = The message proves itself; it is signed by the key of
entry-chain = In the chain of entries
entry-chain-how = Each entry holds the hash of the one before. Taking one out would break all that follow.
entry-count = Entries
entry-fields = Fields
entry-kind = Kind
appeals-title = Appeals
appeals-empty = Nobody has appealed.
appeal-open = open
appeal-upheld = upheld
appeal-dismissed = dismissed
appeal-answer = Answer

# What entries do
act-found = The ledger begins: on { $network }, with { $n } operators, { $threshold } of whom sign what has weight
act-appoint = { $operator } becomes an operator
act-dismiss = { $operator } is an operator no longer
act-publish-rules = Rules v{ $version }: { $reason }
act-open-registration = Registration is open
act-start = The competition runs
act-pause = Paused from epoch { $from }, because of incident { $incident }
act-resume = Counted again from epoch { $from }
act-freeze = Standings frozen at epoch { $epoch }
act-thaw = Standings are shown again
act-end = The competition is over
act-provisional = Results are provisional; appeals until epoch { $until }
act-finalize = Standings of epoch { $epoch } are final
act-amend = Final standings replaced by those of epoch { $epoch }
act-approve-payout = Payout of { $amount } approved
act-pay = { $amount } paid
act-open-payout-addresses = { $n ->
    [one] 1 payout address shown
   *[other] { $n } payout addresses shown
}
act-archive = Archived: nothing follows
act-cancel = Cancelled
act-set-end = The end moves to epoch { $until }
act-disqualify = { $entities } disqualified
act-waive = Check { $check } waived for { $entity }
act-remove-interval = Epochs { $from } to { $last } are not counted ({ $metrics }, { $regions })
act-set-region = Region of { $entity } set to { $region }
act-adjust = { $series } of { $participant } changed by { $delta } from epoch { $from }
act-attest = { $what } attested for { $entity }
act-set-amount = Pool { $pool } holds { $amount }
act-award = { $amount } awarded to { $entity }: { $title }
act-revert = Entry { $seq } taken back
act-claim-claim = { $miner } claims entity { $entity } ({ $name })
act-claim-join = { $miner } joins { $entity }
act-claim-leave = { $miner } leaves { $entity }
act-claim-transfer = { $miner } moves to { $entity }
act-claim-rename = { $entity } is called { $name }
act-claim-payout = { $entity } sets its payout address
act-claim-appeal = { $miner } appeals for { $entity }
act-claim-other = Signed message of { $miner }
act-answer-appeal = Appeal { $appeal } { $outcome }
act-incident = Incident: { $title }
act-close-incident = Incident { $incident } closed at epoch { $until }: { $title }
act-upgrade = { $title }: network version { $version }

# Simulation
simulate-h1 = What if the rules were different
simulate-lead = The same facts, other rules. Takes part in nothing: no board, no payout, no decision.
simulate-mark = { $n ->
    [one] SIMULATION, not official: rules v{ $base } with 1 change, at epoch { $epoch }
   *[other] SIMULATION, not official: rules v{ $base } with { $n } changes, at epoch { $epoch }
}
simulate-mark-with = SIMULATION, not official: rules v{ $with } in place of v{ $base }, at epoch { $epoch }
simulate-share = Address to share
simulate-question = The question
simulate-base = Start from
simulate-with = Apply instead
simulate-side = what-if
simulate-changed = Changed.
simulate-hint = v{ $version }: { $value }
simulate-remove = Epochs not counted
simulate-remove-hint = For example 120..180, or 120..180:power:africa; several with ; between them
simulate-disqualify = Disqualified
simulate-disqualify-hint = Entities by their id, with commas
simulate-go = Simulate
simulate-back = Back to v{ $base }
simulate-stored = Nothing is stored. The address of this page holds the whole question.
simulate-tiers = Tiers of the pools
simulate-others = Changed as well:
simulate-grammar = Every other member of the rules
simulate-grammar-set = Any member can be changed in the address: set. and its path, with dots; items of lists by their id, tiers by their place from 0 on.
simulate-grammar-value = Values are written with their unit: 10TiB, 25000FIL, 80%, 50, 30d. Objects are JSON. A minus alone leaves the member out.
simulate-grammar-remove = Removed epochs: the first, two points, the first that counts again; then metrics and regions if not all:
simulate-grammar-with = A whole published version in place of another:
simulate-answer = The answer
simulate-newly-eligible = Newly eligible: { $n }
simulate-newly-ineligible = Newly ineligible: { $n }
simulate-passes = Now passes
simulate-fails = Does not pass
simulate-concentration = Concentration, before and after
simulate-needles = Black line: the rules as they are. Amber needle: what-if. Over all who are paid, not only the rows below.
simulate-everybody = Everybody
simulate-caption = SIMULATION at epoch { $epoch }. Left: rules v{ $base }. Right: what-if. Ordered by the right rank, { $rows } rows.
simulate-only-changed = Only what changed
simulate-all-rows = All rows
simulate-one-line = The whole question in one line
simulate-same-bytes = The same address gives the same bytes. Report
simulate-not-told = What this does not tell
simulate-not-told-1 = How miners would have acted under other rules. What was never measured cannot be simulated.
simulate-not-told-2 = A change of the real rules needs a report like this one attached, and the signatures that the ledger asks for.
simulate-nothing = Nothing is changed yet. Change a field and press Simulate.
simulate-wrong = There is no answer: the question has to be put right first.
tile-paid-same = same before and after
tile-paid-before = { $amount } before
tile-gain-lose = Gain, lose, same
tile-entities = entities
tile-eligible = Eligible
tile-in-out = { $in } in, { $out } out
tile-gain = Largest gain
tile-loss = Largest loss
tile-nobody = nobody
field-at-least = { $id }: at least
field-at-most = { $id }: at most
field-deadline = { $id }: before epoch
field-samples = { $id }: samples needed
field-top = Board { $id }: places
field-above = Board { $id }: only above
field-amount = Pool { $id }: amount
field-tier-at = Pool { $id }, tier { $n }: from
field-tier-amount = Pool { $id }, tier { $n }: holds
field-each = Pool { $id }: for each
field-cap = Pool { $id }: one winner gets at most
field-floor = Pool { $id }: smallest share
