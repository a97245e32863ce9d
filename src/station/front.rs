//! What a front end (the terminal, the demonstration) and the station say to
//! one another. A front asks; the station decides. No secret travels here
//! except inside [`Answer::Secret`].

use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::ports::dialogue::{Answer, Prompt, Refusal};

use crate::doctor::Finding;
pub use crate::key_search::KeySearch;
pub use crate::key_table::{KeyTable, KeyTableBuilder};

/// What a front end asks of the station.
pub enum Request {
    /// Begin the initialise ceremony (empty station only), or finish an
    /// interrupted one.
    Initialise,
    /// A group logs on; with nothing named, the person's card decides and Tab
    /// changes.
    Logon(Option<GroupId>),
    /// End the session.
    Logout,
    /// Begin a ceremony from a script, by its file name.
    Ceremony(String),
    /// Go on with an open ceremony, by its id in hex.
    Resume(String),
    /// Run an administration act: enrol a printer, enrol a medium, unlock the
    /// station.
    Administer(Administration),
    /// Something done with one key of the list.
    Key {
        /// What.
        act: KeyAct,
        /// Its record.
        id: Id,
    },
    /// Something with batches of PIN mailers.
    Pins(PinAct),
    /// Make an RSA pair.
    MakeRsa,
    /// Take a partner's public key from a medium.
    ImportPublic,
    /// Write the journal export.
    ExportJournal,
    /// Every check of station and machine, please.
    Doctor,
    /// Fresh lists, please.
    Refresh,
    /// Custody, history and places of one key, which is being looked at.
    KeyDetail {
        /// Its label, for the answer.
        label: String,
        /// Its record.
        id: Id,
    },
    /// An answer to the prompt that stands.
    Answer(Answer),
    /// Somebody pressed a key: the idle clock starts again.
    Awake,
    /// Somebody pressed a key at a blank screen: it comes back. No other request
    /// wakes it; one that was under way when a card was pulled would.
    Wake,
    /// End the program.
    Quit,
}

/// What is done with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAct {
    /// It leaves under a zone master key, as a letter.
    Letter,
    /// Envelopes, strips and letter that go with its sealed components.
    Papers,
    /// It leaves for a system on record, on a medium.
    HandOver,
    /// A file is looked at and tried under it; nothing is changed.
    CheckFile,
    /// The public half of an RSA pair leaves on a medium.
    Public,
    /// It goes to the PIN room for a while, or comes back.
    PinRoom,
    /// Another takes its place.
    Replace,
    /// Something is wrong with it, or with one of its packages.
    Incident,
    /// Its value is erased.
    Destroy,
}

/// What is done in the PIN room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinAct {
    /// A batch is opened from its issuer's file.
    Open,
    /// What is next with a batch, by its record.
    Work(Id),
    /// Blank forms: what lies in the safe, and a delivery.
    Stock,
}

/// Acts of administrators from the devices screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Administration {
    /// Enrol a printer for one purpose.
    EnrolPrinter,
    /// Retire a printer that broke or goes away.
    RetireDevice,
    /// Enrol a USB medium.
    EnrolMedium,
    /// Two people read the plate of a medium without a serial number.
    ReadPlate,
    /// Record a system that keys go to, or change its record.
    RecordSystem,
    /// Approve a layout on a page of X's.
    ApproveLayout,
    /// Approve a template for files of cards.
    ApprovePinTemplate,
    /// Record an issuer of PIN batches.
    RecordPinPartner,
    /// Make the PIN room's key pairs for files.
    MakePinIdentity,
    /// Print a page of X's.
    PrintSample,
    /// Unlock a station that five failed logons locked.
    UnlockStation,
    /// Make a bundle void.
    VoidBundle,
    /// Adopt journal entries that nobody vouches for.
    AdoptEntries,
    /// Say what became of an act that a cut left open.
    SettleAct,
    /// File the receipt of a bundle.
    FileReceipt,
    /// Read a bundle again whose second reading was given up.
    ReadAgain,
    /// Suspend a lost card.
    SuspendCard,
    /// Reinstate a suspended card.
    ReinstateCard,
    /// A holder changes their PIN.
    ChangePin,
    /// A blocked card gets a new PIN.
    UnblockPin,
    /// Write a backup to the medium that is plugged in.
    MakeBackup,
    /// Prove a backup in memory.
    RehearseRestore,
    /// Install a software update, or go back to the former program.
    UpdateSoftware,
    /// Replace a card, add or remove a person, renew a group.
    ChangeMembers,
    /// Accept a red finding of the doctor.
    AcceptFinding,
    /// Confirm that the clock is right.
    ConfirmClock,
    /// Fill an empty station from a backup.
    RestoreBackup,
    /// Go on with a repository that is older than what a card has seen.
    RecoverStation,
    /// Look into a damaged repository, read-only.
    BeginRescue,
    /// In a rescue: what a backup would lose.
    CompareBackup,
    /// Keep a damaged repository beside an empty one.
    SetAside,
}

/// What the station tells a front end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A question stands.
    Prompt(Box<Prompt>),
    /// The question is answered or withdrawn: back to the screen before.
    PromptDone,
    /// Long work.
    Progress {
        /// What is done.
        words: String,
        /// So far.
        done: u64,
        /// Of all.
        of: u64,
    },
    /// An act came to its end; the words are shown until a key is pressed.
    Done {
        /// What it was for is there.
        good: bool,
        /// A title.
        title: String,
        /// What was done, line by line.
        lines: Vec<String>,
    },
    /// An act was refused or failed.
    Refused(Refusal),
    /// The header and everything that is always visible.
    Status(Status),
    /// The lists, after logon and whenever they changed.
    Lists(Box<Lists>),
    /// More of the keys, or all; every other list is as it was.
    Keys(KeyTable),
    /// What was asked of one key.
    KeyDetail {
        /// Its label: a void key may share it with the one that took its place.
        label: String,
        /// Its record.
        id: Option<Id>,
        /// Custody, history and places, line by line.
        detail: Vec<String>,
    },
    /// What the doctor found.
    Doctor(Vec<Finding>),
    /// Blank the screen, or show it again.
    Blank(bool),
    /// The program ends.
    Ended,
}

/// What the station is just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Nothing exists yet: only the initialise ceremony is offered.
    #[default]
    Empty,
    /// Initialise was interrupted after its first commit and must be finished.
    Unfinished,
    /// Nobody is logged on.
    Closed,
    /// At least one group is logged on.
    Open,
    /// Locked: failed logons, self-test, an older repository. The reason is in
    /// the status.
    Locked,
    /// The repository is damaged, and nobody is logged on to look into it.
    Damaged,
}

/// What is always visible.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Status {
    /// The station's name; empty on an empty station.
    pub station: String,
    /// `TEST`, `PRODUCTION`, or empty.
    pub mode: String,
    /// What it is now.
    pub phase: Phase,
    /// Why it is locked.
    pub locked: Option<Refusal>,
    /// Administrators alone do not unlock it: it has to be recovered.
    pub recovery: bool,
    /// What is damaged in the repository.
    pub damage: Option<Box<Refusal>>,
    /// A quorum could log on to look into it, if somebody chooses that.
    pub rescuable: bool,
    /// RESCUE: the damaged repository is looked into, and never written.
    pub rescue: bool,
    /// Damaged repositories that were set aside, by their folders' names.
    pub aside: Vec<String>,
    /// Groups logged on, each with its members' names.
    pub session: Vec<(String, Vec<String>)>,
    /// Wall clock, milliseconds since 1970 (UTC).
    pub wall_ms: u64,
    /// Seconds until the idle blank and the idle logout, while a session is
    /// open.
    pub idle: Option<(u64, u64)>,
    /// The provider, with what it is not: `software in locked memory; not an
    /// HSM`.
    pub provider: String,
    /// What process hardening could not do.
    pub warnings: Vec<String>,
    /// The station is a training station.
    pub training: bool,
}

/// Everything the screens list. A part is empty where the session may not read
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lists {
    /// The task list.
    pub tasks: Vec<TaskRow>,
    /// The key list.
    pub keys: KeyTable,
    /// Ceremony scripts that may be chosen.
    pub scripts: Vec<ScriptRow>,
    /// Ceremonies, open ones first.
    pub ceremonies: Vec<CeremonyRow>,
    /// People.
    pub people: Vec<PersonRow>,
    /// Groups.
    pub groups: Vec<GroupRow>,
    /// Readers, printers, media.
    pub devices: Vec<DeviceRow>,
    /// Batches of PIN mailers, the newest first; nothing where the session does
    /// not open the PIN room.
    pub batches: Option<Vec<BatchRow>>,
    /// The journal, newest first; bodies only where the session opens them.
    pub journal: Vec<JournalRow>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TaskRow {
    /// Due day in words: `overdue`, `today`, `27 Nov`.
    pub due: String,
    /// Whole days until due; negative when overdue.
    pub days: i64,
    /// What.
    pub what: String,
    /// Who.
    pub who: String,
    /// Lines of detail.
    pub detail: Vec<String>,
    /// What Enter opens: a ceremony to resume, by id in hex.
    pub resume: Option<String>,
}

/// What the task of an act begins with whose outcome is not known.
pub const UNKNOWN: &str = "UNKNOWN: ";

/// What the task of a receipt says of its key.
pub const FILES_RECEIPT: &str = "r files the receipt.";

/// What the task of a bundle says of its key that was not read again.
pub const READS_AGAIN: &str = "a reads it again.";

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeyRow {
    /// Its record.
    pub id: Option<Id>,
    /// Its label.
    pub label: String,
    /// `TDES-2`, `TDES-3`, `AES-128`…
    pub algorithm: String,
    /// Usage, for example `K0 zone master key`.
    pub usage: String,
    /// Check value.
    pub kcv: String,
    /// Its method.
    pub kcv_method: String,
    /// Life-cycle state.
    pub state: String,
    /// Template and version.
    pub template: String,
    /// The ZMK it was exported under, if it was.
    pub under: String,
    /// `DD MMM YYYY`, or empty.
    pub expires: String,
    /// Whole days until expiry.
    pub days_left: Option<i64>,
    /// Custody, history and places, line by line. A [`KeyTable`] does not keep
    /// them: they are asked for one key at a time.
    pub detail: Vec<String>,
}

/// A ceremony script.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ScriptRow {
    /// File name.
    pub file: String,
    /// Title.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// First eight hex digits of its digest, or why it is refused.
    pub digest: String,
    /// It may not be run; the words say why.
    pub refused: Option<String>,
}

/// A ceremony that runs or ran.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CeremonyRow {
    /// Id in hex.
    pub id: String,
    /// What it does, then the key: `Generate ZMK BANK-LAKE.ZMK.001`.
    pub title: String,
    /// `open, step 9 of 22`, `done`, `void`.
    pub state: String,
    /// When it began.
    pub began: String,
    /// It is not over, and this session may go on with it; others look at it.
    pub open: bool,
    /// Steps and results, line by line.
    pub detail: Vec<String>,
}

/// A person and their cards.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PersonRow {
    /// Name.
    pub name: String,
    /// Manager.
    pub reports_to: String,
    /// Roles, in words.
    pub roles: Vec<String>,
    /// Cards: last four hex digits and state.
    pub cards: Vec<(String, String)>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GroupRow {
    /// Name.
    pub name: String,
    /// How many must come.
    pub m: u8,
    /// How many belong to it.
    pub n: u8,
    /// Live cards.
    pub live: u8,
    /// Members' names.
    pub members: Vec<String>,
}

/// A batch of PIN mailers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BatchRow {
    /// Its record.
    pub id: Option<Id>,
    /// The issuer's id for it.
    pub name: String,
    /// For whom.
    pub issuer: String,
    /// Where it is: `printing`, `balanced`.
    pub state: String,
    /// `4,182 of 10,000`.
    pub done: String,
    /// When it was opened.
    pub opened: String,
    /// Its numbers, line by line.
    pub detail: Vec<String>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeviceRow {
    /// `reader`, `printer`, `medium`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// What it is enrolled for.
    pub purpose: String,
    /// `ready`, `missing`, `card in`, …
    pub state: String,
}

/// A journal entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number.
    pub seq: u64,
    /// `DD MMM HH:MM:SS`.
    pub at: String,
    /// Kind; `UNAUTH.` for a LOCKED entry that nobody vouches for.
    pub kind: String,
    /// Action name.
    pub action: String,
    /// What it says; empty where this session may not read it.
    pub words: String,
    /// Its hash in the chain.
    pub hash: Hash,
}

/// The table of a training station: what people do with their hands.
pub trait Desk: Send + Sync {
    /// Readers by name, each with the card in it.
    fn readers(&self) -> Vec<(String, Option<String>)>;
    /// Cards on the table (not in a reader).
    fn cards(&self) -> Vec<String>;
    /// Puts a card into a reader.
    fn insert(&self, card: &str, reader: &str);
    /// Pulls whatever card is in a reader.
    fn pull(&self, reader: &str);
    /// The piles of paper: those that were put away first, those that lie in a
    /// printer last.
    fn piles(&self) -> Vec<Pile>;
    /// What stands on a pile's sheets, as text lines, for those who may read
    /// it; empty where there is no such pile.
    fn sheet(&self, pile: &Pile) -> Vec<String>;
    /// A pile is taken out of its printer and put into a bag.
    fn put_away(&self, pile: &Pile);
    /// The printer of PIN mailers, as it stands now; nothing where it prints at once
    /// and hands have nothing to do with it.
    fn pin_printer(&self) -> Option<PinPrinter>;
    /// Hands do something to that printer.
    fn do_to_printer(&self, hand: PrinterHand);
}

/// What hands do to the training printer of PIN mailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrinterHand {
    /// The paper jams, in the form at hand.
    Jam,
    /// The form at hand is the last of its reel.
    RunOut,
    /// Somebody switches it off.
    SwitchOff,
    /// A form goes through without a mailer.
    Feed,
    /// The jammed form is torn out, and the printer is switched off and on.
    ClearJam,
    /// It is switched on.
    SwitchOn,
    /// A reel is laid in: its first form.
    Load(u64),
}

/// The training printer of PIN mailers, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinPrinter {
    /// `prints form 7`, `stands: the paper is jammed in form 7`.
    pub state: String,
    /// It stands, and waits for hands.
    pub stands: bool,
    /// The forms in its tray and under its head, the oldest first.
    pub forms: Vec<SeenForm>,
    /// What hands can do to it now.
    pub can: Vec<PrinterHand>,
}

/// A numbered form, as it is seen from the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenForm {
    /// The number on it.
    pub number: u64,
    /// `whole and closed`, `blank`.
    pub state: String,
    /// `17 of 24`; empty where no mailer's number can be read.
    pub mailer: String,
}

/// What a pile of paper is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Sheets with a component, or half of a passphrase.
    Custodians,
    /// PIN mailers.
    Mailers,
    /// Reports.
    Reports,
}

/// A pile of paper on the table of a training station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pile {
    /// What it is.
    pub paper: Paper,
    /// In which bag it is, from 1; nothing while it lies in the printer.
    pub bag: Option<usize>,
}
