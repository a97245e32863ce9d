//! Ceremonies as the screens list them: what each was to do, and what it did.
//! Nothing here is secret, and whoever reads the catalogue may see it.

use conclave_evidence::GroupId;
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::{Ending, State};

use crate::front::CeremonyRow;
use crate::station::Station;
use crate::words;

/// When it began, wall clock; 0 where no step is done.
pub(crate) fn began_ms(state: &State) -> u64 {
    state.results.first().and_then(|r| r.ended_ms).unwrap_or(0)
}

/// The kind of a ceremony before the key's label: `Generate ZMK BANK-LAKE.ZMK.001`.
pub(crate) fn titled(state: &State) -> String {
    let label = &state.parameters.label;
    match script_title(&state.script.0) {
        Some(title) => format!("{title} {label}"),
        None => label.clone(),
    }
}

/// The title alone: a list of many ceremonies validates none of their scripts.
fn script_title(script: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(script).ok()?;
    let mut lines = text.lines().take_while(|line| !line.starts_with('['));
    let value = lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "title").then(|| value.trim())
    })?;
    let title = value.strip_prefix('"')?.strip_suffix('"')?;
    (!title.contains(['"', '\\'])).then(|| title.to_owned())
}

impl Station {
    pub(crate) fn ceremony_rows(&self, all: &[State]) -> Vec<CeremonyRow> {
        // Auditors look; they do not go on with anything.
        let pair = [GroupId::KeyManagers, GroupId::Approvers];
        let may_go_on = pair
            .iter()
            .any(|group| self.session.groups.contains_key(group));
        all.iter().map(|state| row(state, may_go_on)).collect()
    }
}

/// What an open ceremony waits for; nothing that was typed.
fn standing(state: &State) -> Vec<String> {
    let Ok(engine) = Engine::of(state) else {
        return vec!["its script does not match its digest".into()];
    };
    let plan = engine.script().plan(state.parameters.components.min(9));
    let at = usize::from(state.at);
    let Some((step, component)) = plan.get(at) else {
        return Vec::new();
    };
    let part = component
        .map(|turn| format!(" (component {})", state.parameters.place(turn)))
        .unwrap_or_default();
    vec![
        format!(
            "step {} of {} is open: {}{part}",
            at + 1,
            plan.len(),
            step.title
        ),
        "Key managers and approvers log on to go on with it.".into(),
    ]
}

fn row(state: &State, may_go_on: bool) -> CeremonyRow {
    let ending = match &state.ending {
        None => format!("open, {} steps done", state.results.len()),
        Some(Ending::Done) => "done".into(),
        Some(Ending::Void(_)) => "key void".into(),
        Some(Ending::Aborted(_)) => "aborted".into(),
    };
    let mut detail: Vec<String> = Vec::new();
    if !state.over {
        detail.extend(standing(state));
    }
    for part in &state.cast {
        let names: Vec<String> = part.people.iter().map(|p| p.name.clone()).collect();
        detail.push(format!("{}: {}", part.part, words::list(&names)));
    }
    for result in &state.results {
        let part = result
            .component
            .map(|turn| format!(" (component {})", state.parameters.place(turn)))
            .unwrap_or_default();
        let at = result.ended_ms.map(words::clock).unwrap_or_default();
        detail.push(format!("{at}  {}{part}", result.title));
        detail.extend(result.words.iter().map(|w| format!("          {w}")));
    }
    let failed = state.failed_words();
    if !failed.is_empty() {
        detail.push("failed attempts".into());
        detail.extend(failed.into_iter().map(|w| format!("          {w}")));
    }
    CeremonyRow {
        id: state.ceremony.to_string(),
        title: titled(state),
        state: ending,
        began: words::date_time(began_ms(state)),
        open: !state.over && may_go_on,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::script_title;

    #[test]
    fn the_title_stands_in_the_head_of_a_script() {
        let script = b"format = \"conclave-ceremony-1\"\ntitle = \"Generate ZMK\"\n[[step]]\n";
        assert_eq!(script_title(script).as_deref(), Some("Generate ZMK"));
        let later = b"name = \"x\"\n[[step]]\ntitle = \"of a step\"\n";
        assert_eq!(script_title(later), None);
    }
}
