use apogee_spacemesh::id::LayerId;
use apogee_spacemesh::scale::{Reader, ScaleError, decode, write_compact};
use proptest::prelude::*;

use crate::data;

fn written(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write_compact(value, &mut out);
    out
}

#[test]
fn published_integers_are_read_and_written() {
    let Some(vectors) = data("crypto/scale_addr_vrf_gas_vectors.json") else { return };
    let vectors = vectors["compact"].as_array().unwrap();
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        let (value, bytes) = (vector[0].as_u64().unwrap(), hex::decode(vector[1].as_str().unwrap()).unwrap());
        assert_eq!(written(value), bytes, "{value}");
        assert_eq!(Reader::new(&bytes).compact64(), Ok(value));
    }
}

#[test]
fn only_the_shortest_form_is_read() {
    let read = |bytes: &[u8]| Reader::new(bytes).compact64();
    for long in [
        &[0x01, 0x00][..],                                       // 0 in two bytes
        &[0xfd, 0x00],                                           // 63 in two bytes
        &[0xfe, 0xff, 0x00, 0x00],                               // 16,383 in four bytes
        &[0x03, 0xff, 0xff, 0xff, 0x3f],                         // 2^30 - 1 in five bytes
        &[0x07, 0xff, 0xff, 0xff, 0xff, 0x00],                   // 2^32 - 1 in six bytes
        &[0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00], // 2^56 - 1 in nine bytes
    ] {
        assert_eq!(read(long), Err(ScaleError::NotShortest { at: 0 }), "{long:02x?}");
    }
    assert_eq!(read(&[0x17; 10]), Err(ScaleError::Overflow { at: 0, bits: 64 }));
    assert_eq!(read(&[0x01]), Err(ScaleError::Truncated { at: 1, needed: 1 }));
    assert_eq!(read(&[0x13, 1]), Err(ScaleError::Truncated { at: 1, needed: 8 }));
    assert_eq!(read(&[]), Err(ScaleError::Truncated { at: 0, needed: 1 }));
}

#[test]
fn a_field_takes_no_wider_integer() {
    let overflow = |bits| Err(ScaleError::Overflow { at: 0, bits });
    assert_eq!(Reader::new(&written(255)).compact8(), Ok(255));
    assert_eq!(Reader::new(&written(256)).compact8(), overflow(8));
    assert_eq!(Reader::new(&written(u32::MAX.into())).compact32(), Ok(u32::MAX));
    assert_eq!(decode::<LayerId>(&written(1 << 32)), Err(ScaleError::Overflow { at: 0, bits: 32 }));
}

#[test]
fn options_are_zero_or_one() {
    assert_eq!(decode::<Option<LayerId>>(&[0]), Ok(None));
    assert_eq!(decode::<Option<LayerId>>(&[1, 4]), Ok(Some(LayerId(1))));
    assert_eq!(decode::<Option<LayerId>>(&[2, 4]), Err(ScaleError::Flag { at: 0, byte: 2 }));
    assert_eq!(decode::<Option<LayerId>>(&[0, 4]), Err(ScaleError::Trailing { at: 1, rest: 1 }));
}

#[test]
fn a_list_that_is_only_announced_takes_no_room() {
    let mut announced = written(u64::from(u32::MAX));
    let long = Reader::new(&announced).list::<LayerId>(10);
    assert_eq!(long, Err(ScaleError::TooMany { at: 0, count: u32::MAX, limit: 10 }));
    announced.push(4);
    let cut = Reader::new(&announced).list::<LayerId>(u32::MAX);
    assert_eq!(cut, Err(ScaleError::Truncated { at: 6, needed: 1 }));
}

proptest! {
    #[test]
    fn every_integer_has_one_form(value: u64, shift in 0_u32..64, bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
        let value = value >> shift;
        prop_assert_eq!(Reader::new(&written(value)).compact64(), Ok(value));
        let mut reader = Reader::new(&bytes);
        if let Ok(read) = reader.compact64() {
            prop_assert_eq!(&bytes[..reader.at()], written(read));
        }
    }
}
