//! What a balancer may know of a request.

use std::net::{IpAddr, Ipv4Addr};

/// One attempt to have a request answered, as its balancer sees it.
///
/// A simulated request has numbers for its key and its client; one that was typed or recorded has words ([`Said`]). Both read the same: a number's
/// text is its decimal digits, and client number n has an address of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// Its number, in order of arrival over all traffic.
    pub id: u64,
    /// The key as a number, where it was not said in words.
    pub key: u64,
    /// Who sent it, as a number, where it was not said in words.
    pub client: u32,
    /// 0 for the first attempt, 1 for the first retry or hedge, and so on.
    pub attempt: u32,
    /// Its class for balancers that let some go first: lower first.
    pub class: i32,
    /// What was said in words.
    pub said: Option<&'a Said>,
    /// The backend that served it when it was recorded, by its number in the pool.
    pub recorded: Option<u32>,
}

/// What was said of a request in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The key; `None` where the request has none, so that products fall back on their other rule.
    pub key: Option<String>,
    /// The client's address, or whatever names it.
    pub client: Option<String>,
    /// What the backend's labels must be, for balancers that look: pairs of a key and a value, sorted.
    pub criteria: Vec<(String, String)>,
}

/// Room for a number's decimal digits.
#[derive(Debug, Default)]
pub struct Digits([u8; 20]);

impl Digits {
    /// The decimal digits of a number.
    #[inline]
    pub fn of(&mut self, mut number: u64) -> &[u8] {
        let mut at = self.0.len();
        loop {
            at -= 1;
            self.0[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return &self.0[at..];
            }
        }
    }
}

impl Request<'_> {
    /// The key as text; `None` where the request has none.
    #[inline]
    pub fn key<'r>(&'r self, room: &'r mut Digits) -> Option<&'r [u8]> {
        match self.said {
            None => Some(room.of(self.key)),
            Some(said) => said.key.as_deref().map(str::as_bytes),
        }
    }

    /// The client as text: its address, where nothing else was said.
    pub fn client<'r>(&'r self, room: &'r mut String) -> &'r str {
        match self.said {
            Some(Said { client: Some(client), .. }) => client,
            _ => {
                room.clear();
                // Writing into a string cannot fail.
                let _ = std::fmt::Write::write_fmt(room, format_args!("{}", client_address(self.client)));
                room
            }
        }
    }

    /// The client's address, where it is one.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        match self.said {
            Some(Said { client: Some(client), .. }) => client.trim_matches(['[', ']']).parse().ok(),
            _ => Some(client_address(self.client).into()),
        }
    }

    /// What the backend's labels must be.
    #[must_use]
    pub fn criteria(&self) -> &[(String, String)] {
        self.said.map_or(&[], |said| &said.criteria)
    }
}

/// The address of client number n: all different, and as scattered as real clients' are. Neighbouring numbers share no part of it, which matters to
/// balancers that hash a part only.
#[must_use]
pub fn client_address(number: u32) -> Ipv4Addr {
    // An odd factor maps 32 bits one to one; 2^32 divided by the golden ratio scatters neighbours.
    Ipv4Addr::from(number.wrapping_add(1).wrapping_mul(0x9E37_79B1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_as_its_digits() {
        for number in [0, 7, 10, 4_294_967_296, u64::MAX] {
            assert_eq!(Digits::default().of(number), number.to_string().as_bytes());
        }
    }

    #[test]
    fn what_was_said_goes_before_the_numbers() {
        let said = Said { key: Some("/a".into()), client: Some("[::1]".into()), ..Said::default() };
        let request = Request { key: 5, said: Some(&said), ..Request::default() };
        assert_eq!(request.key(&mut Digits::default()), Some(&b"/a"[..]));
        assert_eq!(request.client_ip(), Some(std::net::Ipv6Addr::LOCALHOST.into()));
        let without = Request { said: Some(&Said::default()), ..request };
        assert_eq!(without.key(&mut Digits::default()), None);
        let numbered = Request { said: None, ..request };
        assert_eq!(numbered.key(&mut Digits::default()), Some(&b"5"[..]));
        assert_eq!(numbered.client(&mut String::new()), client_address(0).to_string());
    }

    #[test]
    fn neighbouring_clients_share_no_part_of_their_address() {
        let [a, b] = [client_address(10).octets(), client_address(11).octets()];
        assert!(a.iter().zip(b).all(|(a, b)| *a != b), "{a:?} {b:?}");
    }
}
