//! Records of one contact are found whether their values fit into memory or not.

use super::folder;
use ferry::scratch::people::{Member, PeopleBuilder};

fn hash(kind: u8, number: u64) -> [u8; 16] {
    let mut hash = [kind; 16];
    hash.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, part)| *byte = part);
    hash
}

/// Records with a phone and an e-mail; every thousandth of the second half has the e-mail of a record of the first half, and
/// no phone, and the last one has the further phone of the first.
fn members(records: u64) -> Vec<Member> {
    let folder = folder();
    let mut builder = PeopleBuilder::create(&folder.path().join("people.db")).unwrap();
    let half = records / 2;
    for ordinal in 0..records {
        let again = ordinal >= half && ordinal.is_multiple_of(1000);
        let phone = (!again).then(|| hash(1, ordinal));
        let email = if again { ordinal - half } else { ordinal };
        let further = (ordinal == 0 || ordinal == records - 1).then(|| (0, hash(1, records)));
        builder.add(ordinal, ordinal + 2, &[phone, Some(hash(2, email))], further.as_slice()).unwrap();
    }
    let people = builder.finish().unwrap();
    let mut members = Vec::new();
    people.each_member(|member| members.push(member)).unwrap();
    assert_eq!(people.shared(0).unwrap(), [(0, hash(1, records))], "the further value of two contacts");
    assert_eq!(people.duplicates().unwrap(), half / 1000);
    members
}

#[test]
fn records_of_one_contact_are_found_in_memory_and_on_disk() {
    for records in [4000, 200_000] {
        let half = records / 2;
        let root = |ordinal: u64| if ordinal < half { ordinal } else { ordinal - half };
        let of = |ordinal: u64| {
            let root = root(ordinal);
            Member { ordinal, root, last: root + half, root_line: root + 2 }
        };
        let expected: Vec<Member> = (0..records).step_by(1000).map(of).collect();
        assert_eq!(members(records), expected, "{records}");
    }
}
