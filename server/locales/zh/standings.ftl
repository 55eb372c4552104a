# Boards, regions, entities, payout, verification.

