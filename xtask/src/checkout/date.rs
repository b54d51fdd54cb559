//! The date of a patch: RFC 2822 as git writes it, and the time of a commit.

use anyhow::{Context, Result};
use git2::Time;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 86_400;

/// `Thu, 1 Jan 1970 00:00:00 +0000`, in the commit's own time zone.
pub fn format(time: Time) -> String {
    let offset = i64::from(time.offset_minutes());
    let local = time.seconds() + 60 * offset;
    let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let week_day = DAYS[days.rem_euclid(7) as usize];
    let month = MONTHS[month as usize - 1];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let (sign, offset) = if offset < 0 { ('-', -offset) } else { ('+', offset) };
    let zone = offset / 60 * 100 + offset % 60;
    format!("{week_day}, {day} {month} {year} {hour:02}:{minute:02}:{second:02} {sign}{zone:04}")
}

/// The inverse of [`format`].
pub fn parse(date: &str) -> Result<Time> {
    parts(date).with_context(|| format!("`{date}` is no date such as git writes"))
}

fn parts(date: &str) -> Option<Time> {
    let (_, rest) = date.split_once(", ")?;
    let [day, month, year, clock, zone] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let clock: Vec<i64> = clock.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hour, minute, second] = clock.try_into().ok()?;
    let zone: i64 = zone.parse().ok()?;
    let offset = zone / 100 * 60 + zone % 100;
    let days = days(year.parse().ok()?, month, day.parse().ok()?);
    let local = days * DAY + hour * 3600 + minute * 60 + second;
    Some(Time::new(local - 60 * offset, offset.try_into().ok()?))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. With the year taken from March
/// on, the days before a month are a straight line.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * from_march + 2) / 5
        + day
        - 719_469
}

/// The inverse of [`days`].
fn civil(wanted: i64) -> (i64, i64, i64) {
    let mut year = 1970 + wanted.div_euclid(366);
    while days(year + 1, 1, 1) <= wanted {
        year += 1;
    }
    let month = (1..=12).rev().find(|&month| days(year, month, 1) <= wanted).unwrap_or(1);
    (year, month, wanted - days(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_git_writes_them() {
        for (seconds, offset, text) in [
            (0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"),
            (951_782_400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_587_337_200, 120, "Mon, 20 Apr 2020 01:00:00 +0200"),
            (1_735_689_599, -210, "Tue, 31 Dec 2024 20:29:59 -0330"),
        ] {
            let time = Time::new(seconds, offset);
            assert_eq!(format(time), text);
            assert_eq!(parse(text).unwrap(), time);
        }
    }

    #[test]
    fn every_day_is_found_again() {
        for day in (-100_000..100_000).step_by(17) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert!(parse("yesterday").is_err());
    }
}
