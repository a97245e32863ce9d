//! An update brings rules that a template and a layout of before break: a batch that was
//! opened by them ends as it began, and none is opened by them any more.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::layout_approval::LayoutApproval;
use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::Template;
use conclave_trades::pin::action::{OpenBatch, TemplateName};
use conclave_trades::print::Layout;

use super::pin_acts::{confirm, export, give_back};
use super::pin_house::{PAIR, PinHouse, Plant, csv, digest, layout_text, template_text};
use super::refusals::rule;

const LAYOUT: &str = "pin-mailer-continuous";

/// Sets a record of before the update, as administrators.
fn of_before(house: &mut PinHouse, plants: &[Plant]) {
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    for plant in plants {
        house.act(plant, &[]).unwrap();
    }
    house.room.logout();
    house.room.logon_pin_room();
}

#[test]
fn a_batch_under_way_ends_by_the_rules_that_it_was_opened_by() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 4).as_bytes());
    let batch = house.open("csv-pvv", LAYOUT, &file, 1);
    house.forms(&batch, 1, 10);
    house.print(&batch, 2).unwrap();
    let other = house.sealed(csv("B-0002", 2).as_bytes());
    let good = house.opening("csv-pvv", LAYOUT, &other, 2);

    // As if rules of today had come with an update: no template takes so many records,
    // and no layout has a stock without a name.
    let template = template_text("csv-pvv").replace("most = 50000", "most = 100001");
    let layout = format!("stock = \"\"\n{}", layout_text(LAYOUT));
    let told = Template::parse(&template).unwrap_err().to_string();
    assert!(told.contains("1 to 100000 records"), "{told}");
    assert!(Layout::parse(&layout).is_err());
    let vault = house.room.vault();
    let all: Vec<(_, PinTemplateApproval)> = vault
        .list(Compartment::Directory, PinTemplateApproval::KIND)
        .unwrap();
    let (_, approved) = all.iter().find(|(_, one)| one.name == "csv-pvv").unwrap();
    let of_template = PinTemplateApproval {
        digest: digest(template.as_bytes()),
        text: template.clone(),
        approved_ms: approved.approved_ms + 1,
        ..approved.clone()
    };
    let all: Vec<(_, LayoutApproval)> = vault
        .list(Compartment::Directory, LayoutApproval::KIND)
        .unwrap();
    let (_, approved) = all.iter().find(|(_, one)| one.name == LAYOUT).unwrap();
    let of_layout = LayoutApproval {
        digest: digest(layout.as_bytes()),
        ..approved.clone()
    };
    let mut record = house.batch(&batch);
    record.template_digest = of_template.digest;
    record.layout_digest = of_layout.digest;
    let plants = [
        Plant::Template(Box::new(of_template.clone())),
        Plant::Layout(Box::new(of_layout)),
    ];
    of_before(&mut house, &plants);
    let batch_of_before = Plant::Batch(Box::new(record), layout.clone());
    house.act(&batch_of_before, &[]).unwrap();

    // New batches follow the rules of today.
    let secret = || vec![Secret::take(&mut other.clone())];
    let by_template = OpenBatch {
        template: TemplateName {
            digest: of_template.digest,
            ..good.template.clone()
        },
        ..good.clone()
    };
    let told = rule(house.act_with(&by_template, &PAIR, secret()));
    assert!(told.contains("1 to 100000 records"), "{told}");
    let by_layout = OpenBatch { layout, ..good };
    let told = rule(house.act_with(&by_layout, &PAIR, secret()));
    assert!(told.contains("the stock"), "{told}");

    // What both signed for goes on.
    assert_eq!(house.print(&batch, 2).unwrap().sent, 2);
    confirm(&mut house, &batch, 1, 4);
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    assert!(house.batch(&batch).exported.is_some());
}
