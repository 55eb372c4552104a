# Frame
skip = Skip to content
menu = Menu
close = Close
nav-main = Main
nav-networks = Networks
nav-status = Status
nav-api = API
nav-board = Board
nav-epochs = Epochs
search = Search
search-hint = Miner or epoch: t01000, 120
language-en = English
language-zh = 中文
foot-digest = Digest
foot-verify = Check the chain yourself, offline:
foot-statement = Numbers follow from chain data whose checks are counted and listed.

# Readout
fresh-label = Data freshness
fresh-live = Live
fresh-delayed = Delayed
fresh-stalled = Stalled
fresh-recorded = Recorded
fresh-pinned = Pinned
fresh-final = Final
fresh-epoch = Epoch
fresh-age = Age
fresh-head = newest epoch
fresh-behind = { $n ->
    [one] 1 epoch before the newest
   *[other] { $n } epochs before the newest
}
fresh-final-through = Final through
fresh-digest = Digest
fresh-horizon = Final through { $final }, shown { $epoch }, newest { $head }
fresh-none = nothing yet
fresh-settled = for good
fresh-horizon-settled = Shown { $epoch }, which is final
permalink = Permalink
pinned-title = You look at epoch { $epoch }.
pinned-text = Every number on this page is what held then. The newest epoch is { $head }.
pinned-text-settled = Every number on this page is what held then, and is final: this page does not change.
pinned-back = Go to the newest epoch
at-label = At epoch
at-go = Go

# Words in many places
unknown = unknown
rank = Rank
participant = Participant
epoch = Epoch
time = Time
json = JSON
csv = CSV
list-comma = { ", " }
table-same = The same as a table
of-total = of { $n }
more-rows = { $n } more in the JSON of this page.
copy-hint = One click selects the whole value.
check-yourself = Check this yourself

# Home
home-title = Competitions
home-h1 = Testnet competitions, with their working shown
home-lead = Every number here follows from chain data. The checks that were made on it are counted, and those that were not made are listed beside them.
home-epochs = Epochs indexed
home-epochs-of = { $n ->
    [one] on 1 network
   *[other] on { $n } networks
}
home-checks = Checks made
home-checks-failed = { $n } failed
home-unmade = Checks not made
home-unmade-see = each with its reason
home-null = Null rounds
home-null-of = rounds in which nobody mined a block
home-all = All networks
home-network = Network
home-state = State
home-head = Newest epoch
home-time = Its time
home-final = Final through
home-participants = Participants
home-empty = No network is indexed yet. A network appears here as soon as its first epoch is verified.
home-top = { $network }: top { $n } by quality-adjusted power
home-top-all = All { $n }
home-how = How a number gets here
home-how-1 = Read from a node or an archive. Bytes count only if they hash to what was asked for.
home-how-2 = Checked: headers, elections, signatures, beacons, proofs, finality certificates.
home-how-3 = Derived from state and receipts into steps: this value holds from that epoch on.
home-how-4 = Reconciled with the totals that the chain itself keeps.
home-waiting = waits for its first epoch

# Board
board-title = Board
board-global = All columns
board-h1-global = Board of { $network }
board-h1-series = { $series }, { $network }
board-lead = { $n ->
    [one] 1 participant, ordered by { $series }.
   *[other] { $n } participants, ordered by { $series }. Equal values share a rank.
}
board-label = Boards
board-find = Find in this board
board-find-go = Find
board-found = { $found } of { $n } rows match “{ $search }”.
board-clear = Show all
board-empty = No participant of { $network } has a value here at epoch { $epoch }. One appears with its first power.
board-none-found = No participant matches “{ $search }”. Look for a part of an address, such as 1000.
board-caption = { $series } at epoch { $epoch }
board-share = Share
board-trend-all = Since epoch { $epoch }
board-trend-title = From { $from }, at its own scale
board-view = All numbers as of epoch { $epoch }.
board-view-change = Look at another epoch
board-rows = Rows { $first }–{ $last } of { $n }, all from snapshot
board-pages = Pages
board-next = Next
board-previous = Previous
board-sort = Sort by { $series }
board-unranked = not ranked: the value is unknown
board-snapshot = Snapshot

# Participant
miner-lead = Miner on { $network }, ranked { $rank } of { $n } by quality-adjusted power.
miner-lead-unranked = Miner on { $network }, not ranked: its quality-adjusted power is unknown.
miner-rank = Rank
miner-rank-by = by quality-adjusted power
miner-share = { $share } of the network
miner-raw = raw { $value }
miner-faulty = { $faulty } faulty, { $recovering } recovering
miner-tips = and { $value } in tips
miner-blocks = { $n ->
    [one] in 1 block
   *[other] in { $n } blocks
}
miner-expected = { $value } expected
miner-power = Power
miner-power-caption = Power in { $unit }, a step function of the epoch. Solid: quality-adjusted. Dashed: raw.
miner-sectors = Sectors
miner-sectors-caption = Sectors by epoch. Solid: live. Dashed: faulty. Dotted: recovering.
miner-wins = Wins
miner-wins-caption = WinCount by epoch, summed. Solid: won. Dashed: expected from power and sortition.
miner-rewards = Rewards
miner-rewards-caption = Block reward in { $unit }, summed.
miner-chart-desc = From { $from } at epoch { $first } to { $to } at epoch { $last }.
miner-table-cut = The newest { $n } steps; the CSV has all.
miner-epoch-axis = epoch, { $seconds } s each
miner-numbers = Where each number comes from
miner-numbers-lead = A value holds from the epoch on that is named with it. That epoch’s page lists the checks that were made.
miner-series = Series
miner-exact = Exact value
miner-since = Holds since
miner-how = Where from
miner-evidence = Evidence
miner-row-hash = Row hash
miner-checks = Checks at this epoch
miner-checks-text = { $passed } passed, { $failed } failed
miner-unmade = { $n } not made
miner-reconciled = Reconciled
miner-reconciled-ok = { $n ->
    [one] 1 sum agrees with state
   *[other] { $n } sums agree with state
}
miner-reconciled-bad = { $n ->
    [one] 1 sum differs from state
   *[other] { $n } sums differ from state
}
miner-reconciled-unknown = { $n ->
    [one] 1 sum is unknown
   *[other] { $n } sums are unknown
}
miner-state-root = State root
miner-tipset = Tipset
miner-more = and { $n } more
smesher-lead = Smesher on { $network }, ranked { $rank } of { $n } by space.
smesher-lead-unranked = Smesher on { $network }, not ranked: its space is unknown.
smesher-rank-by = by space
smesher-weight = weight { $value }
smesher-slots-note = of { $assigned } assigned, { $missed } missed
smesher-malfeasant = Known to be malfeasant since layer { $layer }: a node holds a proof against this identity. Most often it ran on two machines. That is for good.
smesher-honest = No proof of malfeasance is known.
smesher-slots-title = Epoch { $epoch }, layers { $first } to { $last }
smesher-paid-text = { $paid } so far; { $expected } expected in the whole epoch
smesher-none-in-a-layer = No slot in a given layer
smesher-without = { $n ->
    [one] { $n } layer without a reward up to here
   *[other] { $n } layers without a reward up to here
}
smesher-nothing-not-due = No further slot is due in this epoch.
smesher-nothing-expected = That is as it should be.
smesher-nothing-ordinary = That happens.
smesher-nothing-unusual = That is rare. Look whether the node was online and its proposals arrived in time.
smesher-nothing-alarming = Chance alone hardly does that. Look at the node: was it online, is the clock right, does the identity run twice?
smesher-slots-hint = Slots fall into layers by lot, several perhaps into one. A slot is not a reward yet: the ballot has to arrive in time, and the layer needs a block.
smesher-slots = Slots
smesher-slots-caption = Slots by layer, summed. Solid: filled. Dashed: assigned. Dotted: missed.
smesher-rewards-caption = Rewards in { $unit }, summed. Solid: paid. Dashed: expected by its weight, whole epochs ahead.
smesher-paid-caption = Layers that paid, summed. Solid: paid. Dashed: expected from its slots.
smesher-units-caption = Units of space by layer.
miner-empty-chart = No step of this series yet.

# Epochs
epochs-title = Epochs
epochs-h1 = Epochs of { $network }
epochs-lead = Newest first. A null round is an epoch in which nobody mined a block.
epochs-blocks = Blocks
epochs-winners = Winners
epochs-wincount = WinCount
epochs-messages = Messages
epochs-passed = Checks passed
epochs-problems = Failed
epochs-unmade = Not made
epochs-older = Older
epochs-newest = Newest
epochs-empty = No epoch before this one is indexed.

epoch-h1 = Epoch { $epoch }
epoch-blocks = { $n ->
    [one] tipset of 1 block
   *[other] tipset of { $n } blocks
}
epoch-null = null round
epoch-verified = Verified.
epoch-verified-text = { $made } checks of { $kinds } kinds were made; none failed.
epoch-verified-unmade = { $n ->
    [one] 1 check was not made; it is listed.
   *[other] { $n } checks were not made; they are listed.
}
epoch-verified-all = None was left out.
epoch-failed = Failed.
epoch-failed-text = { $failed ->
    [one] 1 of { $made } checks failed.
   *[other] { $failed } of { $made } checks failed.
}
epoch-null-verdict = Null round.
epoch-null-text = Nobody mined a block. The tipset after it proves that: its parents are of epoch { $parent }.
epoch-genesis = Genesis.
epoch-genesis-text = Nobody mined this block: its CID names the network, and there is nothing before it that it could follow from.
epoch-tape = Blocks per epoch, { $first } to { $last }. Outlined: null rounds.
epoch-tape-null = { $n ->
    [0] No null round among them.
    [one] 1 null round among them.
   *[other] { $n } null rounds among them.
}
epoch-winners = Blocks and winners
epoch-block = Block
epoch-winner = Winner
epoch-block-reward = Block reward, { $coin }
epoch-gas-reward = Tips, { $coin }
epoch-no-blocks = No block.
epoch-sum = Together
epoch-checks = Checks made
epoch-checks-sum = { $passed } passed, { $failed } failed
epoch-check = Check
epoch-what = What is compared
epoch-count = Counted
epoch-count-of = { $passed } of { $made }
epoch-result = Result
epoch-passed = passed
epoch-check-failed = failed
epoch-unmade = Checks not made
epoch-unmade-why = Why
epoch-unmade-result = not made
epoch-unmade-none = Every check that this program knows was made.
epoch-unmade-null = A null round has no block to check.
epoch-failures = What failed
epoch-reconciled = Reconciliation
epoch-reconciled-lead = What the parent tipset paid and what all claims add up to, beside what the chain’s own state says.
epoch-reconciled-what = Sum
epoch-derived = Derived
epoch-state = In state
epoch-agrees = agrees
epoch-differs = differs
epoch-not-known = unknown
epoch-reconciled-none = Nothing is executed in this epoch, so there is nothing to compare.
epoch-changed = Steps that changed
epoch-changed-lead = Each value holds from this epoch on.
epoch-changed-none = No series changed.
epoch-changed-subject = Whose
epoch-changed-before = Before
epoch-changed-after = From here on
epoch-changed-network = network
epoch-digest = Digest
epoch-digest-this = This epoch
epoch-digest-before = Before
epoch-digest-hint = It chains every row up to here. Two operators who index this network compare this one value.
epoch-header = Header
epoch-weight = Parent weight
epoch-base-fee = Base fee
epoch-version = Network version
epoch-parent = Parent epoch
epoch-certificate = Certificate
epoch-certificate-of = F3 instance { $n }
epoch-certificate-none = none covers it yet
epoch-previous = Previous epoch
epoch-next = Next epoch
epoch-head-unexecuted = The next tipset tells what this one paid: it is not there yet.

# Status
status-title = Status
status-h1 = Status
status-lead = How this service stands to each network.
status-live = Live.
status-live-text = Boards follow the chain.
status-delayed = Delayed.
status-delayed-text = The index is behind the chain, and moves.
status-stalled = Stalled.
status-stalled-text = Boards stay at epoch { $epoch } until the chain can be verified again. Numbers are old, not wrong.
status-recorded = Recorded.
status-recorded-text = This is a recording. It ends at epoch { $epoch } and does not age.
status-waiting = Waiting.
status-waiting-text = Nothing is indexed yet. Pages appear as soon as the first epoch is verified.
status-stopped = Indexing stopped: { $why }
status-head = Newest epoch
status-final = Final through
status-final-none = nothing yet
status-final-lag = { $n ->
    [one] 1 epoch before the newest
   *[other] { $n } epochs before the newest
}
status-null = Null rounds
status-null-recent = { $n } in the newest { $of } epochs
status-gaps = Gaps
status-gaps-text = no epoch missing in the newest { $of }
status-gaps-some = { $n } missing in the newest { $of }
status-mismatch = Mismatches
status-mismatch-text = of { $n } sums in the newest { $of } epochs
status-certificates = F3 instance
status-certificate-last = its certificate makes epoch { $epoch } final
status-certificate-none = none on this network yet
status-endpoints = Nodes
status-endpoint = Node
status-endpoint-head = Newest epoch
status-endpoint-behind = Epochs behind
status-endpoint-latency = Answers in
status-endpoint-failures = Failures in a row
status-endpoint-state = State
status-endpoint-ok = live
status-endpoint-failing = failing
status-endpoint-distrusted = distrusted
status-endpoints-none-recorded = None: this network is read from a recording.
status-endpoints-none = None is configured in this process.
status-checks = Checks since the first epoch
status-mismatch-list = Sums that differ from state
status-mismatch-none = None in the newest { $of } epochs.
status-dishonest = Wrong answers
status-empty = No network is configured.
status-epochs-scanned = The newest { $of } epochs are looked through.

# Problems
problem-what = What you can do
problem-not-found = There is nothing at this address
problem-not-found-advice = Look for a miner or an epoch in the search box, or begin at the networks.
problem-unknown-network = Unknown network
problem-unknown-network-advice = This service does not index a network of that name. The first page lists those that it does.
problem-unknown-participant = Unknown participant
problem-unknown-participant-advice = No series has a value for that address at that epoch. Miners are named by their ID address, such as t01000; one that joined later is found at a later epoch.
problem-unknown-series = Unknown series
problem-unknown-series-advice = There is no board of that name. The board of the network lists all that there are.
problem-epoch-in-future = Epoch in the future
problem-epoch-in-future-advice = The index has not reached that epoch. Look at the newest one, or come back when it has.
problem-not-indexed = Not indexed
problem-not-indexed-advice = The epoch, or the whole network, is not in the index yet. Status says how far it is.
problem-invalid-query = The address has a part that cannot be read
problem-invalid-query-advice = An epoch is written at=e:120. Remove what was added to the address, or begin at the networks.
problem-table-too-large = The table is larger than an answer may be
problem-table-too-large-advice = Ask for a part of its rows: add limit=100000&page=1 to the address, then page=2, and so on.
problem-method-not-allowed = Everything here is only read
problem-method-not-allowed-advice = Use GET or HEAD.
problem-busy = At the limit
problem-busy-advice = More is asked at a time than this service answers. Ask again in 5 seconds.
problem-unavailable = The database did not answer
problem-unavailable-advice = Ask again in 5 seconds. Status says how the service does.
problem-internal = This program has a defect
problem-internal-advice = Its log names the cause. Other pages are not touched by it.
problem-detail = In detail
problem-home = Networks

# Series: names, heads of columns, where they come from
series-power-raw = Raw power
series-power-qa = Quality-adjusted power
series-sectors-live = Live sectors
series-sectors-faulty = Faulty sectors
series-sectors-recovering = Recovering sectors
series-sectors-terminated = Terminated sectors
series-sectors-active-bytes = Active bytes
series-reward-block = Block reward
series-reward-gas = Tips
series-penalty = Penalty
series-blocks-won = Blocks won
series-wincount = WinCount
series-expected-wins = Expected wins
series-deals-bytes = Deal bytes
series-deals-active = Active deals
series-burn-gas-send = Gas burnt, transfers
series-burn-gas-precommit = Gas burnt, PreCommit
series-burn-gas-provecommit = Gas burnt, ProveCommit
series-burn-gas-windowpost = Gas burnt, WindowPoSt
series-burn-gas-publish = Gas burnt, deals
series-burn-gas-other = Gas burnt, other
series-chain-null-rounds = Null rounds
series-chain-base-fee = Base fee
series-chain-gas-used = Gas used
series-chain-gas-limit = Gas limit
series-chain-beacon-rounds = Beacon rounds
series-chain-network-version = Network version
series-space-units = Space units
series-atx-weight = Weight
series-atx-streak = Epochs in a row
series-space-time = Space-time
series-slots-assigned = Slots
series-slots-filled = Slots filled
series-slots-missed = Slots missed
series-reward-layers = Layers that paid
series-expected-layers = Layers expected to pay
series-expected-reward = Expected reward
series-malfeasance = Malfeasance
series-chain-epoch-layers = Layers of an epoch
series-chain-empty-layers = Empty layers
series-chain-subsidy = Subsidy
series-burn-rounding = Burnt by rounding
head-power-raw = Raw power
head-power-qa = QA power
head-sectors-live = Live sectors
head-sectors-faulty = Faulty
head-sectors-recovering = Recovering
head-sectors-terminated = Terminated
head-sectors-active-bytes = Active bytes
head-reward-block = Block reward
head-reward-gas = Tips
head-penalty = Penalty
head-blocks-won = Blocks
head-wincount = WinCount
head-expected-wins = Expected
head-deals-bytes = Deal bytes
head-deals-active = Deals
head-space-units = Units
head-atx-weight = Weight
head-atx-streak = Streak
head-space-time = Space-time
head-slots-assigned = Slots
head-slots-filled = Filled
head-slots-missed = Missed
head-reward-layers = Paid
head-expected-layers = Expected
head-expected-reward = Exp. reward
head-malfeasance = Malfeasant
how-power-raw = Raw bytes in the miner’s claim, read from the power actor in the state that the epoch starts from.
how-power-qa = Quality-adjusted bytes in the miner’s claim, read from the power actor.
how-sectors-live = Counted in the bit fields of the miner’s partitions: on chain, not terminated or expired.
how-sectors-faulty = Counted in the fault bit fields of the miner’s partitions.
how-sectors-recovering = Declared recovered and not proven yet, from the miner’s partitions.
how-sectors-terminated = Terminated and still standing in a partition.
how-sectors-active-bytes = Raw bytes of live, proven sectors without a fault.
how-reward-block = Summed over the blocks won, from the reward actor’s state and the WinCount of each; reconciled with what was minted.
how-reward-gas = Miner tips of the messages included, recomputed from receipts and base fee.
how-penalty = Borne for including messages that cannot pay, recomputed from receipts and base fee.
how-blocks-won = Blocks of this miner on the chain, counted from headers.
how-wincount = Summed from the verified election proofs of its blocks.
how-expected-wins = Expected from look-back power and sortition in every round, null rounds included.
how-deals-bytes = Bytes in active deals, from the market actor’s state.
how-deals-active = Active deals of this provider, from the market actor’s state.
how-space-units = Units of space of the activation that works in the layer’s epoch.
how-atx-weight = Units times ticks of that activation: what slots are assigned by.
how-atx-streak = Epochs without a gap, up to this one, with a working activation.
how-space-time = Units times layers of the activations by epoch; all of an epoch counts from its first layer on.
how-slots-assigned = Assigned by weight, from the smesher’s first ballot of the epoch, or from all activations where there is none; all of an epoch count from its first layer on.
how-slots-filled = Proofs in its ballots, each checked.
how-slots-missed = Slots of epochs that are over that no ballot filled.
how-reward-layers = Layers whose rewards name the smesher.
how-expected-layers = Worked out from its slots: several may fall into one layer.
how-expected-reward = Its part of the slots’ weight in the subsidy of the epoch, before any luck.
how-malfeasance = 1 from the layer on in which the node knew a proof against it.

# Checks
check-header-cid = Block CID
checks-header-cid = the bytes of each header hash to its CID and are canonical
check-parent-links = Parent links
checks-parent-links = parents are the tipset before, in ticket order
check-parent-weight = Parent weight
checks-parent-weight = recomputed from power and wins of the parent
check-timestamp = Timestamp
checks-timestamp = the time is that of the epoch
check-block-signature = Block signature
checks-block-signature = BLS, by the worker key in look-back state
check-election-vrf = Election VRF
checks-election-vrf = the worker key made the election’s output
check-win-count = WinCount
checks-win-count = recomputed from the VRF and look-back power
check-miner-eligible = Miner may win
checks-miner-eligible = power above the minimum, no debt, no recent consensus fault
check-ticket-vrf = Ticket
checks-ticket-vrf = VRF over the parent’s ticket and the beacon
check-beacon = Beacon
checks-beacon = drand rounds of the epochs since the parent, and their signatures
check-messages-root = Message roots
checks-messages-root = the roots lead to messages that hash to their CIDs
check-message-signature-bls = BLS aggregate
checks-message-signature-bls = over all BLS messages of a block
check-message-signature-secp = Message signatures
checks-message-signature-secp = secp256k1 and delegated, one for each message
check-message-nonce = Senders and nonces
checks-message-nonce = in the parent state of each block
check-base-fee = Base fee
checks-base-fee = recomputed from the gas limits of the parent
check-receipts-root = Receipts
checks-receipts-root = one for each message that the parent executes
check-state-nodes = State nodes
checks-state-nodes = every node read hashes to its CID
check-certificate = Finality certificate
checks-certificate = signature, quorum, power table, and that it is about this chain
check-winning-post = WinningPoSt
checks-winning-post = SNARK over the challenged sectors

# Why a check was not made
reason-missing-parent = the parent tipset is not at hand
reason-missing-lookback = the tipsets back to the look-back epoch are not at hand
reason-missing-state = a node of state is not at hand
reason-missing-messages = messages or receipts are not at hand
reason-missing-beacon = no beacon entry is known that the randomness could start from
reason-store-failed = the block store failed; asking again may help
reason-unreadable-state = the state is there, but of a form that is not known
reason-unknown-rule = the network’s rule for this epoch is not known
reason-missing-key = the verifying key of the proof is not at hand
reason-feature-off = this build does not check SNARKs
reason-broken-chain = the certificates before it are missing or wrong

# Sums that are compared
recon-awards = Block rewards paid against what the reward actor minted
recon-claims-raw = Sum of all raw claims against the network’s total
recon-claims-qa = Sum of all quality-adjusted claims against the network’s total
recon-trace-paid = Rewards and tips against the node’s trace
recon-trace-penalties = Penalties against the node’s trace
recon-trace-tips = Tips against the node’s trace

# More
status-metrics = Metrics
status-unmade-why = Not made, and why
status-all-made = all were made
epoch-final = final
epoch-not-final = not final yet
problem-content-too-large = The request is too large
problem-content-too-large-advice = Ask without a body: everything here is only read.
status-seen = Looked at

# Documentation of the API
api = For programs
api-words = Every page has a JSON twin at its address with .json, most a CSV twin with .csv. What goes wrong is told as a problem whose type is the address of a page here.
api-address = Address
api-answer = Answer
problems = Problems

detail-no-page = There is no page at this address.
detail-no-table = { $page } has no table, and so no CSV.
detail-nothing-named = Neither a miner nor an epoch is named “{ $wanted }”.
detail-not-an-epoch = “{ $written }” is not the number of an epoch.
detail-no-kind = There is no kind of problem named “{ $name }”.
detail-unknown-network = There is no network named “{ $network }”.
detail-unknown-participant = { $participant } has no figure on { $network } at epoch { $epoch }.
detail-unknown-series = There is no board of a series “{ $series }”.
detail-epoch-in-future = Epoch { $epoch } is in the future: { $network } is indexed up to epoch { $head }.
detail-no-epochs = { $network } has no indexed epoch yet.
detail-no-final-epoch = No epoch of { $network } is final yet.
detail-not-indexed = Epoch { $epoch } of { $network } is not indexed: indexing began after it.
detail-query-name = The address asks for “{ $name }”, which this page does not know.
detail-query-twice = “{ $name }” stands twice in the address.
detail-query-epoch = { $name } is “{ $value }”, not an epoch: write { $name }=e:120 or { $name }=final.
detail-query-number = { $name } is “{ $value }”, not a whole number.
detail-query-column = { $name } is “{ $value }”, not a series of this board.
detail-table-too-large = The table has { $rows } rows. Ask for at most { $most } at a time: limit={ $most }&page=1, then page=2, and so on.
detail-method = Only GET and HEAD are answered here.
detail-body = Nothing here takes a body.
detail-busy = The service is at its limit.
detail-store = The database did not answer.
detail-broken = The answer could not be made.

theme = Colours
theme-system = As the system
theme-light = Light
theme-dark = Dark
zone = Time zone
look-keep = Keep
detail-query-choice = { $name } is “{ $value }”, which is none of its choices.
