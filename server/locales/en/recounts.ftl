# Recounts of votes.
recounts-title = Recounts
recounts-h1 = Recounts of { $network }
recounts-lead = A node takes rewards back when votes decide otherwise later. A recount counts the votes in a copy of its database again, in a process of its own. It changes nothing until somebody decides.
recounts-empty = Votes of this network were not counted again yet.
recounts-empty-here = This server begins when the copy of the node’s database reaches a layer that votes can decide on.
recounts-empty-hand = An operator can: apogee spacemesh recount run.
recounts-input = Input
recounts-state = Decision
recounts-first = From layer
recounts-last = To layer
recounts-verified = Votes decide up to
recounts-index = The index
recounts-open = open
recounts-applied = applied
recounts-cancelled = cancelled
recounts-agrees = agrees
recounts-differs = differs
recounts-not-indexed = not indexed
recounts-works = A recount up to layer { $layer } has been working since { $time }.
recounts-works-text = It runs beside this server at the lowest priority. Pages, indexing and faucets do not wait for it.
recounts-failed-at = The recount of { $time } came to nothing.
recounts-failed-files = Its copy or its report could not be kept on disk. It is tried again with the next copy.
recounts-failed-process = It ended with an error, which the log has. It is tried again with the next copy.
recounts-failed-too-long = It took longer than it may. It is tried again with the next copy.
recounts-failed-ended = It was ended from outside three times, or by its bounds. It is tried again with the next copy.
recounts-failed-report = Its report cannot be decided by; the log says why. It is tried again with the next copy.
recounts-failed-database = The database did not answer. It is tried again.
recounts-hidden = { $n ->
    [one] One older recount is not listed.
   *[other] { $n } older recounts are not listed.
}
recounts-hint = While a recount is open, no competition that looks at its layers has final standings. The next copy is counted once it is decided.
recount-h1 = A recount
recount-lead = { $network }, layers { $first } to { $last }, { $time }
recount-verdict = What votes say
recount-agrees = Votes decide as the node did, and as the index has it.
recount-index-differs = Votes decide as the node did whose copy was counted. The index has other opinions on { $index } layers.
recount-node-differs = Votes decide otherwise than the node on { $node } layers. The index has the opinions of votes.
recount-both-differ = Votes decide otherwise than the node on { $node } layers, and the index differs on { $index }.
recount-decided = What is decided
recount-up-to = Up to layer { $verified }.
recount-ballots = { $ballots } ballots are what they claim, none is anything else.
recount-rewards = What it changes
recount-changed = { $changed ->
    [0] No reward of the copy changes.
    [one] One reward goes or changes.
   *[other] { $changed } rewards go or change.
}
recount-concerned = { $smeshers ->
    [one] One smesher is concerned.
   *[other] { $smeshers } smeshers are concerned.
} In the layers that differ, { $same } rewards stay.
recount-next = What to do
recount-next-apply = Look at what it changes, then apply or cancel it.
recount-next-index = Index a copy that agrees with the votes, then apply it; or cancel it.
recount-next-applied = Nothing: it was applied. Layers up to { $verified } are final where they lie deep enough.
recount-next-cancelled = Nothing: it was cancelled and says nothing.
recount-untold = The copy that was counted pays as votes decide, the index does not. Which rewards of the index change is not shown here: it shows once a copy that agrees is indexed.
recount-layers = Layers that differ
recount-layers-none = On every layer that votes decide on, node and index have the same opinion.
recount-layers-lead = An opinion builds on those before: from the first difference on all differ. { $shown } layers are shown at most.
recount-layer = Layer
recount-block = Block by votes
recount-node-block = Block of the node
recount-node = The node
recount-no-block = none
recount-smeshers = Smeshers
recount-smeshers-none = Nobody’s rewards change.
recount-smeshers-lead = What each was paid in the layers that differ, and is owed there. { $shown } are shown at most; the table of data has all.
recount-smesher = Smesher
recount-paid = Paid, SMH
recount-owed = Owed, SMH
recount-rows = Rewards that go or change
recount-rows-lead = In smidge, 10⁻⁹ SMH. { $shown } are shown at most.
recount-paid-smidge = Paid, smidge
recount-owed-smidge = Owed, smidge
recount-gaps = Known in part
recount-gaps-lead = In these layers not everything that is owed is known.
recount-gap-transactions = { $n ->
    [one] The fee of one transaction is not known and is left out.
   *[other] The fees of { $n } transactions are not known and are left out.
}
recount-gap-lacking = The copy does not have the block: nothing is known of what it pays.
recount-evidence = Evidence
recount-report = Report
recount-opinion = Opinion of votes
recount-evidence-hint = The input names everything that was counted. Whoever counts the same copy with the same parameters gets the same report, to the byte.
recount-decide = Decide
recount-decide-hint = Who decides, and why, goes into the audit log.
recount-competitions = What it does to competitions
recount-competitions-none = No competition looks at layers whose rewards change.
recount-mark = SIMULATION · rewards as votes decide, not as they are indexed
recount-side-paid = as paid
recount-side-owed = as owed
recount-caption = SIMULATION at epoch { $epoch }. Left: rewards as they are indexed. Right: as votes decide. { $rows } rows.
recount-left = { $n ->
    [one] Layer { $first } is left as it is indexed: the index pays otherwise there than the copy that was counted, or the block is not known.
   *[other] { $n } layers from { $first } on are left as they are indexed: the index pays otherwise there than the copy that was counted, or the blocks are not known.
}
recount-no-standings = It has no standings yet.
detail-unknown-recount = No recount of the input “{ $input }” is shown.
