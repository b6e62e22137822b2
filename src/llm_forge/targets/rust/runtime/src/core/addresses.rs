//! Which addresses are on the public internet (R-243, RFC 6890).

use ::core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks that are not, as address and length of the prefix.
const BLOCKED_V4: [([u8; 4], u32); 14] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];
const BLOCKED_V6: [([u16; 3], u32); 9] = [
    ([0, 0, 0], 48), // unspecified, loopback and what once stood for IPv4
    ([0x0064, 0xff9b, 0x0001], 48),
    ([0x0100, 0, 0], 48),
    ([0x2001, 0, 0], 23),
    ([0x2001, 0x0db8, 0], 32),
    ([0x5f00, 0, 0], 16),
    ([0xfc00, 0, 0], 7),
    ([0xfe80, 0, 0], 9), // link-local and site-local
    ([0xff00, 0, 0], 8),
];

/// Whether an address is neither private, loopback, link-local, shared, reserved nor multicast. An IPv6 address that
/// stands for an IPv4 one is judged by that.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inside) => is_public_v4(inside),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    let inside = |(network, length): &([u8; 4], u32)| {
        (bits ^ u32::from_be_bytes(*network)).checked_shr(32 - length) == Some(0)
    };
    !BLOCKED_V4.iter().any(inside)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [one, two, three, ..] = address.segments();
    let bits = |[one, two, three]: [u16; 3]| u64::from(one) << 32 | u64::from(two) << 16 | u64::from(three);
    let known = bits([one, two, three]);
    !BLOCKED_V6.iter().any(|(network, length)| (known ^ bits(*network)) >> (48 - length) == 0)
}

/// The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let four = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(four(high, low)),
        [0x2002, high, low, ..] => Some(four(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(four(!high, !low)),
        _ => None,
    }
}
