//! Logical decoding messages: what pg_logical_emit_message() writes, for consumers of the WAL.

use crate::log::server;

/// The prefix with its NUL.
pub fn prefix(prefix: &[u8]) -> Vec<u8> {
    let mut prefix = prefix.to_vec();
    prefix.push(0);
    prefix
}

/// Part of the transaction: decoded when it commits.
pub fn write(prefix: &[u8], text: &[u8]) {
    // SAFETY: the prefix ends with its NUL, the message has its length.
    unsafe {
        server::LogLogicalMessage(
            prefix.as_ptr().cast(),
            text.as_ptr().cast(),
            text.len(),
            true,
            #[cfg(any(feature = "pg17", feature = "pg18"))]
            false,
        );
    }
}
