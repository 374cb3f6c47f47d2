import {
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from "graphql";
import type { Random } from "./random-catalog.js";

/** Numbers that JSON.stringify cannot write: put into a document as this text, and taken out of its quotes at the end. */
export const RAW = (text: string): string => `\u2063raw:${text}\u2063`;

/** What is in the catalog, so that some requests find something. */
export interface RandomFacts {
  readonly productIds: readonly string[];
  readonly externalIds: readonly string[];
  readonly cursors: readonly string[];
}

const HOSTILE = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "x\udfff",
  "\u202eright to left",
  "🧥👗",
  "e\u0301".repeat(40),
  "'; DROP TABLE product; --",
  '"',
  "\\",
  "%",
  "_%_",
  "#{7*7}",
  "../../etc/passwd",
  "<script>alert(1)</script>",
  "NaN",
  "null",
  "__proto__",
  "constructor",
  "-0",
  "9".repeat(400),
  "A".repeat(5_000),
  "{",
  "[[[[",
  "prod_",
  "prod_0",
  "prod_-1",
  "prod_9223372036854775807",
  "prod_9223372036854775808",
  "prod_1e3",
  "img_1",
  "gid://shopify/Product/42",
  "cHJvZHVjdDox",
  "2024-13-45T99:99:99Z",
  "0000-00-00",
  "active",
  "base",
  "attribute:",
  "attribute:color",
  "category",
  "http://127.0.0.1:9/",
  "http://169.254.169.254/latest/meta-data/",
  "http://[::1]:1/x.png",
  "http://0x7f.1/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "data:image/png;base64,",
  "data:image/png;base64,iVBORw0KGgo=",
  "data:image/jpeg;base64,!!!!",
  "data:text/html,<b>",
] as const;

const NUMBERS = [
  ...[0, -0, 1, -1, 2, 12, 100, 101, 0.5, -0.5, 1e-320, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1],
  ...[2 ** 53, 2 ** 53 + 2, 1e21, 1e308, RAW("1e400"), RAW("-1e400"), RAW("9".repeat(320)), RAW("0.1e-999")],
] as const;

/** A small picture that decodes, and one that says it is enormous. */
const PICTURES = [
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAB//8AAf//CAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
] as const;

export interface RandomValues {
  /** A value of a type; now and then one that it does not take. */
  of(type: GraphQLInputType, name: string, wrong: number): unknown;
  text(): string;
  /** Anything that JSON can hold. */
  anything(depth?: number): unknown;
}

/** @param tame only values that their fields take */
export function createRandomValues(random: Random, facts: RandomFacts, tame = false): RandomValues {
  const { pick, chance, below } = random;
  const text = (): string => (chance(0.1) ? pick(HOSTILE).repeat(1 + below(3)) : pick(HOSTILE));
  const known = (): string =>
    chance(0.7) ? pick(facts.productIds) : tame || chance(0.7) ? pick(facts.externalIds) : pick(facts.cursors);

  const anything = (depth = 3): unknown => {
    switch (below(depth > 0 ? 8 : 5)) {
      case 0:
        return text();
      case 1:
        return pick(NUMBERS);
      case 2:
        return chance(0.5);
      case 3:
        return null;
      case 4:
        return known();
      case 5:
        return Array.from({ length: below(4) }, () => anything(depth - 1));
      case 6:
        return Object.fromEntries(Array.from({ length: below(4) }, () => [text(), anything(depth - 1)]));
      default:
        return JSON.parse(`${"[".repeat(50)}${"]".repeat(50)}`) as unknown;
    }
  };

  const good = (share: number): boolean => tame || chance(share);
  const ofScalar = (scalar: string, name: string): unknown => {
    switch (scalar) {
      case "Boolean":
        return chance(0.5);
      case "Int":
        return good(0.8) ? 1 + below(name === "first" ? 20 : 5) : pick(NUMBERS);
      case "Float":
        return good(0.7) ? below(100) / 100 : pick(NUMBERS);
      case "Decimal":
        return good(0.7) ? `${below(100)}.${below(100)}` : chance(0.5) ? text() : pick(NUMBERS);
      case "DateTimeISO":
        return good(0.7) ? "2026-01-02T03:04:05.678Z" : text();
      case "_Any":
        return good(0.7) ? { __typename: "Product", id: known() } : anything();
      default:
        if (name === "dataUri") return good(0.5) ? pick(PICTURES) : text();
        if (name === "currency") return good(0.7) ? pick(["EUR", "USD", "JPY"]) : text();
        if (name === "after") return good(0.6) ? pick(facts.cursors) : text();
        return good(0.6) ? known() : text();
    }
  };

  const of = (type: GraphQLInputType, name: string, wrong: number): unknown => {
    if (chance(wrong)) return anything();
    if (isNonNullType(type)) return given(type.ofType as GraphQLInputType, name, wrong);
    return chance(0.05) ? null : given(type, name, wrong);
  };

  const given = (type: GraphQLInputType, name: string, wrong: number): unknown => {
    if (isListType(type))
      return Array.from({ length: below(4) }, () => of(type.ofType as GraphQLInputType, name, wrong));
    if (isEnumType(type)) return pick(type.getValues()).name;
    if (!isInputObjectType(type)) return ofScalar(type.name, name);
    const fields = Object.values(type.getFields()).filter((field) => isRequiredInputField(field) || chance(0.35));
    return Object.fromEntries(fields.map((field) => [field.name, of(field.type, field.name, wrong)]));
  };
  return { of, text, anything };
}
