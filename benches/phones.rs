//! How long a phone takes: the written forms that files hold, warm.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use criterion::{Criterion, criterion_group, criterion_main};
use ferry::mapping::phone::{Region, normalise};
use std::hint::black_box;

/// A region and a phone as people write it there.
const PHONES: [(&str, &str, &str); 12] = [
    ("E.164", "EC", "+593991234567"),
    ("international with separators", "ES", "+34 (612) 34-56-78"),
    ("00", "DE", "0049 1512 3456789"),
    ("national", "UA", "050 123 45 67"),
    ("national, Brazil", "BR", "(11) 96123-4567"),
    ("national, Colombia", "CO", "310 123 4567"),
    ("national, NANPA", "US", "(212) 555-0123"),
    ("trunk prefix", "RU", "8 916 123-45-67"),
    ("tel:", "GB", "tel: 07400 123456"),
    ("no plus", "EC", "5215512345678"),
    ("impossible", "FR", "+33 000 000 000"),
    ("no phone", "MX", "sin teléfono"),
];

fn phones(criterion: &mut Criterion) {
    for (name, region, phone) in PHONES {
        let region = Region::named(region);
        criterion.bench_function(name, |bench| bench.iter(|| normalise(black_box(phone), black_box(region))));
    }
}

criterion_group!(benches, phones);
criterion_main!(benches);
