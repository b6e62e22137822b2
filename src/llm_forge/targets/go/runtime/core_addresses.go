package forge

import "net/netip"

// blockedNetworks are not on the public internet although netip has no question for them (RFC 6890).
var blockedNetworks = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "5f00::/16",
)

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
	teredo = netip.MustParsePrefix("2001::/32")
)

func prefixes(texts ...string) []netip.Prefix {
	made := make([]netip.Prefix, len(texts))
	for place, text := range texts {
		made[place] = netip.MustParsePrefix(text)
	}
	return made
}

// isPublic says whether an address is neither private, loopback, link-local, shared, reserved nor multicast
// . An IPv6 address that stands for an IPv4 one is judged by that.
func isPublic(address netip.Addr) bool {
	address = embedded(address.WithZone("").Unmap())
	if !address.IsGlobalUnicast() || address.IsPrivate() {
		return false
	}
	for _, network := range blockedNetworks {
		if network.Contains(address) {
			return false
		}
	}
	return true
}

// embedded is the IPv4 address inside a 6to4, Teredo or NAT64 one, else the address itself.
func embedded(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	bytes := address.As16()
	switch {
	case sixTo4.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[2:6]))
	case teredo.Contains(address):
		return netip.AddrFrom4([4]byte{^bytes[12], ^bytes[13], ^bytes[14], ^bytes[15]})
	case nat64.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[12:16]))
	}
	return address
}
