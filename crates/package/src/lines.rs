//! Lines of bounded length.

use std::io::{self, BufRead};

/// What was found where a line should be.
pub(crate) enum Found {
    /// A whole line is in the buffer, without its line feed.
    Line,
    /// Nothing: the end.
    End,
    /// Something, but no line feed after it.
    Cut,
    /// More than the limit.
    TooLong,
}

/// Read a line of at most `limit` bytes into `line`.
pub(crate) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<Found> {
    line.clear();
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(if line.is_empty() { Found::End } else { Found::Cut });
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let (content, _) = chunk.split_at(end.unwrap_or(chunk.len()));
        if line.len() + content.len() > limit {
            return Ok(Found::TooLong);
        }
        line.extend_from_slice(content);
        let used = content.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Found::Line);
        }
    }
}
