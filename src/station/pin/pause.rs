//! A pause while mailers are printed: it holds from the next sheet on. What had not
//! left waits again, as when a printer refuses a sheet, and the journal says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_keyroom::door::{DoorError, Stop};
use conclave_keyroom::ports::dialogue::{Answer, People};
use conclave_trades::pin::action::{PrintMailers, Printed};

use crate::approve::Undone;
use crate::cards::Interrupted;
use crate::station::Station;

/// How often a pause is looked for while a window is printed.
const LISTEN: Duration = Duration::from_millis(20);

/// TRUE for what ends a run.
fn ends(answer: &Answer) -> bool {
    matches!(answer, Answer::Abort | Answer::Shutdown | Answer::CardGone)
}

pub(super) fn paused() -> Result<Vec<String>, Undone> {
    Ok(vec!["Paused; the rest waits.".into()])
}

/// How a run ends by what people said; nothing where it goes on.
pub(super) fn ended(answer: Option<Answer>) -> Option<Result<Vec<String>, Undone>> {
    match answer? {
        Answer::Abort => Some(paused()),
        Answer::Shutdown => Some(Err(Undone::Interrupted(Interrupted::Shutdown))),
        Answer::CardGone => Some(Err(Undone::Interrupted(Interrupted::CardGone))),
        _ => None,
    }
}

impl Station {
    /// Prints a window, and listens meanwhile: a pause holds from the next sheet on. What
    /// was said is the second part.
    pub(super) fn print_window(
        &mut self,
        action: &PrintMailers,
        people: &mut dyn People,
    ) -> (Result<Printed, DoorError>, Option<Answer>) {
        let stop = Arc::clone(self.door.stop());
        let over = AtomicBool::new(false);
        let listen = || {
            while !over.load(Ordering::SeqCst) {
                if let Some(answer) = people.answer(Duration::ZERO)
                    && ends(&answer)
                {
                    stop.raise(Stop::Asked);
                    return Some(answer);
                }
                std::thread::park_timeout(LISTEN);
            }
            None
        };
        let done = std::thread::scope(|scope| {
            let named = std::thread::Builder::new().name("pause".into());
            // Without a listener a pause holds from the next window on.
            let listener = named.spawn_scoped(scope, listen).ok();
            let printed = self.perform_plain(action);
            over.store(true, Ordering::SeqCst);
            let asked = listener.and_then(|listener| {
                listener.thread().unpark();
                listener.join().ok().flatten()
            });
            (printed, asked)
        });
        self.door.stop().answered();
        if self.card_lost() {
            // It was raised for the pause, and stays up for the card.
            self.door.stop().raise(Stop::QuorumLost);
        }
        done
    }
}
