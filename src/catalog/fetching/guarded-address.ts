import ipaddr from "ipaddr.js";

/** Ranges that fetchAllowPrivate opens. Everything but these and public unicast stays closed. */
const PRIVATE_RANGES = new Set(["loopback", "private", "linkLocal", "uniqueLocal", "carrierGradeNat"]);

/** All global unicast IPv6 lies here (RFC 4291); the rest of "unicast" holds old embeddings such as ::10.0.0.1. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/** Where clouds hand out credentials to whoever asks from inside. Azure's lies in public space, so ranges miss it. */
const METADATA = new Set(
  [
    "169.254.169.254", // AWS, Google, Azure, DigitalOcean, OpenStack
    "169.254.170.2", // AWS ECS
    "169.254.170.23", // AWS EKS
    "168.63.129.16", // Azure host
    "100.100.100.200", // Alibaba
    "192.0.0.192", // Oracle
    "fd00:ec2::254", // AWS
    "fd00:ec2::23", // AWS EKS
    "fd20:ce::254", // Google
  ].map((address) => ipaddr.parse(address).toNormalizedString()),
);

/**
 * Why a connection to this IP address must not be made, or undefined when it may be.
 * Addresses that carry another one inside (IPv4-mapped, 6to4, NAT64, Teredo) are refused whatever they carry: no
 * public server is named that way, and where they lead depends on this machine's routes.
 */
export function addressRefusal(address: string, allowPrivate: boolean): string | undefined {
  if (!ipaddr.isValid(address)) return "is not an IP address";
  const parsed = ipaddr.parse(address);
  const unscoped =
    parsed instanceof ipaddr.IPv6 ? new ipaddr.IPv6(parsed.parts).toNormalizedString() : parsed.toNormalizedString();
  if (METADATA.has(unscoped)) return "is a cloud metadata address";
  const range = parsed.range();
  if (PRIVATE_RANGES.has(range)) return allowPrivate ? undefined : `is not public (${range})`;
  if (range !== "unicast") return `is not public (${range})`;
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_IPV6)) return "is not public (outside 2000::/3)";
  return undefined;
}
