//! What a stranger can check, alone and without cards.
