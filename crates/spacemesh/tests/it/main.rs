//! What this crate says, held against what Spacemesh's own software wrote.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod compact;
#[cfg(test)]
mod disputed;
#[cfg(test)]
mod draws;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod made;
#[cfg(test)]
mod rewards;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod subsidies;
#[cfg(test)]
mod transactions;

#[cfg(test)]
fn data(path: &str) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(apogee_testkit::data(&format!("spacemesh/{path}"))?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

#[cfg(test)]
fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}
