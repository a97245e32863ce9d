//! Conclave, the key-ceremony workstation.

mod cli;

use std::process::ExitCode;

use conclave_crypto::secret::{ZeroOnFree, give_large_blocks_back};

/// What libraries copy of a secret does not outlive its block.
#[global_allocator]
static ALLOCATOR: ZeroOnFree = ZeroOnFree;

fn main() -> ExitCode {
    give_large_blocks_back();
    cli::run()
}
