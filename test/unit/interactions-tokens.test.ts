import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { assignVariant } from "../../src/experiments/assign-variant.js";
import { readAttributionToken, writeAttributionToken } from "../../src/interactions/attribution-token.js";
import type { Attribution } from "../../src/interactions/interaction.type.js";
import { AttributionInvalid } from "../../src/interactions/interactions.errors.js";
import { overlap, wilson } from "../../src/interactions/wilson.js";

describe("attribution tokens", () => {
  const key = randomBytes(32);
  const whole: Attribution = {
    modelId: 4_000_000_000,
    seedProductId: 2n ** 63n - 1n,
    experiment: { experimentId: 77, variant: 9 },
    answeredAt: new Date("2026-11-24T10:11:12Z"),
  };
  const bare: Attribution = { modelId: 1, answeredAt: new Date("2030-01-01T00:00:00Z") };

  it("give back what was written, in 51 characters of an address", () => {
    for (const attribution of [whole, bare]) {
      const token = writeAttributionToken(attribution, key);
      assert.match(token, /^[\w-]{51}$/);
      assert.deepEqual(readAttributionToken(token, key), attribution);
    }
  });

  it("are refused when any bit differs, when cut, and under another key", () => {
    const token = writeAttributionToken(whole, key);
    const bytes = Buffer.from(token, "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = Buffer.from(bytes);
      forged[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => readAttributionToken(forged.toString("base64url"), key), AttributionInvalid);
    }
    for (const text of ["", token.slice(0, -1), `${token}A`, `${token}=`, " ".repeat(51), "ü".repeat(51)]) {
      assert.throws(() => readAttributionToken(text, key), AttributionInvalid);
    }
    assert.throws(() => readAttributionToken(token, randomBytes(32)), AttributionInvalid);
  });
});

describe("assignment", () => {
  const experiment = {
    id: 5,
    share: 0.5,
    variants: [
      { modelId: 1, weight: 3 },
      { modelId: 2, weight: 1 },
    ],
  };
  const visitors = Array.from({ length: 20_000 }, (_, at) => `visitor-${at}`);

  it("follows the weights and the share", () => {
    const counts = new Map<number | undefined, number>();
    for (const visitor of visitors) {
      const variant = assignVariant(experiment, visitor)?.variant;
      counts.set(variant, (counts.get(variant) ?? 0) + 1);
    }
    // Five standard deviations of a fair draw.
    const near = (variant: number | undefined, share: number) => {
      const deviation = Math.sqrt(visitors.length * share * (1 - share));
      assert.ok(Math.abs(counts.get(variant)! - visitors.length * share) < 5 * deviation, `${variant}`);
    };
    near(undefined, 0.5);
    near(0, 0.375);
    near(1, 0.125);
  });

  it("is the same at any share, and independent of another experiment's", () => {
    let both = 0;
    for (const visitor of visitors) {
      const whole = assignVariant({ ...experiment, share: 1 }, visitor)!;
      const part = assignVariant(experiment, visitor);
      if (part !== undefined) assert.deepEqual(part, whole);
      if (whole.variant === 1 && assignVariant({ ...experiment, id: 6, share: 1 }, visitor)!.variant === 1) both++;
    }
    const expected = visitors.length / 16;
    assert.ok(Math.abs(both - expected) < 5 * Math.sqrt(expected), `${both} of ${expected}`);
  });
});

describe("Wilson's interval", () => {
  it("has the values that tables have", () => {
    const close = (found: number | undefined, wanted: number) =>
      assert.ok(Math.abs(found! - wanted) < 5e-5, `${found}`);
    const { low, high, share } = wilson(81, 263);
    close(share, 0.30798);
    // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    close(low, 0.2553);
    close(high, 0.3662);
    close(wilson(0, 20).high, 0.1611);
    assert.equal(wilson(0, 20).low, 0);
    assert.equal(wilson(29, 29).high, 1);
    close(wilson(29, 29).low, 0.883);
    close(wilson(1, 29).low, 0.0061);
    close(wilson(1, 29).high, 0.1718);
  });

  it("is absent without trials, and tells apart what lies apart", () => {
    assert.deepEqual(wilson(0, 0), { successes: 0, trials: 0 });
    assert.equal(overlap(wilson(10, 1_000), wilson(90, 1_000)), false);
    assert.equal(overlap(wilson(10, 1_000), wilson(12, 1_000)), true);
    assert.equal(overlap(wilson(0, 0), wilson(12, 1_000)), undefined);
  });
});
