use crate::run::{Failure, command, finish};

/// Write the generated references again. The test that compares them with what is committed also knows how to make them.
pub(crate) fn regen() -> Result<(), Failure> {
    let mut test =
        command("cargo", &["test", "--release", "--package", "apogee-server", "--test", "it", "reference"]);
    test.env("REGENERATE", "1");
    finish(test)
}
