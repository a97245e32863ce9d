//! Smart-card readers behind PC/SC (pcscd).
//!
//! Contexts are not shared between a caller that waits and callers that
//! work: libpcsclite holds a context's lock for as long as it waits.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use conclave_keyroom::ports::card::{
    CardChannel, CardError, CardReaders, ReaderId, ReaderState, Response,
};
use pcsc::{Card, Context, Disposition, Error, Protocol, Protocols, Scope, ShareMode, State};
use zeroize::Zeroizing;

/// The readers that pcscd knows.
///
/// A service that is not running, or is started again later, is no reason to
/// make a new one of these: each call connects anew when it has to.
#[derive(Default)]
pub struct PcscReaders {
    look: Mutex<Option<Context>>,
    /// Channels that were given out.
    given: Mutex<Vec<Given>>,
}

/// A channel that was given out: to which card, by its reader and the
/// reader's count of insertions and removals.
struct Given {
    reader: CString,
    changes: u32,
    card: Weak<Mutex<Option<Card>>>,
}

impl PcscReaders {
    /// Readers of this machine's pcscd. Does not talk to it yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` with the context for looking, and forgets the context if
    /// the service has gone away under it.
    fn with_context<T>(
        &self,
        work: impl FnOnce(&Context) -> Result<T, Error>,
    ) -> Result<T, CardError> {
        let mut kept = locked(&self.look);
        let context = match kept.take() {
            Some(context) if context.is_valid().is_ok() => context,
            _ => establish()?,
        };
        let done = work(&context);
        *kept = Some(context);
        done.map_err(kind)
    }

    /// Lets go of this reader's cards that were pulled while somebody held
    /// them: to pcscd they would stand in the way of the next card.
    fn forget_pulled(&self, reader: &CString, changes: u32) {
        let mut given = locked(&self.given);
        given.retain(|it| it.card.strong_count() > 0);
        for it in given.iter() {
            if it.reader == *reader
                && it.changes != changes
                && let Some(card) = it.card.upgrade()
                && let Some(card) = locked(&card).take()
            {
                // Not reset: that would meet the card that is in now.
                let _ = card.disconnect(Disposition::LeaveCard);
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The reader's count of insertions and removals.
fn changes(context: &Context, reader: &CString) -> Result<u32, Error> {
    let mut state = [pcsc::ReaderState::new(reader.clone(), State::UNAWARE)];
    match context.get_status_change(Duration::ZERO, &mut state) {
        Ok(()) | Err(Error::Timeout) => Ok(state[0].event_count()),
        Err(error) => Err(error),
    }
}

fn establish() -> Result<Context, CardError> {
    Context::establish(Scope::User).map_err(kind)
}

impl CardReaders for PcscReaders {
    fn states(&self) -> Result<Vec<ReaderState>, CardError> {
        self.with_context(|context| Ok(seen(&look(context)?)))
    }

    fn wait_change(
        &self,
        known: &[ReaderState],
        timeout: Duration,
    ) -> Result<Vec<ReaderState>, CardError> {
        let context = establish()?;
        #[allow(clippy::disallowed_methods)] // this is the host: the limit is pcscd's, in real time
        let start = Instant::now();
        loop {
            let mut readers = look(&context).map_err(kind)?;
            let states = seen(&readers);
            let left = timeout.saturating_sub(start.elapsed());
            if states != known || left.is_zero() {
                return Ok(states);
            }
            // From the very states just compared, so nothing in between is
            // missed. It also ends for changes that are none to us, such as
            // somebody else's connection: hence the loop.
            for reader in &mut readers {
                reader.sync_current_state();
            }
            match context.get_status_change(left, &mut readers) {
                // A reader that was unplugged is unknown: look again.
                Ok(()) | Err(Error::Timeout | Error::UnknownReader) => {}
                Err(error) => return Err(kind(error)),
            }
        }
    }

    fn connect(&self, reader: &ReaderId) -> Result<Box<dyn CardChannel>, CardError> {
        let name = CString::new(reader.0.as_str()).map_err(|_| CardError::NoReader)?;
        let context = establish()?;
        let changes = changes(&context, &name).map_err(kind)?;
        self.forget_pulled(&name, changes);
        let mut tries = 0;
        let (card, protocol) = loop {
            match powered(&context, &name) {
                // A card that was just put in may still be powering up.
                Err(CardError::Protocol(_)) if tries < POWER_UP_TRIES => tries += 1,
                came => break came?,
            }
            std::thread::sleep(POWER_UP);
        };
        let card = Arc::new(Mutex::new(Some(card)));
        locked(&self.given).push(Given {
            reader: name.clone(),
            changes,
            card: Arc::downgrade(&card),
        });
        Ok(Box::new(Channel {
            card,
            protocol,
            name,
        }))
    }
}

/// All readers with their states now, and last the pseudo reader that changes
/// when a reader is attached or detached.
fn look(context: &Context) -> Result<Vec<pcsc::ReaderState>, Error> {
    let names: BTreeSet<CString> = match context.list_readers_owned() {
        Ok(names) => names.into_iter().collect(),
        Err(Error::NoReadersAvailable) => BTreeSet::new(),
        Err(error) => return Err(error),
    };
    let mut readers: Vec<_> = names
        .into_iter()
        .map(|name| pcsc::ReaderState::new(name, State::UNAWARE))
        .chain([pcsc::ReaderState::new(
            pcsc::PNP_NOTIFICATION(),
            State::UNAWARE,
        )])
        .collect();
    match context.get_status_change(Duration::ZERO, &mut readers) {
        Ok(()) | Err(Error::Timeout) => Ok(readers),
        Err(error) => Err(error),
    }
}

fn seen(readers: &[pcsc::ReaderState]) -> Vec<ReaderState> {
    readers
        .iter()
        .filter(|reader| reader.name() != pcsc::PNP_NOTIFICATION())
        .filter(|reader| {
            !reader
                .event_state()
                .intersects(State::UNKNOWN | State::IGNORE)
        })
        .map(|reader| ReaderState {
            id: ReaderId(reader.name().to_string_lossy().into_owned()),
            card_present: reader.event_state().contains(State::PRESENT),
            changes: u64::from(reader.event_count()),
            training: false,
        })
        .collect()
}

struct Channel {
    /// `None` once it was pulled and another took its place.
    card: Arc<Mutex<Option<Card>>>,
    protocol: Protocol,
    name: CString,
}

/// How long pcscd may take to notice that a card is gone: it looks at some
/// readers only every 400 ms.
const NOTICE: Duration = Duration::from_millis(1000);

impl Channel {
    /// A card that does not answer is a card pulled in the middle, if pcscd
    /// comes to say so.
    fn is_removed(&self) -> Result<bool, Error> {
        let context = Context::establish(Scope::User)?;
        let mut reader = [pcsc::ReaderState::new(self.name.clone(), State::UNAWARE)];
        let mut wait = Duration::ZERO;
        // First as it is now; then for changes, of which a few may be others.
        for _ in 0..4 {
            match context.get_status_change(wait, &mut reader) {
                Ok(()) => {}
                Err(Error::Timeout) => return Ok(false),
                Err(error) => return Err(error),
            }
            if !reader[0].event_state().contains(State::PRESENT) {
                return Ok(true);
            }
            reader[0].sync_current_state();
            wait = NOTICE;
        }
        Ok(false)
    }
}

impl CardChannel for Channel {
    fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError> {
        let card = locked(&self.card);
        let card = card.as_ref().ok_or(CardError::Removed)?;
        let command = match self.protocol {
            Protocol::T0 => without_le(command),
            _ => command,
        };
        let mut buffer = Zeroizing::new([0u8; pcsc::MAX_BUFFER_SIZE]);
        match card.transmit(command, &mut buffer[..]) {
            Ok(answer) => Response::new(answer.to_vec()),
            Err(Error::NotTransacted | Error::UnresponsiveCard)
                if self.is_removed().unwrap_or(false) =>
            {
                Err(CardError::Removed)
            }
            Err(error) => Err(kind(error)),
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(card) = locked(&self.card).take() {
            // Fails when the card is gone, and with it what was to be reset.
            let _ = card.disconnect(Disposition::ResetCard);
        }
    }
}

/// How long a card that was just put in may take until it says what it speaks:
/// so many times this long.
const POWER_UP_TRIES: u32 = 10;
const POWER_UP: Duration = Duration::from_millis(50);

/// The card in a reader, ours alone, and what it speaks.
fn powered(context: &Context, name: &CStr) -> Result<(Card, Protocol), CardError> {
    let card = context
        .connect(name, ShareMode::Exclusive, Protocols::ANY)
        .map_err(kind)?;
    let protocol = card.status2_owned().map_err(kind)?.protocol2();
    let silent = CardError::Protocol("the card speaks neither T=0 nor T=1");
    Ok((card, protocol.ok_or(silent)?))
}

/// T=0 carries no Le behind data (ISO 7816-3 section 12.2.5): the card says
/// with `61xx` that it has an answer.
fn without_le(command: &[u8]) -> &[u8] {
    match command {
        [_, _, _, _, length, data @ ..]
            if data.len() == usize::from(*length) + 1 && *length > 0 =>
        {
            &command[..command.len() - 1]
        }
        _ => command,
    }
}

fn kind(error: Error) -> CardError {
    match error {
        Error::RemovedCard | Error::NoSmartcard => CardError::Removed,
        Error::SharingViolation => CardError::Sharing,
        Error::UnknownReader | Error::ReaderUnavailable => CardError::NoReader,
        Error::NoService
        | Error::ServiceStopped
        | Error::InvalidHandle
        | Error::Shutdown
        | Error::CommError => CardError::NoService,
        Error::Timeout => CardError::Timeout,
        Error::UnresponsiveCard | Error::UnpoweredCard => {
            CardError::Protocol("the card does not power up")
        }
        Error::UnsupportedCard | Error::ProtoMismatch => {
            CardError::Protocol("the card speaks neither T=0 nor T=1")
        }
        Error::NotTransacted => CardError::Protocol("the card does not answer"),
        Error::ResetCard => CardError::Protocol("the card was reset"),
        _ => CardError::Protocol("the reader failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_case_4_command_loses_its_le() {
        for (name, command, sent) in [
            ("case 1", &[0, 0x20, 0, 0x80][..], 4),
            ("case 2", &[0, 0xC0, 0, 0, 0], 5),
            ("case 3", &[0, 0x20, 0, 0x80, 2, 1, 2], 7),
            ("case 4", &[0, 0xA4, 4, 0, 2, 1, 2, 0], 7),
        ] {
            assert_eq!(without_le(command).len(), sent, "{name}");
        }
    }
}
