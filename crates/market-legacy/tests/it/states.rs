use apogee_market_legacy::{Says, State};

#[test]
fn states_are_those_of_the_node() {
    assert_eq!(State(0).name(), Some("Unknown"));
    assert_eq!(State::REJECTED.name(), Some("ProposalRejected"));
    assert_eq!(State::ACTIVE.name(), Some("Active"));
    assert_eq!(State(16).name(), Some("StartDataTransfer"));
    assert_eq!(State::ERROR.name(), Some("Error"));
    assert_eq!(State(30).name(), Some("TransferQueued"));
    assert_eq!((State(31).name(), State(u64::MAX).name()), (None, None));
}

#[test]
fn an_error_is_never_a_verdict() {
    for state in [0, 1, 11, 26, 31, u64::MAX] {
        assert_eq!(State(state).says(), Says::LookOnChain, "{state}");
    }
    let count = |says| (0..31).filter(|state| State(*state).says() == says).count();
    assert_eq!((count(Says::Rejected), count(Says::Active), count(Says::Over)), (2, 1, 2));
    assert_eq!((count(Says::UnderWay), count(Says::LookOnChain)), (22, 4));
}
