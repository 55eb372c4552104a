use apogee_market::ask::{StorageAsk, Unsuited};
use apogee_market::price::{per_epoch, provider_collateral, total};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;
use proptest::prelude::*;

fn atto(amount: u128) -> TokenAmount {
    TokenAmount::from_atto(amount)
}

fn ask() -> StorageAsk {
    StorageAsk {
        price: atto(500),
        verified_price: atto(0),
        min_piece_size: PaddedPieceSize(256),
        max_piece_size: PaddedPieceSize(1 << 30),
        miner: Address::new_id(1_000),
        timestamp: 1,
        expiry: 2,
        seq_no: 0,
    }
}

#[test]
fn a_price_is_the_asks_for_the_padded_bytes_rounded_up() {
    assert_eq!(per_epoch(&atto(1_000), PaddedPieceSize(1 << 30)), atto(1_000));
    assert_eq!(per_epoch(&atto(1_000), PaddedPieceSize(16 << 20)), atto(16)); // 15.625
    assert_eq!(per_epoch(&atto(1), PaddedPieceSize(128)), atto(1));
    assert_eq!(per_epoch(&atto(0), PaddedPieceSize(32 << 30)), atto(0));
    assert_eq!(total(&atto(16), 518_400), atto(8_294_400));
    assert_eq!(total(&atto(16), -1), atto(0));
}

#[test]
fn a_collateral_is_six_fifths_rounded_up() {
    assert_eq!(provider_collateral(&atto(0)), atto(0));
    assert_eq!(provider_collateral(&atto(5)), atto(6));
    assert_eq!(provider_collateral(&atto(11)), atto(14)); // 13.2
}

#[test]
fn an_ask_suits_by_price_and_by_size() {
    let size = PaddedPieceSize(16 << 20);
    assert_eq!(ask().suits(size, false, &atto(500)), Ok(atto(8)));
    assert_eq!(ask().suits(size, true, &atto(0)), Ok(atto(0)));
    assert_eq!(
        ask().suits(size, false, &atto(499)),
        Err(Unsuited::PriceOverCap { asked: atto(500), cap: atto(499) })
    );
    for bytes in [128, 2 << 30] {
        assert!(matches!(
            ask().suits(PaddedPieceSize(bytes), false, &atto(500)),
            Err(Unsuited::PieceSizeOutOfRange { size, least: 256, most: 1_073_741_824 }) if size == bytes
        ));
    }
}

proptest! {
    /// Boost and Curio round down: what is offered is never less, nor two attoFIL more.
    #[test]
    fn no_provider_finds_the_price_too_low(price in 0..u128::MAX, exponent in 7_u32..40) {
        let size = 1u64 << exponent;
        let offered = per_epoch(&atto(price), PaddedPieceSize(size));
        let least = (atto(price) * size).div_floor(1u64 << 30);
        prop_assert!(offered >= least);
        prop_assert!(offered <= least + atto(1));
    }
}
