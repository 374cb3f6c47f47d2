import { createHmac, timingSafeEqual } from "node:crypto";
import type { Attribution } from "./interaction.type.js";
import { AttributionInvalid } from "./interactions.errors.js";

const VERSION = 1;
/** Version, model, seconds, seed (0: none), experiment (0: none), variant. */
const BODY = 1 + 4 + 4 + 8 + 4 + 1;
/** Half of SHA-256, the least that RFC 2104 advises. */
const SIGNATURE = 16;
const LENGTH = BODY + SIGNATURE;

/**
 * An attribution as opaque text of 51 characters, signed with HMAC-SHA-256 (RFC 2104).
 * @param key 32 bytes
 */
export function writeAttributionToken(attribution: Attribution, key: Buffer): string {
  const { modelId, seedProductId = 0n, experiment, answeredAt } = attribution;
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUInt32BE(modelId, 1);
  bytes.writeUInt32BE(Math.floor(answeredAt.getTime() / 1_000), 5);
  bytes.writeBigUInt64BE(seedProductId, 9);
  bytes.writeUInt32BE(experiment?.experimentId ?? 0, 17);
  bytes.writeUInt8(experiment?.variant ?? 0, 21);
  sign(bytes, key).copy(bytes, BODY, 0, SIGNATURE);
  return bytes.toString("base64url");
}

/** @throws AttributionInvalid for whatever was not written with this key */
export function readAttributionToken(token: string, key: Buffer): Attribution {
  const bytes = Buffer.from(token, "base64url");
  if (bytes.length !== LENGTH || bytes.toString("base64url") !== token) throw new AttributionInvalid();
  const isOurs = timingSafeEqual(sign(bytes, key).subarray(0, SIGNATURE), bytes.subarray(BODY));
  if (!isOurs || bytes.readUInt8(0) !== VERSION) throw new AttributionInvalid();
  const seedProductId = bytes.readBigUInt64BE(9);
  const experimentId = bytes.readUInt32BE(17);
  return {
    modelId: bytes.readUInt32BE(1),
    answeredAt: new Date(bytes.readUInt32BE(5) * 1_000),
    ...(seedProductId === 0n ? {} : { seedProductId }),
    ...(experimentId === 0 ? {} : { experiment: { experimentId, variant: bytes.readUInt8(21) } }),
  };
}

function sign(bytes: Buffer, key: Buffer): Buffer {
  return createHmac("sha256", key).update(bytes.subarray(0, BODY)).digest();
}
