//! The training station's devices: same code, same ceremony, same journal,
//! with nothing plugged in. Implementations of the key room's ports; a
//! PRODUCTION station refuses them.

pub mod card;
pub mod printer;
pub mod stick;
