//! The doctor's page: how it looks, and what its keys do.

use conclave::tui::{App, Key};
use conclave_keyroom::ports::dialogue::{Ask, Prompt};
use conclave_station::doctor::{Check, Finding, Verdict};
use conclave_station::front::{Administration, Event, Phase, Request};

use crate::samples::{pin_ask, prompt, status};
use crate::{MONO, press, seen, tell};

/// What a station might say.
pub fn findings() -> Vec<Finding> {
    Check::ALL
        .into_iter()
        .map(|check| {
            let (verdict, found, advice, excepted) = match check {
                Check::Provider => (
                    Verdict::Red,
                    "software in locked memory; not an HSM",
                    "Use a hardware provider, or let the administrators accept this by name and date: every form and the minutes then say so.",
                    Some("until 22 Feb 2027 09:14 UTC: no HSM before March; board 12/26"),
                ),
                Check::Network => (
                    Verdict::Red,
                    "up: eth0 and wlan0 (wireless)",
                    "Pull the cable, switch the interface off in the firmware, or take it out.",
                    None,
                ),
                Check::CoreDumps => (
                    Verdict::Amber,
                    "none of this program; other programs' go to |/usr/lib/systemd/systemd-coredump %P",
                    "Set kernel.core_pattern to an empty file name, and fs.suid_dumpable to 0.",
                    None,
                ),
                Check::Clock => (
                    Verdict::Green,
                    "24 Nov 2026 09:14 UTC; last signed event 23 Nov 2026 16:40",
                    "",
                    None,
                ),
                _ => (Verdict::Green, "none", "", None),
            };
            Finding {
                check,
                verdict,
                found: found.into(),
                advice: advice.into(),
                excepted: excepted.map(str::to_owned),
            }
        })
        .collect()
}

fn ward(phase: Phase) -> App {
    let mut app = App::new(MONO, None);
    tell(
        &mut app,
        vec![Event::Status(status(phase)), Event::Doctor(findings())],
    );
    app
}

fn asks(requests: &[Request], wanted: Administration) -> bool {
    matches!(requests, [.., Request::Administer(act)] if *act == wanted)
}

#[test]
fn f3_asks_for_the_doctor_from_the_start_the_lists_and_the_desk() {
    for phase in [Phase::Empty, Phase::Closed, Phase::Locked, Phase::Open] {
        let mut app = App::new(MONO, None);
        tell(&mut app, vec![Event::Status(status(phase))]);
        let requests = press(&mut app, &[Key::F(3)]);
        assert!(
            matches!(requests.last(), Some(Request::Doctor)),
            "{phase:?}"
        );
    }
    let mut app = App::new(
        MONO,
        Some(std::sync::Arc::new(crate::samples::Hands::new(
            &["R"],
            &["C"],
        ))),
    );
    tell(&mut app, vec![Event::Status(status(Phase::Closed))]);
    let requests = press(&mut app, &[Key::F(2), Key::F(3)]);
    assert!(matches!(requests.as_slice(), [Request::Doctor]));
}

#[test]
fn the_page_begins_at_the_worst_and_esc_goes_back() {
    let mut app = ward(Phase::Closed);
    let shown = seen(&app);
    assert!(shown.contains("2 red, 1 amber, 15 green"), "{shown}");
    assert!(shown.contains("▸ red           network"), "{shown}");
    assert!(shown.contains("Pull the cable"), "{shown}");
    press(&mut app, &[Key::Home]);
    let shown = seen(&app);
    assert!(shown.contains("▸ red, accepted provider"), "{shown}");
    assert!(shown.contains("board 12/26"), "{shown}");
    // Nobody is logged on: nothing to sign.
    assert!(press(&mut app, &[Key::Char('a'), Key::Char('w')]).is_empty());
    press(&mut app, &[Key::Esc]);
    assert!(seen(&app).contains("This station is closed."));
}

#[test]
fn in_a_session_a_finding_is_accepted_and_the_clock_confirmed() {
    let mut app = ward(Phase::Open);
    assert!(asks(
        &press(&mut app, &[Key::Char('a')]),
        Administration::AcceptFinding
    ));
    assert!(asks(
        &press(&mut app, &[Key::Char('w')]),
        Administration::ConfirmClock
    ));
    let requests = press(&mut app, &[Key::F(5)]);
    assert!(matches!(requests.last(), Some(Request::Doctor)));
    // A question lies over the page; its keys are the question's.
    let question: Prompt = prompt("a.question", "A question", Ask::Read);
    tell(&mut app, vec![Event::Prompt(Box::new(question))]);
    assert!(!seen(&app).contains("Doctor:"));
    assert!(!asks(
        &press(&mut app, &[Key::Char('a')]),
        Administration::AcceptFinding
    ));
    tell(&mut app, vec![Event::PromptDone]);
    assert!(seen(&app).contains("Doctor:"));
}

/// A PIN is being typed: F3 takes nothing away from it.
#[test]
fn f3_waits_while_a_question_stands() {
    let mut app = App::new(MONO, None);
    let question = prompt("a.pin", "A PIN", pin_ask());
    tell(
        &mut app,
        vec![
            Event::Status(status(Phase::Closed)),
            Event::Prompt(Box::new(question)),
        ],
    );
    assert!(press(&mut app, &[Key::F(3)]).is_empty());
}
