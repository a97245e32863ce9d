//! What lies in the printer, in locked memory.

use conclave_crypto::secret::Secret;

/// Bytes of one piece.
const PIECE: usize = 256;

/// A byte string that grows in pieces, so that nothing is ever moved and left
/// behind.
#[derive(Default)]
pub struct Tray {
    pieces: Vec<Secret>,
    len: usize,
}

impl Tray {
    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was printed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds bytes at the end.
    pub fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at = self.len % PIECE;
            if at == 0 {
                self.pieces.push(Secret::zeroed(PIECE));
            }
            let (now, rest) = bytes.split_at(bytes.len().min(PIECE - at));
            if let Some(place) = self
                .pieces
                .last_mut()
                .and_then(|piece| piece.expose_mut().get_mut(at..at + now.len()))
            {
                place.copy_from_slice(now);
            }
            self.len += now.len();
            bytes = rest;
        }
    }

    /// All of it in one piece.
    pub fn bytes(&self) -> Secret {
        Secret::from_fn(self.len, |whole| {
            for (place, piece) in whole.chunks_mut(PIECE).zip(&self.pieces) {
                let len = place.len();
                place.copy_from_slice(piece.expose().get(..len).unwrap_or_default());
            }
        })
    }

    /// Wipes it.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.len = 0;
    }
}
