//! What an issuer has printed besides name and address: the template names it, the
//! layout has a place for it, and neither leaves it out silently.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_trades::pin::action::{PurgeBatch, ReadBatch, TemplateName};
use conclave_trades::pin::{Template, template_words};

use super::methods::approve;
use super::pin_acts::{confirm_all, export, give_back, pin_on, reconcile};
use super::pin_house::{
    PAIR, PinHouse, Plant, approval_of, csv, digest, layout_text, pan, sample_of, template_text,
};

/// A branch on the outside, a customer's number under the cover.
fn layout() -> String {
    let text = layout_text("pin-mailer-continuous")
        .replace("\"pin-mailer-continuous\"", "\"pin-mailer-branch\"");
    let field = |name, line, column, width| {
        format!(
            "\n[[field]]\nname = \"{name}\"\nline = {line}\ncolumn = {column}\nwidth = {width}\n"
        )
    };
    text + &field("host-0", 12, 44, 36) + &field("host-a", 15, 1, 30)
}

fn template() -> String {
    template_text("csv-pvv")
        .replace("name = \"csv-pvv\"", "name = \"csv-branch\"")
        .replace(
            "    { name = \"reference\", width = 30, optional = true },\n",
            "    { name = \"reference\", width = 30, optional = true },\n    { name = \"host-0\", \
             width = 35 },\n    { name = \"host-a\", width = 20, optional = true },\n",
        )
}

/// Cards with a branch each; the customer's number of the second one is not there.
fn cards(batch: &str, count: u32) -> String {
    let file = csv(batch, count);
    let lines = file.lines().enumerate().map(|(n, line)| match n {
        0 => line.to_owned(),
        2 => format!("{line};Zweigstelle Z\u{fc}rich;"),
        _ => format!("{line};Branch {n};Customer C-77{n}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The house with template and layout approved.
fn house() -> PinHouse {
    let mut house = PinHouse::new();
    approve(&mut house, &template());
    let approved = approval_of(layout());
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let sample = Plant::Sample(sample_of(&approved));
    house.act(&sample, &[]).unwrap();
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    house.act(&approved, &admins).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    house
}

fn reading(house: &PinHouse, template: &str, layout: String, file: &[u8]) -> ReadBatch {
    ReadBatch {
        template: TemplateName::of(&Template::parse(template).unwrap(), template),
        layout,
        file: digest(file),
        ..house.reading("csv-pvv", "pin-mailer-continuous", file)
    }
}

fn faults(house: &mut PinHouse, template: &str, layout: String, text: &str) -> Vec<String> {
    let file = house.sealed(text.as_bytes());
    let reading = reading(house, template, layout, &file);
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&reading, &[], secret).unwrap().unwrap_err()
}

#[test]
fn what_an_issuer_adds_is_printed_where_the_layout_has_it() {
    let mut house = house();
    let file = house.sealed(cards("B-BRANCH", 3).as_bytes());
    let act = house.opening_by(&template(), &layout(), &file, 1, (1, None, None));
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&act, &PAIR, secret).unwrap();
    let batch = act.batch;
    house.forms(&batch, 1, 9);
    assert_eq!(house.print(&batch, 3).unwrap().sent, 3);
    let sheets = house.paper.sheets();
    let text = |n: usize| String::from_utf8_lossy(&sheets[n]).into_owned();
    assert!(text(0).contains("Branch 1") && text(0).contains("Customer C-771"));
    assert!(text(1).contains("Zweigstelle Zuerich") && !text(1).contains("Customer"));
    assert!(text(2).contains("Branch 3") && text(2).contains("Customer C-773"));
    for sheet in &sheets {
        assert_eq!(pin_on(sheet).len(), 4);
    }
    // Kept in the record of the card, which the purge deletes.
    assert_eq!(house.card(&batch, 1).host[&0].as_str(), "Branch 1");
    assert_eq!(house.card(&batch, 2).host[&10].as_str(), "");
    confirm_all(&mut house, &batch);
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    reconcile(&mut house, &batch);
    let purge = PurgeBatch {
        batch,
        receipt: "R-78 of the issuer".into(),
    };
    assert_eq!(house.pair(&purge).unwrap(), 3);
}

#[test]
fn nothing_that_an_issuer_adds_is_left_out_silently_or_breaks_a_rule() {
    let mut house = house();
    let own = template();
    let words = template_words(&Template::parse(&own).unwrap()).join("\n");
    assert!(words.contains("host-0 35, host-a? 20"), "{words}");

    // The layout prints what no record has, and the other way round.
    let told = faults(
        &mut house,
        &template_text("csv-pvv"),
        layout(),
        &csv("B-1", 2),
    );
    assert_eq!(
        told,
        [
            "the file: does not fit the layout: it prints field \"host-0\", and the template has no \
             such field",
            "the file: does not fit the layout: it prints field \"host-a\", and the template has no \
             such field",
        ]
    );
    let shipped = layout_text("pin-mailer-continuous");
    let told = faults(&mut house, &own, shipped, &cards("B-1", 2));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].ends_with("the template has field \"host-0\", and the layout does not print it")
    );

    // Each record on its own: what is missing, too wide, in another script, a card's
    // number, or a piece of this card's own.
    let text = cards("B-1", 5);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[1] = lines[1].replace("Branch 1", "");
    lines[2] = lines[2].replace("Zweigstelle", &"Z".repeat(30));
    lines[3] = lines[3].replace("C-773", "C-\u{4e00}");
    lines[4] = lines[4].replace("Customer C-774", "4111111111111111");
    lines[5] = lines[5].replace("Branch 5", &format!("Branch {}", &pan(5)[..8]));
    let told = faults(&mut house, &own, layout(), &lines.join("\n"));
    let column = |line: usize, of: &str| {
        let at = lines[line].find(of).unwrap();
        lines[line][..at].chars().count() + 1
    };
    let wanted = [
        (2, column(1, ";Customer"), "host-0 is missing"),
        (3, column(2, "ZZZ"), "host-0 is wider than 35"),
        (
            4,
            column(3, "Customer"),
            "host-a has a character that the form cannot print",
        ),
        (
            5,
            column(4, "4111"),
            "host-a has digits of the card's number",
        ),
        (6, column(5, "Branch"), "host-0"),
    ];
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    for (is, (line, column, words)) in told.iter().zip(wanted) {
        let place = format!("line {line}, column {column}: {words}");
        assert!(is.starts_with(&place), "{is} / {place}");
    }
    // Nor in pieces, in whatever order; one of them may be a postal code.
    let number = pan(1);
    let (front, middle, end) = (&number[..5], &number[5..10], &number[10..]);
    let pieces = |branch: &str, customer: &str| {
        let line = format!("{number};00;2912;A B;STREET;TOWN;;en;REF-1;{branch};{customer}");
        let header = cards("B-1", 1).lines().next().unwrap().to_owned();
        format!("{header}\n{line}")
    };
    let text = pieces(&format!("{front} 9 {end}"), &format!("9 {middle}"));
    let in_pieces = faults(&mut house, &own, layout(), &text);
    assert_eq!(in_pieces.len(), 1, "{in_pieces:?}");
    let words = "host-a has digits of the card's number";
    assert!(in_pieces[0].contains(words), "{in_pieces:?}");
    let file = house.sealed(pieces(end, "77 1234").as_bytes());
    let harmless = reading(&house, &own, layout(), &file);
    let secret = vec![Secret::take(&mut file.clone())];
    assert!(house.act_with(&harmless, &[], secret).unwrap().is_ok());

    let all = told.join("\n");
    assert!(
        !all.contains("4111") && !all.contains(&pan(5)[..8]),
        "{all}"
    );
}
