//! All that the terminal itself says. What a question says comes with it.

use conclave_keyroom::ports::dialogue::Refusal;

/// A typed PIN has fewer than six digits.
pub const PIN_TOO_SHORT: &str = "A PIN has six to eight digits: type it anew; no try is used.";
/// A digit of a PIN, while more of what is signed lies below.
pub const SIGNED_GOES_ON: &str =
    "What is signed goes on: Enter reads on to its end; then the PIN. Nothing was typed.";
/// A ninth digit.
pub const PIN_TOO_LONG: &str = "A PIN has at most eight digits. Ctrl-U starts again.";
/// A passphrase that does not end.
pub const PASSPHRASE_TOO_LONG: &str = "There is no room for more; Ctrl-U begins again.";
/// A character that no key store's passphrase has.
pub const PASSPHRASE_ASCII_ONLY: &str = "Only characters of a plain English keyboard.";
/// More letters than a recovery word has.
pub const WORD_TOO_LONG: &str =
    "No word has more than eight letters. Ctrl-U starts this word again.";
/// Fewer letters than a recovery word has.
pub const WORD_TOO_SHORT: &str = "A word has at least three letters; its first four are enough.";
/// Something else in a recovery word.
pub const WORD_LETTERS_ONLY: &str = "A word has letters only; Enter or the space bar ends it.";
/// A letter in a PIN.
pub const PIN_DIGITS_ONLY: &str = "A PIN has digits only.";
/// A letter O where a digit belongs.
pub const LETTER_O: &str = "O is a letter, and the value has 0-9 and A-F only. Look at the paper again; nothing was changed for you.";
/// A letter I or L where a digit belongs.
pub const LETTER_I: &str = "I and L are letters, and the value has 0-9 and A-F only. Look at the paper again; nothing was changed for you.";
/// Any other character that is no hex digit.
pub const NO_HEX: &str = "The value has digits 0-9 and letters A-F only.";
/// A character that is no check letter.
pub const NO_CHECK_LETTER: &str =
    "Here stands the check letter behind the line: G to Z, never I, O or X.";
/// A line that has all its characters.
pub const LINE_FULL: &str = "The line is complete: Enter goes on.";
/// Enter before the line is complete.
pub const LINE_SHORT: &str = "The line is not complete yet.";
/// The second entry of a new PIN is another.
pub const NEW_PIN_DIFFERS: &str = "The two entries differ. Type the new PIN again, twice.";
/// Enter on an empty line.
pub const NOTHING_TYPED: &str = "Nothing is typed yet.";
/// The typed text is another.
pub const NOT_EXACTLY: &str = "This is not the text. Type it exactly, capitals and dots included.";
/// Why a card cannot be put in.
pub const READERS_FULL: &str =
    "Every reader has a card in it. First pull the card of somebody who is done.";
/// Why nothing can be put in.
pub const NO_READER: &str = "There is no reader on this desk.";
/// A reel without a number.
pub const NO_FORM: &str = "That is no form's number: digits, from 1.";

/// A script that may not be run.
#[must_use]
pub fn script_refused(title: &str, why: &str) -> Refusal {
    Refusal {
        happened: format!("«{title}» may not be run: {why}"),
        safe: "Nothing was begun.".to_owned(),
        advice: "Have the script put right and approved, or choose another.".to_owned(),
    }
}

/// Enter on an empty form.
#[must_use]
pub fn form_empty(field: &str) -> String {
    format!("Nothing is filled in yet: begin with {field}.")
}

/// Enter on a form without its first field.
#[must_use]
pub fn field_empty(field: &str) -> String {
    format!("{field} is still empty.")
}

/// Enter where something is to be chosen on purpose.
#[must_use]
pub fn field_unchosen(field: &str) -> String {
    format!("{field}: nothing is chosen yet. Choose with ← →.")
}

/// Enter on a question that wants a letter.
#[must_use]
pub fn enter_does_not_confirm(key: char) -> String {
    format!(
        "Enter does not confirm this step. Read it, then press {}.",
        key.to_ascii_uppercase()
    )
}

/// Help for the screens, by name: what it is for, then what can be done.
#[must_use]
pub fn help(screen: &str) -> &'static [&'static str] {
    match screen {
        "start" => &[
            "The station before anybody is logged on.",
            "",
            "A new station is initialised, or restored from a backup (r) by recovery holders and administrators. Initialising: the people and their groups are recorded, each person's card is enrolled, and TEST or PRODUCTION is chosen once and for ever.",
            "A closed station opens to a group: so many of its members as the group demands put their cards in and type their PINs. Alone, nobody can.",
            "A card is lost: s suspends it at once, whoever is logged on or nobody; one administrator signs.",
            "A locked station says why. Failed logons are unlocked by administrators; where a card has seen a newer journal than this disk holds, recovery holders and administrators decide together (r).",
            "A damaged repository is looked into read-only (x), or kept beside a restored backup (r). A rescue shows what is good and what is damaged, and writes nothing.",
        ],
        "tasks" => &[
            "What is due, nearest first. This is the first screen after logon.",
            "",
            "Enter resumes the ceremony that a task belongs to, or shows the task.",
            "UNKNOWN: the power went between the intent of an act and its outcome. s: when no ceremony is open, administrators sign what they found.",
            "A bundle that was not read again after its medium was pulled should not leave the room: a takes that up; key managers and approvers are logged on.",
            "A bundle that left wants its receipt, and so does each component that went to a partner: r files it; key managers sign.",
            "A bundle that is lost, destroyed or of no use there: v makes it void; key managers and approvers sign which one, and why.",
            "The bars count what is due in each of the next twelve weeks; overdue tasks are in the first.",
        ],
        "keys" => &[
            "The inventory: every key of this house, where it is, and in what state.",
            "",
            "/ filters while you type, over everything that is shown of a key. Enter shows custody, history and the keys that lie under it.",
            "«so far»: the rows that pass are still being counted; what is shown is right already. «read»: the station is still reading the rest of its keys.",
            "A check value identifies a key and does not reveal it.",
        ],
        "ceremonies" => &[
            "Ceremonies that wait to be continued, then those that ended.",
            "",
            "Enter resumes an open one, or shows what an ended one did. n begins a new one from a script.",
            "A ceremony that was interrupted never repeats a printed step: what is unknown is asked.",
        ],
        "scripts" => &[
            "Ceremony scripts. Enter begins one; both groups sign the digest shown here before its first step.",
            "",
            "Compare the digest with the one in your procedure. A script that may not be run says why.",
        ],
        "people" => &[
            "Groups with their quorum (m of n) and the cards that live, then the people with their roles and cards.",
            "",
            "«0 spare»: the group has just enough live cards; one lost card, and it cannot come together. Replace cards before that. «Too few»: it cannot open.",
        ],
        "devices" => &[
            "Readers, printers and media. Printers and media are enrolled for one purpose each; the station writes to no other.",
            "",
        ],
        "mailers" => &[
            "Batches of PIN mailers, the newest first. PIN operators and supervisors are here together; nobody sees a PIN.",
            "",
            "Enter: the numbers of a batch, and what is next with it: print, confirm, spoiled, unknown, blank forms, take over, output, its second reading, reconcile, purge.",
            "n opens a batch from its issuer's file. s: blank forms in the safe, and a delivery that comes in.",
            "While the printer runs the screen may go blank; pulling a card stops it after the sheet at hand. Esc, then y, pauses.",
            "x on the devices screen prints a page of X's: for alignment before, twice over the printer's memory after a batch.",
        ],
        "journal" => &[
            "What happened, newest first. Each entry carries the hash of the one before it.",
            "",
            "An entry whose words are sealed was written for another compartment: log on with the auditors' group to read it.",
            "UNAUTH.: written while nobody was logged on, by a run of the program that ended before anybody was. a: the administrators read such entries and adopt them.",
            "x writes the journal export, which «conclave verify» checks on any computer, and for auditors and administrators the component-access log and the controls.",
        ],
        "doctor" => &[
            "Is this station, and the machine below it, fit for its work? Red is not fit for PRODUCTION, amber is to be looked at, green is as it should be. Looking changes nothing.",
            "",
            "A PRODUCTION station with a red finding opens to administrators alone. a: they accept one finding, with a reason and until a day; it covers this finding and no other. w: they confirm the clock after comparing it.",
            "«conclave doctor» says the same at a shell, and ends with 1 where anything is red.",
        ],
        "detail" => &["Everything the station knows of one row. Esc goes back."],
        "progress" => {
            &["Long work. Esc asks it to stop: it stops between two units, never inside one."]
        }
        "desk" => &[
            "The training desk stands for hands: it puts cards into readers, pulls them, and takes the sheets out of the printers. A production station has none.",
            "",
            "Enter on a card on the table puts it in; Enter on a card in a reader pulls it. With one reader, the new card takes the place of the old.",
            "Enter on paper looks at it. A custodian's sheet, PIN mailers and reports are piles of their own. What is taken out of a printer lies in its bag and can be read again until the program ends, for a custody exercise.",
            "",
            "P puts hands on the PIN printer: jam it, let its forms run out, switch it off, feed a form without a mailer, and clear it again. It takes a while for a form, and its memory holds two: after a jam one form is half printed, and what the memory held is lost. So look at the paper before you say what is there.",
            "Its forms have numbers. The list has each as it is seen from the outside: whole, blank, torn, and which mailer it is. In the pile, ← and → go from form to form.",
        ],
        _ => &[],
    }
}

/// The keys of a screen that has more of them than a footer's line has room for,
/// in the order in which they are wanted; help has all of them.
#[must_use]
pub fn keys(screen: &str) -> &'static [(&'static str, &'static str)] {
    match screen {
        "keys" => &[
            (
                "h",
                "it leaves for a system on record, with scripts and run sheet; both quorums sign",
            ),
            (
                "e",
                "it leaves under a zone master key as a letter, printed or read from the screen; both quorums sign",
            ),
            ("r", "another key takes its place, and it is deactivated"),
            (
                "w",
                "what is said of it: a package in quarantine or out of it, the key suspended, resumed or compromised; where a typed sheet is",
            ),
            ("x", "its value is erased, its record stays"),
            (
                "o",
                "a key that makes or opens PINs goes to the PIN room for some days, or comes back; both quorums sign",
            ),
            (
                "f",
                "on a wrapping key: what a file is and whether it opens under that key, with its check value alone; nothing is changed. What does not open counts as a failed import",
            ),
            (
                "b",
                "papers for its sealed components: outside of the envelopes, strips for the bags, the letter to a partner; nothing secret is on them",
            ),
            ("a", "make an RSA pair"),
            (
                "u",
                "export the public half of the RSA pair under the cursor",
            ),
            (
                "i",
                "take a partner's public key from a medium; two type the fingerprint",
            ),
        ],
        "people" => &[
            ("n", "a holder changes the PIN of their own card"),
            (
                "b",
                "a blocked card gets a new PIN; the administrators' quorum signs",
            ),
            ("s", "a card is lost: suspend it; one administrator signs"),
            (
                "r",
                "bring a suspended card back; the administrators' quorum signs",
            ),
            (
                "m",
                "replace a card, a person leaves or comes, another quorum, a new secret; the groups concerned log on beside the administrators",
            ),
        ],
        "devices" => &[
            ("e", "enrol a printer; administrators"),
            ("w", "retire a printer, condemn a medium; administrators"),
            ("m", "enrol a USB medium; administrators"),
            (
                "r",
                "two read the plate of a medium without a serial number, each time it is plugged in, and sign it",
            ),
            (
                "x",
                "print a page of X's on an enrolled printer: for alignment, or twice to flush its memory after a batch",
            ),
            (
                "b",
                "write a backup to the enrolled medium that is plugged in; the administrators' quorum signs. In a rescue it says what a backup would lose",
            ),
            (
                "v",
                "prove a backup: the recovery quorum opens it in memory, and nothing of this station is touched",
            ),
            (
                "y",
                "record a system that keys go to, with what its profile asks for, or change the record; administrators",
            ),
            (
                "l",
                "look at the layouts, and approve one on a page of X's; administrators",
            ),
            (
                "a",
                "approve a template for files of cards, or withdraw it; administrators",
            ),
            (
                "i",
                "record an issuer of PIN batches, or bar it; administrators",
            ),
            (
                "f",
                "make the PIN room's key pairs for files; operators and supervisors",
            ),
            (
                "u",
                "install a software update from an enrolled medium, or go back to the former program; the administrators' quorum signs",
            ),
        ],
        _ => &[],
    }
}

/// The keys that mean the same everywhere, for help.
pub const EVERYWHERE: &[(&str, &str)] = &[
    ("Enter", "opens, or confirms what was typed"),
    ("Esc", "one step back; asks before an act is abandoned"),
    ("Tab", "next field, or another group at logon"),
    ("?  F1", "help; F1 also while text is typed"),
    ("/", "filter the list"),
    ("D", "note a deviation at a step"),
    ("L", "log out"),
    ("q  Ctrl-C", "end the program, after a question"),
    ("F2", "the training desk (training stations)"),
    ("F3", "the doctor: is station and machine fit?"),
    ("F5", "read the lists again"),
];

/// `1,000,000` of a number.
#[must_use]
pub fn thousands(n: impl ToString) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
