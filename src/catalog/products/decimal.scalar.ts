import { GraphQLError, GraphQLScalarType, Kind } from "graphql";

const DECIMAL = /^-?\d{1,18}(\.\d{1,6})?$/;

function toDecimal(value: unknown): string {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || !DECIMAL.test(text)) {
    throw new GraphQLError("Decimal must be a plain decimal number such as 19.90, with up to 6 decimals.");
  }
  return text;
}

/** A decimal number, kept as text all the way so that no cent is lost to binary fractions. */
export const DecimalScalar = new GraphQLScalarType<string, string>({
  name: "Decimal",
  description: "A decimal number such as `19.90`, sent as text or as a number.",
  serialize: toDecimal,
  parseValue: toDecimal,
  parseLiteral: (node) =>
    toDecimal(node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT ? node.value : undefined),
});
