use crate::run::{Failure, command, finish};

/// Write the generated references again. The tests that compare them with what is committed also know how to make them.
pub(crate) fn regen() -> Result<(), Failure> {
    for package in ["apogee-rules", "apogee-server"] {
        let mut test =
            command("cargo", &["test", "--release", "--package", package, "--test", "it", "reference"]);
        test.env("REGENERATE", "1");
        finish(test)?;
    }
    Ok(())
}
