//! The training station's devices.
