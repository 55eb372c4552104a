use serde_json::{Value, json};
use sha3::{Digest as _, Keccak256};

use super::address::checksummed;
use super::{AuditTree, PaymentList, Unpayable, fil};

/// What a batch says beside the payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeTerms {
    /// The chain's EIP-155 number: 314 for Filecoin, 314159 for Calibration.
    pub chain_id: u64,
    /// The Safe that pays.
    pub safe: [u8; 20],
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// What people call it.
    pub name: String,
    /// The most payments in one batch: a batch is one transaction, and has to fit into a block.
    pub most: usize,
}

/// Batches for the Transaction Builder of Safe that pay a list, `most` payments in each, with their checksums.
///
/// # Errors
/// Where an entity has several addresses or one without an Ethereum form, or `most` is 0.
pub fn safe_batches(list: &PaymentList, terms: &SafeTerms) -> Result<Vec<Value>, Unpayable> {
    if terms.most == 0 {
        return Err(Unpayable::NoBatch);
    }
    let root = AuditTree::new(list).root();
    let batches = list.payments().chunks(terms.most);
    let count = batches.len();
    batches
        .enumerate()
        .map(|(index, payments)| {
            let mut transactions = Vec::with_capacity(payments.len());
            for payment in payments {
                let address = payment.address()?;
                let to = address
                    .ethereum()
                    .ok_or_else(|| Unpayable::NoEthereum(payment.entity.clone(), *address))?;
                transactions
                    .push(json!({"to": checksummed(&to), "value": payment.amount.to_string(), "data": "0x"}));
            }
            let description = format!(
                "Batch {} of {count}: {} of {} payments, {} FIL in all. Audit root of the list: {root}",
                index + 1,
                payments.len(),
                list.payments().len(),
                fil(list.total())
            );
            Ok(batch(terms, &description, transactions))
        })
        .collect()
}

fn batch(terms: &SafeTerms, description: &str, transactions: Vec<Value>) -> Value {
    let mut meta = json!({
        "name": terms.name,
        "description": description,
        "txBuilderVersion": "1.18.2",
        "createdFromSafeAddress": checksummed(&terms.safe),
        "createdFromOwnerAddress": "",
    });
    let whole = |meta: &Value| {
        json!({
            "version": "1.0",
            "chainId": terms.chain_id.to_string(),
            "createdAt": terms.created_ms,
            "meta": meta,
            "transactions": transactions,
        })
    };
    let checksum = checksum(&whole(&meta));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("checksum".to_owned(), checksum.into());
    }
    whole(&meta)
}

/// The checksum of a batch, which does not hold one yet: keccak of its serialisation with the name left out
/// (safe-global/safe-react-apps, `apps/tx-builder/src/lib/checksum.ts`).
fn checksum(batch: &Value) -> String {
    let mut batch = batch.clone();
    if let Some(name) = batch.pointer_mut("/meta/name") {
        *name = Value::Null;
    }
    let mut text = String::new();
    serialise(&batch, &mut text);
    format!("0x{}", hex::encode(Keccak256::digest(&text)))
}

/// Objects as `{["key",…]value,value,}` with sorted keys, everything else as JSON.
fn serialise(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                serialise(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            let keys: Vec<&String> = members.iter().map(|(key, _)| *key).collect();
            out.push('{');
            out.push_str(&json!(keys).to_string());
            for (_, member) in members {
                serialise(member, out);
                out.push(',');
            }
            out.push('}');
        }
        value => out.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The batch of the builder's own test; the checksum there was made before names were left out, so the name is hashed here too.
    #[test]
    fn the_serialisation_is_that_of_the_builder() {
        let method = |name: &str, parameter: &str, kind: &str| {
            json!({
                "inputs": [{"internalType": kind, "name": parameter, "type": kind}],
                "name": name,
                "payable": false,
            })
        };
        let to = "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6";
        let batch = json!({
            "version": "1.0",
            "chainId": "4",
            "createdAt": 1_646_321_521_061_u64,
            "meta": {
                "name": "test batch file",
                "txBuilderVersion": "1.4.0",
                "checksum": "",
                "createdFromSafeAddress": "0xDF8a1Ce35c9a6ACE153B4e0767942f1E2291a1Aa",
                "createdFromOwnerAddress": to,
            },
            "transactions": [
                {
                    "to": to,
                    "value": "0",
                    "contractMethod": method("testAddress", "paramAddress", "address"),
                    "contractInputsValues": {"paramAddress": to},
                },
                {
                    "to": to,
                    "value": "0",
                    "contractMethod": method("testBool", "paramBool", "bool"),
                    "contractInputsValues": {"paramAddress": "", "paramBool": "false"},
                },
                {
                    "to": to,
                    "value": "2000000000000000000",
                    "data": "0x42f4579000000000000000000000000049d4450977e2c95362c13d3a31a09311e0ea26a6",
                },
            ],
        });
        let mut text = String::new();
        serialise(&batch, &mut text);
        assert_eq!(
            hex::encode(Keccak256::digest(&text)),
            "832ecdb6653751ed00b79dede73864163e46e71815b72e11e506d6399bedffc9"
        );
        let mut renamed = batch.clone();
        renamed["meta"]["name"] = "another".into();
        assert_eq!(checksum(&batch), checksum(&renamed));
    }
}
