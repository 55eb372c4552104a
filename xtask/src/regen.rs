use crate::run::{Failure, cargo, command, finish};

/// Write what is generated again: the references, which the tests that compare them with what is committed also know how to make, and the replay of Space Race 1.
pub(crate) fn regen() -> Result<(), Failure> {
    for package in ["apogee-rules", "apogee-server"] {
        let mut test =
            command("cargo", &["test", "--release", "--package", package, "--test", "it", "reference"]);
        test.env("REGENERATE", "1");
        finish(test)?;
    }
    cargo(&["run", "--release", "--package", "sr1-history"])
}
