use std::fmt::Write as _;

use super::{Address, AuditTree, PaymentList, Unpayable, fil};

/// A shell script that proposes every payment from a multisig: `lotus msig propose <multisig> <destination> <value in FIL>`.
///
/// It stops at the first proposal that fails. A line that has run is a proposal, so it says itself that it must not run twice.
///
/// # Errors
/// Where an entity has several addresses, or one without a Filecoin form.
pub fn multisig_script(list: &PaymentList, multisig: &Address) -> Result<String, Unpayable> {
    let testnet = matches!(multisig, Address::Filecoin { testnet: true, .. });
    let (payments, total, root) = (list.payments().len(), list.total(), AuditTree::new(list).root());
    let mut script = format!(
        "#!/bin/sh\n\
         # {payments} payments, {} FIL ({total} attoFIL) in all.\n\
         # Audit root of the list: {root}\n\
         # Every line is a proposal of its own. Running a line again pays again: after a failure, look at\n\
         # `lotus msig inspect` and take away the lines that are done.\n\
         set -eu\n",
        fil(total)
    );
    for payment in list.payments() {
        let address = payment.address()?;
        let to = address
            .filecoin(testnet)
            .ok_or_else(|| Unpayable::NoFilecoin(payment.entity.clone(), *address))?;
        // Ids, addresses and amounts hold nothing that a shell would read. Writing to a string cannot fail.
        let (value, entity) = (fil(payment.amount), &payment.entity);
        let _ = writeln!(script, "lotus msig propose '{multisig}' '{to}' '{value}' # {entity}");
    }
    Ok(script)
}
