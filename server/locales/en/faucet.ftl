# Faucets: why a request is refused. Figures are put beside these words by the page.

faucet-refused-paused = The faucet is paused
faucet-refused-paused-advice = Its operator says why below. Come back when it is open: nothing of this request was counted.
faucet-refused-denied = Requests of this account, recipient or network are refused
faucet-refused-denied-advice = The operator says why below, and until when.
faucet-refused-account-kind = Accounts of this kind cannot ask
faucet-refused-account-kind-advice = Sign in with the account of a person.
faucet-refused-account-age = The account is too young, or its provider does not tell its age
faucet-refused-account-age-advice = Come back when it is old enough, or ask the operator for an invite.
faucet-refused-identity-limit = The account has had what it may have
faucet-refused-identity-limit-advice = Windows slide: each grant stops counting when the window has passed since it was made.
faucet-refused-recipient-limit = The recipient has had what it may have
faucet-refused-recipient-limit-advice = All forms of one actor’s address count together. Another recipient may be accepted now.
faucet-refused-network-limit = The network that you ask from has had what it may have
faucet-refused-network-limit-advice = Others ask from the same addresses. Come back later, or ask from another network.
faucet-refused-event-limit = The event has given what it may give
faucet-refused-event-limit-advice = Ask whoever runs the event.
faucet-refused-event-code = No event has this code
faucet-refused-event-code-advice = Compare it with what you were given, or leave it out.
faucet-refused-event-over = The event is over
faucet-refused-event-over-advice = Leave the code out and ask like everybody.
faucet-refused-recipient-balance = The recipient has enough, or its balance cannot be read
faucet-refused-recipient-balance-advice = Spend some of it first, or name another recipient.
faucet-refused-budget-grants = No more grants are made today
faucet-refused-budget-grants-advice = A new day begins at midnight UTC.
faucet-refused-budget-amount = The money for today is given out
faucet-refused-budget-amount-advice = A new day begins at midnight UTC.
faucet-refused-pace = Too many ask at once
faucet-refused-pace-advice = Ask again in a moment.
faucet-refused-wallet-empty = The wallet is empty but for its reserve, or its balance cannot be read
faucet-refused-wallet-empty-advice = Its operator has been told. Nothing of this request was counted.

# Requests that are none.
faucet-recipient-invalid = This is no address
faucet-recipient-invalid-advice = Write an f0, f1, f2, f3 or f410 address of this network, or one with 0x.
faucet-recipient-checksum = The checksum of the address does not fit
faucet-recipient-checksum-advice = A letter is wrong: copy the address again.
faucet-recipient-network = This is an address of another network
faucet-recipient-network-advice = Addresses here begin with another letter, or with 0x.
faucet-recipient-absent = The network has no such actor
faucet-recipient-absent-advice = An f0 or f2 address can be paid only when its actor is there.
faucet-key-reused = This key was used for another request
faucet-key-reused-advice = Ask with a new key. The first request is as it was.

# Why a message’s gas is not paid back, or not yet.
faucet-refund-method = Messages of this method are not paid back
faucet-refund-failed = The message failed
faucet-refund-no-sector = It proved no sector
faucet-refund-sender = Its sender was neither the miner’s worker nor one of its control addresses
faucet-refund-blocked = The miner is blocked
faucet-refund-base-fee = The network was crowded: at this base fee nothing is paid back
faucet-refund-day = The miner, its owner or everybody together have had what a day gives
faucet-refund-nothing = Too little was burnt
faucet-refund-unproven = Its sectors wait for their first WindowPoSt
faucet-refund-never-proven = The first WindowPoSt of its sectors did not come in time
faucet-refund-gone = None of its sectors is left
